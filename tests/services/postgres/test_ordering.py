"""Ordering keys in PostgreSQL, where many processes send and settle at the same moment."""

from __future__ import annotations

import asyncio

from octo.services import values
from octo.services.postgres import schema, store
from octo.services.postgres.queues import Lines

KEYS, EACH = 5, 40


async def _sent(queues, key):
    for number in range(EACH):
        await queues.send("orders", [key, number], order=str(key))


async def _handled(queues, handled):
    while len(handled) < KEYS * EACH:
        found = await queues.receive("orders", most=3, lease=60, wait=0.2)
        handled += [each.value for each in found]
        await asyncio.gather(*map(queues.ack, found))


async def test_what_is_sent_while_the_last_of_its_key_is_settled_is_not_stuck(fresh):
    """With a few connections of several processes: whoever comes second must see what the other has written."""
    handled = []
    async with store.opened(fresh) as one, store.opened(fresh) as two, asyncio.timeout(120):
        async with asyncio.TaskGroup() as tasks:
            for queues in map(Lines, (one, two)):
                for _ in range(4):
                    tasks.create_task(_handled(queues, handled))
            for key in range(KEYS):
                tasks.create_task(_sent(Lines((one, two)[key % 2]), key))
        left = await one.rows("SELECT count(*) FROM messages")

    for key in range(KEYS):
        assert [value for value in handled if value[0] == key] == [[key, number] for number in range(EACH)]
    assert left == [(0,)]


async def test_groups_that_touch_the_same_keys_do_not_wait_for_one_another_in_a_circle(fresh):
    """Each sends and settles in an order of its own."""
    async with store.opened(fresh) as one, store.opened(fresh) as two:
        both = [Lines(one), Lines(two)]
        for _ in range(20):
            await asyncio.gather(
                *(both[n % 2].send("orders", n, order=f"k{n * 7 % 20 if n % 2 else 19 - n % 20}") for n in range(80))
            )
            found = await both[0].receive("orders", most=100, lease=60)
            await asyncio.gather(
                *(both[n % 2].ack(each) for n, each in enumerate(reversed(found))),
                *(both[n % 2].send("orders", n, order=f"k{n * 3 % 20}") for n in range(40)),
            )


async def test_tables_of_the_version_before_keep_what_is_in_them(fresh, monkeypatch):
    """A process of that version removes messages, too; then the next one of their key may go."""
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        patched.setattr(schema, "VERSION", 1)
        await schema.prepare(fresh)
    async with store.opened(fresh) as opened:
        queues = Lines(opened)
        stored = values.sealed("old", "orders", "i")
        await opened.rows("INSERT INTO messages (queue, id, value) VALUES ('orders', 'i', $1)", stored)
        await queues.ack(*await queues.receive("orders"))
        for number in range(3):
            await queues.send("orders", number, order="k")
        first = "WHERE number = (SELECT min(number) FROM messages WHERE NOT dead)"
        for statement in (
            f"UPDATE messages SET dead = true, due = NULL, lent = NULL {first}",
            f"DELETE FROM messages {first}",
        ):
            await opened.rows(statement)
            (found,) = await queues.receive("orders", most=10)
            assert found.attempt == 1
        assert found.value == 2
