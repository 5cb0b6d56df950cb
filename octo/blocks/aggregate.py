"""aggregate: collect messages into groups, and send one message on for each group that is complete."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, NamedTuple, Self
from weakref import WeakKeyDictionary

from pydantic import Field, model_validator

from octo.blocks.groups import ATTEMPTS, Group, Groups, State, pause
from octo.core import clock
from octo.core.block import Site, Tail, block
from octo.core.durations import Duration
from octo.core.errors import Overloaded, Permanent
from octo.core.expressions import Expr
from octo.core.flow import Drop, Failure, Outcome, Stop, at_last, ending
from octo.core.log import fields
from octo.core.message import Message, new_id
from octo.core.settings import Advanced, Settings
from octo.core.sockets import Steps
from octo.core.state import State as Shapes
from octo.services.election import campaign
from octo.services.ports import Conflict, KeyValue, Lease, Leases

log = logging.getLogger("octo.aggregate")

OFTEN, RARELY = 1.0, 30.0
"""Seconds between two looks for groups whose time is over: a tenth of the timeout, within these."""
JUMP = 60.0
"""Seconds by which the clocks of processes may differ. A group from further ahead was begun before a clock went back:
nobody knows how old it is, and too early is better than never."""


class Aggregate(Settings):
    may_stop: ClassVar[bool] = True

    correlation: Expr[str] | None = None
    """The key of the message's group, e.g. `body.order`. Default: `vars.groupId`, which `split` sets."""
    strategy: Literal["append", "expression"] = "append"
    """What becomes of the bodies. `append`: a list, without `correlation` in the order of `split`, else of arrival.
    `expression`: the value of `expression`, one message after the other."""
    expression: Expr[object] | None = None
    """With `strategy: expression`: the new value of the group, from the message and the group so far, e.g.
    `(vars.group.acc == null ? 0 : vars.group.acc) + body.amount`."""
    completion_size: Expr[int] | None = None
    """How many messages complete the group; -1 or less: unknown. Default: `vars.groupSize` if there is one."""
    completion_timeout: Duration | None = None
    """How long a group stays open, then it is released as it is. Groups are looked for every 1 to 30 seconds."""
    timeout_from: Literal["first", "last"] = "first"
    """Whether that time begins with the first message of the group, or anew with each."""
    completion_expression: Expr[bool] | None = None
    """Completes the group when it is true after a message was added, e.g. `vars.group.acc.size() >= 10`."""
    store_key: Annotated[str, Field(max_length=400), Advanced] = ""
    """Where the groups are kept. Default: the address of the block. Blocks with one `storeKey` share their groups."""
    max_groups: Annotated[int, Field(ge=1, le=1_000_000), Advanced] = 1000
    """At most so many groups are open at once."""
    on_overflow: Annotated[Literal["fail", "complete", "drop"], Advanced] = "fail"
    """What happens to a message that would open one more. `fail`: the block fails, and trying again may help.
    `complete`: the oldest group is released. `drop`: the message is dropped."""
    build_response: Steps | None = None
    """Makes the answer for the caller of each message that was added."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if (self.strategy == "expression") is (self.expression is None):
            raise ValueError("`expression` and `strategy: expression` belong together")
        if self.completion_timeout is not None and not self.completion_timeout:
            raise ValueError("`completionTimeout` must be more than 0")
        return self

    def shape_after(self, before: Shapes) -> Shapes:
        before.of(self.correlation)
        before.of(self.completion_size)
        before.without_var("group").of(self.expression)
        before.without_var("group").of(self.completion_expression)
        before.chain(self.build_response)
        return before.unknown()

    def key(self, message: Message) -> str:
        """The key of the message's group. Raises `Permanent` if it has none."""
        key = message.vars.get("groupId") if self.correlation is None else self.correlation(message)
        if not isinstance(key, str) or not key:
            raise Permanent("aggregate correlation: the key of the group is empty: `split` has not made this message")
        return key

    def acc(self, group: Group) -> object:
        """The value of the group."""
        return group.listed() if self.strategy == "append" else group.acc

    def added(self, group: Group, message: Message) -> Group:
        """The group with the message. One that it has already takes the place of the first, or changes no `acc`."""
        origin, index = _number(message)
        size = message.vars.get("groupSize", -1) if self.completion_size is None else self.completion_size(message)
        known = size if isinstance(size, int) and size > 0 else group.size
        if self.expression is None:
            grown = group.with_item(origin, index, message.body, message)
        elif group.has(origin, index):
            grown = group
        else:
            seen = message.with_var("group", group.view(group.acc))
            grown = group.with_value(origin, index, self.expression(seen), message)
        return replace(grown, size=known)

    def reason(self, group: Group, message: Message) -> str:
        """Why the group is complete now that the message was added; "" if it is not."""
        if 0 < group.size <= group.count:
            return "size"
        if self.completion_expression is None:
            return ""
        seen = message.with_var("group", group.view(self.acc(group)))
        return "expression" if self.completion_expression(seen) else ""

    def is_over(self, group: Group) -> bool:
        """Whether its time is over."""
        if self.completion_timeout is None:
            return False
        since = group.first if self.timeout_from == "first" else group.last
        age = (clock.now_ns() - since) / 1e9
        return age >= self.completion_timeout.total_seconds() or age < -JUMP

    def message(self, group: Group) -> Message:
        """What is sent on for a group that was released."""
        about: dict[str, object] = {
            "aggregateKey": group.key,
            "aggregateCount": group.count,
            "aggregateReason": group.reason,
        }
        return Message(self.acc(group), about, correlation_id=group.correlation)


