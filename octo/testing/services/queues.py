"""What every service of queues promises."""

from __future__ import annotations

import asyncio

from octo.core.errors import Timeout
from octo.services.ports import Lost, Queues, Received, Rejected
from octo.testing.services.suite import (
    BAD_NAMES,
    BAD_VALUES,
    NAMES,
    VALUES,
    Suite,
    all_refused,
    assert_same,
    fresh,
    refused,
)

QUEUES: Suite[Queues] = Suite("queues")


async def one(queues: Queues, queue: str, *, lease: float = 600.0, wait: float = 0.0, dead: bool = False) -> Received:
    """The one message that is given out."""
    found = await queues.receive(queue, lease=lease, wait=wait, dead=dead)
    assert len(found) == 1, f"one message is there, and {len(found)} were given out"
    return found[0]


async def nothing(queues: Queues, queue: str, *, dead: bool = False) -> None:
    """Check that none is."""
    found = await queues.receive(queue, dead=dead)
    assert found == [], f"nothing is to be given out, and {found} was"


@QUEUES.check
async def sent_is_received(queues: Queues, _: float) -> None:
    """A message goes to one receiver, and is gone once that has acknowledged it."""
    queue = fresh()
    await nothing(queues, queue)
    sent = await queues.send(queue, "hello")
    assert await queues.count(queue) == 1
    received = await one(queues, queue)
    assert (received.queue, received.id, received.value) == (queue, sent, "hello")
    assert (received.attempt, received.reason, received.wants_reply) == (1, "", False)
    await nothing(queues, queue)
    assert await queues.count(queue) == 1, "one that is lent still counts"
    await queues.ack(received)
    assert await queues.count(queue) == 0
    await nothing(queues, queue)


@QUEUES.check
async def first_in_is_first_out(queues: Queues, _: float) -> None:
    """First deliveries are in the order in which the messages were sent, also if many are received at once."""
    queue = fresh()
    for number in range(20):
        await queues.send(queue, number)
    found = await queues.receive(queue, most=15)
    found += await queues.receive(queue, most=15)
    assert [each.value for each in found] == list(range(20))
    for each in found:
        await queues.ack(each)


@QUEUES.check
async def receivers_share(queues: Queues, second: float) -> None:
    """With many receivers, each message goes to one of them, and none is left."""
    queue = fresh()
    for number in range(50):
        await queues.send(queue, number)
    seen: list[object] = []

    async def work() -> None:
        while found := await queues.receive(queue, most=3, lease=60 * second):
            for received in found:
                seen.append(received.value)
                await queues.ack(received)

    await asyncio.gather(*(work() for _ in range(8)))
    assert sorted(seen) == list(range(50)), f"seen were {seen}"  # type: ignore[type-var]
    assert await queues.count(queue) == 0


@QUEUES.check
async def what_is_not_settled_comes_back(queues: Queues, second: float) -> None:
    """A message that its receiver does not settle in time is delivered again, with the next attempt."""
    queue = fresh()
    await queues.send(queue, "hello")
    first = await one(queues, queue, lease=2 * second)
    await asyncio.sleep(second)
    await nothing(queues, queue)
    again = await one(queues, queue, lease=60 * second, wait=30 * second)
    assert (again.id, again.value, again.attempt) == (first.id, "hello", 2)
    await queues.ack(again)
    await nothing(queues, queue)


@QUEUES.check
async def extended_it_stays(queues: Queues, second: float) -> None:
    """A receiver that keeps extending its message keeps it."""
    queue = fresh()
    await queues.send(queue, "hello")
    received = await one(queues, queue, lease=2 * second)
    for _ in range(3):
        await asyncio.sleep(second)
        await queues.extend(received, 2 * second)
        await nothing(queues, queue)
    await queues.ack(received)
    await asyncio.sleep(3 * second)
    await nothing(queues, queue)


