"""idempotent: what has been done for a key is not done again.

The order: claim the key, with a lease and in its entry, run the chain, keep what it made, release. The mark that the
work is done comes after the work, so a crash in between repeats the work and loses nothing. And it says which step of
which message did the work: when that comes again, what follows the block may not have happened, so it goes on with its
result.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import Annotated, Literal

from octo.core.block import Site, block
from octo.core.durations import Duration
from octo.core.errors import Overloaded, Permanent
from octo.core.expressions import Expr
from octo.core.flow import Drop, Outcome, Stop, at_last, ending
from octo.core.log import fields
from octo.core.message import Message
from octo.core.occurrence import step
from octo.core.settings import Advanced, Settings
from octo.core.sockets import Always, Steps
from octo.core.state import State
from octo.services import limits
from octo.services.leasing import held
from octo.services.ports import Entry, KeyValue, Leases

log = logging.getLogger("octo.idempotent")

NAMESPACE = "idempotent"
_CLAIM = "claim"
_LONGEST = timedelta(days=7).total_seconds()
"""Seconds that a chain may take, and for which the claim of a process that has gone is kept."""


class Idempotent(Settings):
    key: Expr[str]
    """What makes two messages the same, e.g. `vars["Idempotency-Key"]` or `body.id`. All flows share their keys."""
    process: Annotated[Steps, Always()]
    """The work. It runs for the first message with the key, and again for the next one if it fails."""
    ttl: Duration = timedelta(hours=24)
    """How long a key is remembered after its work is done."""
    on_duplicate: Literal["replay", "skip", "drop"] = "replay"
    """What a later message with the key gets: `replay` what the first one ended with, unless that is larger than 1 MiB;
    `skip` lets it pass as it came; `drop` drops it. The first one itself always gets its result, when it comes again
    because what followed the block failed or its process ended; if that was too large, the work is done again."""
    wait: Duration = timedelta(seconds=30)
    """How long to wait while another message with the key is under way. After that the block fails; the message may be
    tried again."""
    lease: Annotated[Duration, Advanced] = timedelta(seconds=30)
    """How soon another may begin the work when this process is gone. It is renewed while the chain runs."""

    def shape_after(self, before: State) -> State:
        before.of(self.key)
        return before.chain(self.process).either(before.unknown())


@block("idempotent")
async def idempotent(settings: Idempotent, message: Message, site: Site, store: KeyValue, leases: Leases) -> Outcome:
    """Run a chain once for each key: a later message with the key gets what the first one ended with.

    Guarantee: the chain runs at least once, and not again once its result is kept. A process that is killed in between
    leaves the work to the next message with the key, so give what the chain calls the same key.
    """
    key = settings.key(message)
    by = step(message, site.address)
    name, ttl = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest(), settings.lease.total_seconds()
    if (done := await store.get(NAMESPACE, name)) is not None and _is_done(done, by):
        return _again(settings, message, by, done.value)
    lease = await leases.acquire(f"{NAMESPACE}/{name}", ttl, wait=settings.wait.total_seconds())
    if lease is None:
        raise Overloaded(f"a message with the key {key[:80]!r} is still under way")
    async with held(leases, lease, ttl):
        if (done := await store.get(NAMESPACE, name)) is not None and _is_done(done, by):
            return _again(settings, message, by, done.value)
        # Who begins the work writes over the claim of who began before, so that one that was cut off can keep nothing.
        claim, before = {_CLAIM: lease.token}, 0 if done is None else done.version
        version = await store.put(NAMESPACE, name, claim, version=before, ttl=_LONGEST)
        outcome = await at_last(settings.process(message))
        kept = settings.ttl.total_seconds() or None
        await store.put(NAMESPACE, name, _kept(message, by, outcome), version=version, ttl=kept)
        return outcome


def _is_done(entry: Entry, by: str) -> bool:
    """Whether the work need not be done again: not if it has only begun, or if this step did it and has no result."""
    kept = entry.value if isinstance(entry.value, dict) else {}
    has_result = "message" in kept or "dropped" in kept
    return _CLAIM not in kept and (has_result or kept.get("by") != by)


def _kept(message: Message, step: str, outcome: Outcome) -> object:
    """Who did the work, and what a later message needs of the outcome, unless that is too large to keep."""
    by, end = {"by": step}, ending(outcome)
    kept = (
        {**by, "dropped": end.reason}
        if isinstance(end, Drop)
        else {**by, "message": _made(message, end).to_record(), "stopped": isinstance(outcome, Stop)}
    )
    try:
        limits.size(kept)
    except Permanent as error:
        log.warning("a result is not kept for duplicates", extra=fields(error=str(error)))
        return by
    return kept


def _made(before: Message, end: Message) -> Message:
    """The end with the variables that the chain has set: those that the message brought along are its own business."""
    missing = object()
    changed = {name: value for name, value in end.vars.items() if before.vars.get(name, missing) is not value}
    return end.with_vars(changed)


def _again(settings: Idempotent, message: Message, by: str, kept: object) -> Outcome:
    """The outcome for a later message."""
    kept = kept if isinstance(kept, dict) else {}
    mode = "replay" if kept.get("by") == by else settings.on_duplicate
    if mode == "drop":
        return Drop("a message with this key was done before")
    if "dropped" in kept and mode == "replay":
        return Drop(kept["dropped"])
    if "message" not in kept or mode == "skip":
        return message
    end = Message.from_record(kept["message"])
    answer = message.with_body(end.body, raw=end.raw).with_vars({**message.vars, **end.vars})
    return Stop(answer) if kept["stopped"] else answer