def _number(message: Message) -> tuple[str, int]:
    """The group of `split` that a message comes from and its number in it; "" and -1 without them."""
    origin, index = message.vars.get("groupId"), message.vars.get("groupIndex")
    if not isinstance(origin, str) or not isinstance(index, int) or isinstance(index, bool) or index < 0:
        return "", -1
    return origin, index


async def sweep(settings: Aggregate, site: Site, tail: Tail, store: KeyValue, leases: Leases) -> None:
    """Release groups whose time is over, and those that a process released that was killed before their message ended.

    Of all processes one does so.
    """
    groups = Groups(store, leases, settings.store_key or site.address)
    timeout = settings.completion_timeout
    pace = RARELY if timeout is None else min(RARELY, max(OFTEN, timeout.total_seconds() / 10))
    name = f"octo/aggregate/{hashlib.sha256(groups.name('').encode()).hexdigest()}"
    async with campaign(leases, name, about=f"aggregate {settings.store_key or site.address}") as candidate:
        while True:
            await candidate.elected()
            await asyncio.sleep(pace)
            for group in await groups.names():
                if candidate.leads:
                    await _look(_Work(settings, groups, tail, is_worker=False), group)


async def _look(work: _Work, name: str) -> None:
    state = await work.groups.read(name)
    for group in state.released:
        if (lease := await work.groups.claim(group)) is None:
            continue  # its message is under way
        if group not in (await work.groups.read(name)).released:
            await work.groups.give_up(lease)  # its message has ended since the look
            continue
        log.warning("a group is released again: its process was stopped", extra=fields(group=group.key))
        await work.send(Released(name, group, lease))
    if state.group is not None and work.settings.is_over(state.group):
        with suppress(Conflict):  # a message has come meanwhile
            await work.send(await work.complete(name, state, state.group, "timeout"))


@block("aggregate", tending=sweep)
async def aggregate(
    settings: Aggregate, message: Message, site: Site, tail: Tail, store: KeyValue, leases: Leases
) -> Outcome:
    """Add the message to its group; once the group is complete, the rest of the flow runs for one message made of it.

    That message has the list or value as its body, the correlation id of the group's first message, and
    `vars.aggregateKey`, `vars.aggregateCount` and `vars.aggregateReason`: `size`, `timeout`, `expression` or
    `overflow`. The flow ends here for the messages that were added, each with itself or what `buildResponse` makes.

    Guarantee: a message is in the store when the flow ends with it, so it is as safe as the store is. A group is
    released once; again only if its process is killed before the message made of it has ended. If that message fails,
    the flow's `deadLetter` gets it, and without one it is gone. A group has at most 1 MiB. An element of `split` that
    comes again takes the place of the first.
    """
    work = _Work(settings, Groups(store, leases, settings.store_key or site.address), tail, is_worker=True)
    key = settings.key(message)
    name = work.groups.name(key)
    async with _lock(store, name):
        dropped = await work.add(name, key, message)
    if dropped is not None:
        return dropped
    for each in work.ready:
        await work.send(each)
    if settings.build_response is None:
        return Stop(message)
    try:
        outcome = await at_last(settings.build_response(message))
    except Failure as failure:
        failure.message = message
        raise
    return outcome if isinstance(outcome, Drop) else Stop(ending(outcome))