@QUEUES.check
async def who_lost_it_cannot_hurt(queues: Queues, second: float) -> None:
    """A receiver that wakes up late cannot settle the message of the one that has it now."""
    queue = fresh()
    await queues.send(queue, "hello")
    late = await one(queues, queue, lease=second)
    await asyncio.sleep(1.5 * second)
    held = await one(queues, queue, lease=60 * second)
    await refused(Lost, queues.extend(late, 60 * second))
    await queues.nack(late)
    await refused(Lost, queues.reject(late, "too late"))
    await nothing(queues, queue)
    await nothing(queues, queue, dead=True)
    await queues.extend(held, 60 * second)
    await queues.ack(held)
    assert await queues.count(queue) == 0


@QUEUES.check
async def a_late_ack_loses_nothing(queues: Queues, second: float) -> None:
    """An acknowledgement that comes too late is refused, or counts; the message is never both kept and forgotten."""
    queue = fresh()
    await queues.send(queue, "hello")
    late = await one(queues, queue, lease=second)
    await asyncio.sleep(1.5 * second)
    await one(queues, queue, lease=2 * second)
    try:
        await queues.ack(late)
    except Lost:
        again = await one(queues, queue, wait=30 * second)
        assert again.attempt == 3
        await queues.ack(again)
    else:
        await asyncio.sleep(3 * second)
    await nothing(queues, queue)
    assert await queues.count(queue) == 0


@QUEUES.check
async def given_back_it_comes_again(queues: Queues, second: float) -> None:
    """A message that was given back is delivered again, at once or after the delay, with the next attempt."""
    queue = fresh()
    await queues.send(queue, "hello")
    await queues.nack(await one(queues, queue))
    again = await one(queues, queue, wait=30 * second)
    assert again.attempt == 2
    await queues.nack(again, delay=2 * second)
    await asyncio.sleep(second)
    await nothing(queues, queue)
    third = await one(queues, queue, wait=30 * second)
    assert (third.value, third.attempt) == ("hello", 3)
    await queues.ack(third)


@QUEUES.check
async def one_that_fails_holds_up_nobody(queues: Queues, second: float) -> None:
    """While one message waits to be tried again, those behind it are delivered."""
    queue = fresh()
    for value in ("bad", "good"):
        await queues.send(queue, value)
    await queues.nack(await one(queues, queue), delay=60 * second)
    good = await one(queues, queue)
    assert good.value == "good"
    await queues.ack(good)


@QUEUES.check
async def a_delayed_message_waits(queues: Queues, second: float) -> None:
    """A delayed message is not delivered before its time, and does not hold up others."""
    queue = fresh()
    await queues.send(queue, "later", delay=2 * second)
    await queues.send(queue, "now")
    now = await one(queues, queue)
    assert now.value == "now"
    await queues.ack(now)
    await nothing(queues, queue)
    assert await queues.count(queue) == 1
    later = await one(queues, queue, wait=30 * second)
    assert (later.value, later.attempt) == ("later", 1)
    await queues.ack(later)


@QUEUES.check
async def a_key_sends_once(queues: Queues, second: float) -> None:
    """A second message with the same key is not added, also when the first is done. Each queue has its own keys."""
    queue, other = fresh(), fresh()
    first = await queues.send(queue, 1, key="k")
    assert await queues.send(queue, 2, key="k") == first
    assert await queues.send(queue, 3, key="K") != first
    found = await queues.receive(queue, most=10)
    assert [each.value for each in found] == [1, 3]
    for each in found:
        await queues.ack(each)
    await asyncio.sleep(second)
    assert await queues.send(queue, 4, key="k") == first
    await nothing(queues, queue)
    await queues.send(other, 5, key="k")
    assert (await one(queues, other)).value == 5
    same = await asyncio.gather(*(queues.send(queue, number, key="new") for number in range(10)))
    assert len(set(same)) == 1
    assert await queues.count(queue) == 1, "two were sent with one key"


@QUEUES.check
async def who_waits_is_woken(queues: Queues, second: float) -> None:
    """A waiting receiver gets the next message; one whose time is over, or that is cancelled, gets none."""
    queue = fresh()
    assert await queues.receive(queue, wait=second) == []
    try:
        async with asyncio.timeout(second):
            await queues.receive(queue, wait=300 * second)
    except TimeoutError:
        pass
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(queues.receive(queue, wait=30 * second))
        await asyncio.sleep(second)
        assert not waiting.done()
        await queues.send(queue, "hello")
    assert [each.value for each in waiting.result()] == ["hello"]


