"""Equal documents share one connection, which closes with its last user and is opened again when it is lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from octo.config.load import parse
from octo.core.errors import Disconnected, Permanent
from octo.engine.connections import CLOSING, Connections, StartError
from octo.engine.lost import Lost
from octo.expr import ExprError
from octo.testing.clock import virtual
from octo.testing.probe import history


def doc(plugins, settings="{id: a}"):
    text = f"connectors: [{{name: a, type: probe, settings: {settings}}}]"
    return parse(text, plugins, {}).connectors["a"]


async def test_the_last_user_closes(plugins):
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        first = await connections.acquire(doc(plugins))
        second = await connections.acquire(doc(plugins))
        assert first.instance is second.instance

        await connections.release(first)
        assert history == ["open a"]

        await connections.release(second)
        assert history == ["open a", "close a"]


async def test_other_settings_are_another_connection(plugins):
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        first = await connections.acquire(doc(plugins))
        second = await connections.acquire(doc(plugins, "{id: b}"))
        assert first.instance is not second.instance

        await connections.release(first)
        await connections.release(second)


async def test_a_stub_stands_in_for_its_connector(plugins):
    a = doc(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        stub = await connections.acquire(a._replace(stub=a.type.stub.settings.model_validate({"notes": ["before"]})))
        await connections.release(stub)

    assert stub.instance.notes == ["before"]
    assert history == []


# --- lost connections --------------------------------------------------------------------------------------------


class Made:
    """A connector whose instances are numbers; the test decides how each opening goes."""

    def __init__(self, plugins):
        self.doc = parse("connectors: [{name: a, type: probe, settings: {id: a}}]", plugins, {}).connectors["a"]
        self.doc = self.doc._replace(type=self.doc.type._replace(cls=self))
        self.count = 0
        self.history = []
        self.opening = []
        self.closing = []

    @asynccontextmanager
    async def open(self, settings):
        if self.opening:
            await self.opening.pop(0)()
        self.count += 1
        number = self.count
        self.note("open", number)
        try:
            yield number
        finally:
            self.note("close", number)
            if self.closing:
                await self.closing.pop(0)()

    def note(self, what, number):
        self.history.append((what, number, asyncio.get_running_loop().time()))


class User:
    def __init__(self, made, leaves=0.0):
        self.made = made
        self.leaves = leaves

    async def part(self, connector, lost):
        self.made.note("part", connector)
        await asyncio.sleep(self.leaves)

    async def join(self, connector, instance):
        self.made.note("join", instance)


async def refuse():
    raise ConnectionError("refused")


async def hang():
    await asyncio.Event().wait()


GONE = Disconnected("reset by peer")


@virtual()
async def test_a_lost_connector_is_left_closed_opened_and_joined_again(plugins):
    """In this order, so that no user has an instance that is closed."""
    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        user = User(made, leaves=0.5)
        held = await connections.acquire(made.doc, user)
        await asyncio.sleep(100)
        held.lose(1, GONE)
        await asyncio.sleep(10)
        assert held.instance == 2
        await connections.release(held, user)

    assert made.history == [
        ("open", 1, 0),
        ("part", "a", 100),
        ("close", 1, 100.5),
        ("open", 2, 101.5),
        ("join", 2, 101.5),
        ("close", 2, 110),
    ]


@virtual(start="2026-01-01T00:00:00Z")
async def test_it_is_opened_again_with_growing_pauses_until_that_succeeds(plugins):
    """After any error: the configuration has run before, so the other side is not ready."""

    async def deny():
        raise Permanent("no such user")

    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        held = await connections.acquire(made.doc)
        made.opening += [refuse, deny, refuse]
        held.lose(1, GONE)
        await asyncio.sleep(2)
        since = "the connection has been lost since 2026-01-01T00:00:00Z and is being opened again: "
        assert str(held.instance) == since + "ConnectionError: refused"
        await asyncio.sleep(2)
        assert str(held.instance) == since + "no such user"
        await asyncio.sleep(30)
        assert held.instance == 2
        await connections.release(held)

    assert made.history == [("open", 1, 0), ("close", 1, 0), ("open", 2, 15), ("close", 2, 34)]


@virtual()
async def test_one_that_breaks_as_soon_as_it_is_open_is_not_opened_in_a_hurry(plugins):
    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        held = await connections.acquire(made.doc)
        for number in range(1, 5):
            held.lose(number, GONE)
            await asyncio.sleep(2**number)
        await asyncio.sleep(100)
        held.lose(5, GONE)
        await asyncio.sleep(2)
        await connections.release(held)

    opened = [at for what, _, at in made.history if what == "open"]
    assert opened == [0, 1, 4, 10, 22, 131]


@virtual()
async def test_who_complains_of_an_instance_that_was_replaced_changes_nothing(plugins):
    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        held = await connections.acquire(made.doc)
        held.lose(1, GONE)
        lost = held.instance
        held.lose(1, GONE)
        held.lose(lost, GONE)
        assert held.instance is lost
        await asyncio.sleep(10)
        held.lose(1, GONE)
        await asyncio.sleep(10)
        await connections.release(held)

    assert [(what, number) for what, number, _ in made.history] == [
        ("open", 1),
        ("close", 1),
        ("open", 2),
        ("close", 2),
    ]


@virtual()
async def test_two_users_are_both_told_and_it_is_opened_once(plugins):
    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        first, second = User(made), User(made)
        held = await connections.acquire(made.doc, first)
        assert await connections.acquire(made.doc, second) is held
        held.lose(1, GONE)
        await asyncio.sleep(10)
        await connections.release(held, first)
        await connections.release(held, second)

    assert [what for what, _, _ in made.history] == ["open", "part", "part", "close", "open", "join", "join", "close"]


@virtual()
async def test_who_comes_while_it_is_lost_need_not_wait(plugins):
    """A reload must not be held up by a broker that is down."""
    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        held = await connections.acquire(made.doc)
        made.opening += [refuse] * 5
        held.lose(1, GONE)
        await asyncio.sleep(5)
        user = User(made)
        async with asyncio.timeout(0.1):
            assert isinstance((await connections.acquire(made.doc, user)).instance, Lost)
        await connections.release(held)
        await asyncio.sleep(100)
        assert held.instance == 2
        await connections.release(held, user)

    assert [what for what, _, _ in made.history] == ["open", "close", "open", "join", "close"]


@pytest.mark.parametrize("opening", [hang, refuse])
@virtual()
async def test_the_last_user_may_go_while_it_is_being_opened_again(plugins, opening):
    """Neither an opening that hangs nor a pause holds up a stop."""
    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        held = await connections.acquire(made.doc)
        made.opening += [opening] * 10
        held.lose(1, GONE)
        await asyncio.sleep(20)
        await connections.release(held)
        assert asyncio.get_running_loop().time() == 20

    assert [what for what, _, _ in made.history] == ["open", "close"]


@virtual()
async def test_one_that_does_not_close_after_its_loss_is_given_up(plugins):
    """Its cleanup may wait for a dead connection."""
    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        held = await connections.acquire(made.doc)
        made.closing.append(hang)
        held.lose(1, GONE)
        await asyncio.sleep(60)
        await connections.release(held)

    assert made.history[2] == ("open", 2, CLOSING + 1)


@virtual()
async def test_one_that_does_not_close_holds_up_nobody_for_longer(plugins, caplog):
    """Neither a stop nor a reload waits for it until somebody kills the process."""
    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        held = await connections.acquire(made.doc)
        made.closing.append(hang)
        await connections.release(held)
        assert asyncio.get_running_loop().time() == CLOSING

    assert "connector did not close cleanly" in caplog.text


@virtual()
async def test_one_whose_sources_do_not_start_again_is_opened_once_more(plugins):
    made = Made(plugins)
    user = User(made)
    joins = []

    async def join(connector, instance):
        joins.append(instance)
        if instance == 2:
            raise KeyError("no such exchange")

    user.join = join
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        held = await connections.acquire(made.doc, user)
        held.lose(1, GONE)
        await asyncio.sleep(10)
        assert (held.instance, joins) == (3, [2, 3])
        await connections.release(held, user)


@virtual()
async def test_an_error_on_an_instance_that_was_lost_meanwhile_may_pass(plugins):
    """The client of a closed connection may raise anything; an error that the connector has classified stays."""
    made = Made(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        held = await connections.acquire(made.doc)
        bug, refusal, wrong = RuntimeError("client is closed"), Permanent("no"), ExprError("no such key", "body.a")
        assert held.judge(1, bug) is bug
        held.lose(1, GONE)

        judged = held.judge(1, bug)
        assert (type(judged), judged.__cause__) == (Disconnected, bug)
        assert str(judged) == 'the connection of "a" was lost meanwhile: RuntimeError'
        assert held.judge(1, refusal) is refusal
        assert held.judge(1, wrong) is wrong
        await connections.release(held)


# --- starts that fail --------------------------------------------------------------------------------------------


async def test_a_connector_that_did_not_open_is_opened_anew_by_the_next_who_asks(plugins):
    """So an edit succeeds once the database is up again."""
    made = Made(plugins)
    made.opening.append(refuse)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        with pytest.raises(StartError, match="ConnectionError: refused"):
            await connections.acquire(made.doc)

        held = await connections.acquire(made.doc)
        assert held.instance == 1
        await connections.release(held)

    assert [what for what, _, _ in made.history] == ["open", "close"]


async def test_two_who_wait_for_one_that_does_not_open_are_both_told(plugins):
    made = Made(plugins)
    made.opening.append(refuse)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        told = await asyncio.gather(*(connections.acquire(made.doc) for _ in range(2)), return_exceptions=True)
        assert [type(error) for error in told] == [StartError] * 2

        await connections.release(await connections.acquire(made.doc))


@virtual()
async def test_one_who_waits_for_an_opening_may_give_up_without_harm_to_the_others(plugins):
    async def slowly():
        await asyncio.sleep(10)

    made = Made(plugins)
    made.opening.append(slowly)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        hasty, patient = (tasks.create_task(connections.acquire(made.doc)) for _ in range(2))
        await asyncio.sleep(1)
        hasty.cancel()
        held = await patient
        assert held.instance == 1
        await connections.release(held)

    assert [what for what, _, _ in made.history] == ["open", "close"]


async def test_the_error_of_a_start_keeps_the_connectors_code_and_tells_its_place(plugins):
    async def deny():
        raise Permanent("bad password", code="OCTO-D104")

    made = Made(plugins)
    made.opening.append(deny)
    async with asyncio.TaskGroup() as tasks:
        with pytest.raises(StartError) as caught:
            await Connections(tasks).acquire(made.doc)

    assert (caught.value.code, str(caught.value)) == ("OCTO-D104", 'connector "a" (probe) did not start: bad password')
    assert caught.value.at == made.doc.at


async def test_an_error_without_a_code_has_that_of_a_start(plugins):
    made = Made(plugins)
    made.opening.append(refuse)
    async with asyncio.TaskGroup() as tasks:
        with pytest.raises(StartError) as caught:
            await Connections(tasks).acquire(made.doc)

    assert caught.value.code == "OCTO-R130"


@virtual()
async def test_a_start_that_is_cancelled_while_a_connector_opens_leaves_nothing_open(plugins):
    """Ctrl-C at a start that hangs."""
    left = []

    async def slowly():
        try:
            await asyncio.sleep(3600)
        finally:
            left.append(asyncio.get_running_loop().time())

    made = Made(plugins)
    made.opening.append(slowly)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        start = tasks.create_task(connections.acquire(made.doc))
        await asyncio.sleep(1)
        start.cancel()
        await asyncio.wait((start,))
        assert start.cancelled()
        assert left == [1]

        await connections.release(await connections.acquire(made.doc))

    assert [what for what, _, _ in made.history] == ["open", "close"]