class Released(NamedTuple):
    """A group that was released, and the right to send it on."""

    name: str
    group: Group
    lease: Lease


class _Work:
    """What is done with one message, or in one look.

    ready: the groups that the message has released; they are sent on when no lock is held.
    """

    def __init__(self, settings: Aggregate, groups: Groups, tail: Tail, *, is_worker: bool) -> None:
        self.settings = settings
        self.groups = groups
        self.ready: list[Released] = []
        self._tail = tail
        self._is_worker = is_worker

    async def add(self, name: str, key: str, message: Message) -> Drop | None:
        """Add the message to its group. Returns a drop if there is no room."""
        for attempt in range(1, ATTEMPTS + 1):
            state = await self.groups.read(name)
            if await self._is_late(state, message):
                return None
            if state.group is None and (dropped := await self._no_room()) is not None:
                return dropped
            group = self.settings.added(state.group or Group(key), message)
            try:
                if reason := self.settings.reason(group, message):
                    self.ready.append(await self.complete(name, state, group, reason))
                else:
                    await self.groups.write(name, state._replace(group=group))
            except Conflict:
                if attempt == ATTEMPTS:
                    raise
                await pause(attempt)
            else:
                return None
        return None

    async def _is_late(self, state: State, message: Message) -> bool:
        """Whether it is an element of a group that was complete already: its delivery has come a second time."""
        origin, index = _number(message)
        if index < 0 or (state.group is not None and origin in state.group.origins):
            return False
        if any(each.has(origin, index) for each in state.released):
            return True
        return await self.groups.has_ended(origin)

    async def _no_room(self) -> Drop | None:
        """Make room for one more group, as the settings say."""
        most = self.settings.max_groups
        if len(names := await self.groups.names(most)) < most:
            return None
        if self.settings.on_overflow == "drop":
            return Drop(f"{most} groups are open already")
        if self.settings.on_overflow == "fail":
            raise Overloaded(f"{most} groups are open already (`maxGroups`)")
        states = [(name, await self.groups.read(name)) for name in names]
        _, name, state = min(
            ((state.group.first, name, state) for name, state in states if state.group is not None),
            default=(0, "", State()),
        )
        if state.group is not None:
            with suppress(Conflict):  # another message or process has changed it: there may be room now
                self.ready.append(await self.complete(name, state, state.group, "overflow"))
        return None

    async def complete(self, name: str, state: State, group: Group, reason: str) -> Released:
        """Release the group. Raises `Conflict` if another message or process has changed it meanwhile."""
        # Invariant: the lease comes before the entry says it. Else another process could send it on in between.
        released = replace(group, id=new_id(), reason=reason)
        lease = await self.groups.claim(released)
        if lease is None:
            raise Conflict("another process releases the group")
        try:
            await self.groups.write(name, state._replace(group=None, released=(*state.released, released)))
        except BaseException:
            await self.groups.give_up(lease)
            raise
        return Released(name, released, lease)

    async def send(self, released: Released) -> None:
        """Run the rest of the flow for the group."""
        name, group, lease = released
        await self._tail.group(buries=True, is_worker=self._is_worker).run(
            self.settings.message(group), self.groups.releasing(name, group, lease)
        )


# --- one message of a group at a time, in this process ------------------------------------------------------------

_STRIPES = 64
_locks: WeakKeyDictionary[KeyValue, list[asyncio.Lock]] = WeakKeyDictionary()
"""For each store; two groups that share one wait for each other without need."""


def _lock(store: KeyValue, name: str) -> asyncio.Lock:
    if store not in _locks:
        _locks[store] = [asyncio.Lock() for _ in range(_STRIPES)]
    return _locks[store][int(name[-8:], 16) % _STRIPES]