@QUEUES.check
async def rejected_is_kept_apart(queues: Queues, second: float) -> None:
    """A rejected message stays among the dead letters, with the reason, until it is acknowledged there."""
    queue = fresh()
    sent = await queues.send(queue, {"a": 1})
    await queues.reject(await one(queues, queue), "no such order")
    await nothing(queues, queue)
    assert (await queues.count(queue), await queues.count(queue, dead=True)) == (0, 1)
    dead = await one(queues, queue, dead=True, lease=second)
    assert (dead.id, dead.value, dead.reason) == (sent, {"a": 1}, "no such order")
    again = await one(queues, queue, dead=True, wait=30 * second)
    await queues.nack(again)
    await queues.ack(await one(queues, queue, dead=True, wait=30 * second))
    assert await queues.count(queue, dead=True) == 0


@QUEUES.check
async def a_reason_is_any_text(queues: Queues, second: float) -> None:  # noqa: ARG001  nothing waits
    """It quotes what a message had: control characters, or half of a surrogate pair, which may be lost."""
    queue = fresh()
    await queues.send(queue, 1)
    await queues.reject(await one(queues, queue), "no key\n\x00\x1f\ud800 %s")
    [seen] = (await queues.browse(queue, dead=True)).messages
    assert seen.reason.startswith("no key\n\x00\x1f")
    assert seen.reason.endswith(" %s")


@QUEUES.check
async def looking_takes_nothing(queues: Queues, second: float) -> None:
    """Browsing sees each message once, those that are lent too, in the order of sending; it lends and counts none."""
    queue = fresh()
    sent = [await queues.send(queue, {"n": number}) for number in range(5)]
    lent = await one(queues, queue, lease=60 * second)
    for _ in range(2):
        first = await queues.browse(queue, most=3)
        rest = await queues.browse(queue, most=3, after=first.after)
        seen = first.messages + rest.messages
        assert [each.id for each in seen] == sent
        assert [each.value for each in seen] == [{"n": number} for number in range(5)]
        assert [each.attempt for each in seen] == [1, 0, 0, 0, 0], "to look is no attempt"
        assert rest.after == ""
    await queues.reject(lent, "no such order")
    (dead,) = (await queues.browse(queue, dead=True)).messages
    assert (dead.id, dead.reason) == (sent[0], "no such order")
    assert [each.id for each in (await queues.browse(queue)).messages] == sent[1:]
    assert [each.id for each in await queues.receive(queue, most=10)] == sent[1:]
    assert (await queues.browse(fresh())).messages == []


@QUEUES.check
async def a_request_gets_its_reply(queues: Queues, second: float) -> None:
    """Each requester gets the reply to its own message, also if it needed a second attempt."""
    queue = fresh()

    async def work() -> None:
        for _ in range(6):
            (received,) = await queues.receive(queue, lease=60 * second, wait=30 * second)
            assert received.wants_reply, "the receiver is not told that somebody waits"
            if received.attempt == 1 and received.value == 2:
                await queues.nack(received)
            else:
                await queues.ack(received, {"double": received.value * 2})  # type: ignore[operator]

    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(queues.request(queue, number, timeout=60 * second)) for number in range(5)]
        tasks.create_task(work())
    assert [each.result() for each in asked] == [{"double": number * 2} for number in range(5)]


@QUEUES.check
async def a_request_that_is_rejected_fails(queues: Queues, second: float) -> None:
    """The request raises an error with the reason, and the message is among the dead letters."""
    queue = fresh()
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(refused(Rejected, queues.request(queue, 1, timeout=60 * second)))
        (received,) = await queues.receive(queue, wait=30 * second)
        await queues.reject(received, "no such order")
    assert "no such order" in str(asked.result())
    assert await queues.count(queue, dead=True) == 1


