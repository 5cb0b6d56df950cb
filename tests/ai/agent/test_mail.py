"""Mail that was posted is read, whoever is gone meanwhile."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from octo.ai.agent import mail as mail_of_agents
from octo.ai.agent.mail import MOST, NAMESPACE, Mail, Mailbox, Stopped
from octo.core.errors import Overloaded, Transient
from octo.services.container import Services
from octo.services.ports import Lagged
from octo.testing.clock import virtual

KEY = "t/a"


def question(name: str) -> dict[str, object]:
    return {"id": name, "kind": "question", "text": name}


@pytest.fixture
async def services():
    async with Services() as found:
        await found.open(["key-value", "topics"])
        yield found.handed({"store": "key-value", "topics": "topics"})


async def texts(services) -> list[str]:
    entry = await services["store"].get(NAMESPACE, KEY)
    return [] if entry is None else [each["id"] for each in entry.value]


async def test_without_a_run_nothing_is_taken(services):
    assert not await Mailbox(**services, key=KEY).post(question("q"))


async def test_a_letter_stays_until_what_it_says_is_saved(services):
    mail, box = Mail(**services, key=KEY), Mailbox(**services, key=KEY)
    async with mail.open():
        assert await box.post(question("q"))
        await mail.collect()
        assert await box.is_seen(question("q"))
        assert await texts(services) == ["q"]
        assert not await mail.close()
        mail.questions.clear()
        await mail.done("q")
        assert await mail.close()
    assert not await box.post(question("later"))


async def test_what_a_run_has_seen_and_not_saved_is_for_the_next_one(services):
    box = Mailbox(**services, key=KEY)
    async with Mail(**services, key=KEY).open():
        await box.post(question("q"))
        await asyncio.sleep(0)
    second = Mail(**services, key=KEY)
    async with second.open():
        assert [each["id"] for each in second.questions] == ["q"]


async def test_a_failed_run_leaves_questions_and_nothing_else(services):
    mail, box = Mail(**services, key=KEY), Mailbox(**services, key=KEY)
    async with mail.open():
        await box.post(question("q"))
        await box.post({"id": "s", "kind": "stop"})
        await mail.abandon()
    assert await texts(services) == ["q"]
    third = Mail(**services, key=KEY)
    async with third.open():
        third.questions.clear()
        await third.done("q")
        await third.abandon()
    assert await services["store"].get(NAMESPACE, KEY) is None


async def test_a_letter_that_nobody_has_seen_can_be_withdrawn(services):
    await services["store"].put(NAMESPACE, KEY, [])
    box = Mailbox(**services, key=KEY)
    await box.post(question("q"))
    assert not await box.is_seen(question("q"))
    assert await box.withdraw(question("q"))
    assert not await box.withdraw(question("q"))


async def test_a_mailbox_is_bounded(services):
    await services["store"].put(NAMESPACE, KEY, [question(str(number)) for number in range(MOST)])
    with pytest.raises(Overloaded):
        await Mailbox(**services, key=KEY).post(question("q"))


async def test_letters_of_all_sizes_fit_into_a_mailbox_or_are_told_to_come_later(services):
    """What a run writes to say that it has seen them must fit, too; else nobody would ever see any."""
    mail, box = Mail(**services, key=KEY), Mailbox(**services, key=KEY)
    async with mail.open():
        for number in range(7):
            assert await box.post({**question(str(number)), "text": "x" * 100_000})
        for size in (100_000, 900_000):
            with pytest.raises(Overloaded):
                await box.post({**question("more"), "text": "x" * size})
        await mail.collect()
        assert len(mail.questions) == 7


class Broken:
    """Topics whose events break off with this error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @contextlib.asynccontextmanager
    async def subscribe(self, topic: str):
        yield self

    def __aiter__(self):
        return self

    async def __anext__(self):
        raise self.error


@virtual()
@pytest.mark.parametrize("error", [Lagged("behind"), Transient("the server is away")])
async def test_a_run_goes_on_without_events(error):
    """They only wake it up: it looks by itself."""
    async with Services() as found:
        await found.open(["key-value"])
        store = found.handed({"store": "key-value"})["store"]
        mail = Mail(store, Broken(error), KEY)
        async with mail.open():
            await store.put(NAMESPACE, KEY, [question("q")])
            await mail.changed.wait()

    assert [each["id"] for each in mail.questions] == ["q"]


@virtual()
async def test_mail_is_found_also_when_no_event_tells_of_it():
    async with Services() as found:
        await found.open(["key-value", "topics"])
        services = found.handed({"store": "key-value", "topics": "topics"})
        mail = Mail(**services, key=KEY)
        async with mail.open():
            await services["store"].put(
                NAMESPACE, KEY, [{"id": "d", "kind": "decision", "request": "r", "allow": True}]
            )
            await mail.changed.wait()
        assert mail.decisions["r"]["allow"]


async def test_a_mailbox_lasts_as_long_as_its_run(monkeypatch, services):
    """A person may take days to answer."""
    for name, seconds in {"TTL": 0.2, "RENEWED": 0.02, "LOOK": 0.01}.items():
        monkeypatch.setattr(mail_of_agents, name, seconds)
    written = []
    put = services["store"].put

    async def noted(*given, **more):
        written.append(more["ttl"])
        return await put(*given, **more)

    services["store"].put = noted
    async with Mail(**services, key=KEY).open():
        while len(written) < 4:
            await asyncio.sleep(0.01)
        assert await Mailbox(**services, key=KEY).post(question("q"))

    assert set(written) == {0.2}


async def stopped(mail: Mail, work: object) -> None:
    async with mail.interruptible():
        await work


async def test_a_stop_ends_what_is_under_way_and_what_would_begin(services):
    mail, box = Mail(**services, key=KEY), Mailbox(**services, key=KEY)
    async with mail.open(), asyncio.TaskGroup() as tasks:
        tasks.create_task(box.post({"id": "s", "kind": "stop"}))
        with pytest.raises(Stopped):
            await stopped(mail, asyncio.Event().wait())
        with pytest.raises(Stopped):
            await stopped(mail, None)


async def test_a_timeout_inside_is_no_stop(services):
    mail = Mail(**services, key=KEY)
    with pytest.raises(TimeoutError):
        async with mail.interruptible():
            raise TimeoutError