@QUEUES.check
async def a_request_that_nobody_takes_ends(queues: Queues, second: float) -> None:
    """The request ends when its time is over; the message is still delivered, and its reply does no harm."""
    queue = fresh()
    await refused(Timeout, queues.request(queue, 1, timeout=second))
    received = await one(queues, queue)
    await queues.ack(received, "too late")
    assert await queues.count(queue) == 0


@QUEUES.check
async def names_are_kept_apart(queues: Queues, _: float) -> None:
    """Every name within the limits is a distinct queue, and every key is distinct, however they look."""
    mark, keyed = fresh(), fresh()
    queues_ = {name if len(name.encode()) > 400 else mark + name: name for name in NAMES}
    for queue, value in queues_.items():
        await queues.send(queue, value)
        await queues.send(keyed, value, key=value)
    for queue, value in reversed(queues_.items()):
        received = await one(queues, queue)
        assert received.value == value, f"{queue!r} gave {received.value!r}"
        await queues.ack(received)
    found = await queues.receive(keyed, most=len(NAMES) + 1)
    assert [each.value for each in found] == list(NAMES)


@QUEUES.check
async def values_come_through(queues: Queues, second: float) -> None:
    """Every value arrives equal and of the same types, at the receiver, as a reply, and among the dead letters."""
    queue = fresh()
    for value in VALUES:
        await queues.send(queue, value)
    found = await queues.receive(queue, most=len(VALUES))
    for received, value in zip(found, VALUES, strict=True):
        assert_same(received.value, value)
        await queues.reject(received, "\0 é 🦊")
    for received, value in zip(await queues.receive(queue, most=len(VALUES), dead=True), VALUES, strict=True):
        assert_same(received.value, value)
    for value in VALUES[:30]:
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(queues.request(queue, value, timeout=60 * second))
            (received,) = await queues.receive(queue, wait=30 * second)
            await queues.ack(received, received.value)
        assert_same(asked.result(), value)


@QUEUES.check
async def beyond_the_limits_is_refused(queues: Queues, second: float) -> None:
    """Names, values and times beyond the limits are refused, and nothing is sent."""
    queue = fresh()
    endless = (-1, float("inf"), float("nan"))
    await all_refused(
        [
            *(lambda name=name: queues.send(name, 1) for name in BAD_NAMES),
            *(lambda name=name: queues.receive(name) for name in BAD_NAMES),
            *(lambda name=name: queues.request(name, 1, timeout=second) for name in BAD_NAMES),
            *(lambda name=name: queues.send(queue, 1, key=name) for name in BAD_NAMES if name),
            *(lambda value=value: queues.send(queue, value) for value in BAD_VALUES),
            *(lambda value=value: queues.request(queue, value, timeout=second) for value in BAD_VALUES),
            *(lambda name=name: queues.send(queue, 1, order=name) for name in BAD_NAMES if name and queues.keeps_order),
            *(lambda: queues.send(queue, 1, order="a", delay=second) for _ in range(queues.keeps_order)),
            *(lambda delay=delay: queues.send(queue, 1, delay=delay) for delay in endless),
            *(lambda lease=lease: queues.receive(queue, lease=lease) for lease in (0, *endless)),
            *(lambda wait=wait: queues.receive(queue, wait=wait) for wait in endless),
            *(lambda timeout=timeout: queues.request(queue, 1, timeout=timeout) for timeout in (0, *endless)),
            *(lambda most=most: queues.receive(queue, most=most) for most in (0, -1, 1001)),
        ]
    )
    assert await queues.count(queue) == 0


@QUEUES.check
async def settling_beyond_the_limits_is_refused(queues: Queues, second: float) -> None:
    """Values and times beyond the limits are refused when a message is extended or settled, and it stays lent."""
    queue = fresh()
    await queues.send(queue, 1)
    received = await one(queues, queue, lease=60 * second)
    endless = (-1, float("inf"), float("nan"))
    await all_refused(
        [
            *(lambda lease=lease: queues.extend(received, lease) for lease in (0, *endless)),
            *(lambda delay=delay: queues.nack(received, delay=delay) for delay in endless),
            *(lambda value=value: queues.ack(received, value) for value in BAD_VALUES),
        ]
    )
    await queues.ack(received)
    assert await queues.count(queue) == 0
