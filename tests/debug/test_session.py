"""Breakpoints and mocks in flows that run."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.core.errors import Permanent
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.debug import Session, codes, session as session_module
from octo.engine.invoke import invoke

TIMEOUT = 60.0


@pytest.fixture
def session():
    return Session()


@pytest.fixture
async def begun(config, session):
    """Call a flow in the background, and return its task."""
    async with asyncio.TaskGroup() as group:

        async def call(body, flow="f", **set_):
            given = {"breakpoints": {}, "standins": {}, **set_}
            wrong = session.set(config, given["breakpoints"], given["standins"])
            assert wrong == {}
            return group.create_task(_ended(invoke(config, flow, Message(body), TIMEOUT, session)))

        yield call


async def _ended(call):
    try:
        return await call
    except Failure as failure:
        return failure


async def held(session, number=1):
    while len(session.held) < number:
        await session.change.wait()
    return session.held


async def test_a_message_waits_in_front_of_the_block(begun, session):
    """Until somebody lets it go on, as it is."""
    task = await begun(3, breakpoints={"f.check[then].double": ""})

    [one] = await held(session)
    assert (one.address, one.message.body) == ("f.check[then].double", 3)
    assert not task.done()
    session.order(one.id, "continue")

    assert isinstance(await task, Message)
    assert session.held == []


async def test_it_may_go_on_changed(begun, session):
    task = await begun(3, flow="g", breakpoints={"g.set-payload": ""})
    [one] = await held(session)

    session.order(one.id, "continue", one.message.with_body(41))

    assert (await task).body == 42


async def test_step_by_step(begun, session):
    """Through the blocks of branches and of called flows."""
    task = await begun(1, breakpoints={"f.check": ""})
    seen = []
    while not task.done():
        for one in session.held:
            seen.append(one.address)
            session.order(one.id, "step")
        await asyncio.sleep(0)

    assert seen == [
        "f.check",
        "f.check[then].double",
        "f.check[then].log",
        "f.switch",
        "f.switch[default].free",
        "f.sum",
        "g.a",
        "g.set-variable",
        "g.set-variable#2",
        "g.set-payload",
    ]


async def test_it_may_be_dropped_or_fail(begun, session):
    """As if the block had: error chains run."""
    dropped = await begun(3, breakpoints={"f.check": ""})
    [one] = await held(session)
    session.order(one.id, "drop")
    assert isinstance(await dropped, Drop)

    failed = await begun(3, breakpoints={"f.check": ""})
    [one] = await held(session)
    session.order(one.id, "fail")
    assert (await failed).body == "check"  # what the error chain has made of it


async def test_a_condition_chooses_messages(begun, session):
    """One that fails chooses none."""
    passed = await begun(3, flow="g", breakpoints={"g.set-payload": "body > 3"})
    assert (await passed).body == 4
    passed = await begun("x", flow="g", breakpoints={"g.set-payload": "body.none > 3"})
    await passed

    task = await begun(4, flow="g", breakpoints={"g.set-payload": "body > 3"})
    [one] = await held(session)
    session.order(one.id, "continue")
    assert (await task).body == 5


async def test_mocks_stand_for_blocks(begun):
    """The breakpoint of a mocked block still stops."""
    found = await begun(3, standins={"f.check": {"body": 100}, "f.switch": {"body": 7}})

    assert (await found).body == 8


async def test_without_breakpoints_nothing_is_in_the_way(config, session):
    """Flows are compiled as without the session."""
    from octo.engine.step import Step

    step = Step(lambda message: message, "a", "f.a")

    assert session.step(step) is step
    session.set(config, {"f.check": ""}, {})
    assert session.step(step) is not step


async def test_a_breakpoint_that_is_removed_lets_go(begun, session, config):
    task = await begun(3, breakpoints={"f.check": ""})
    await held(session)

    session.set(config, {}, {})

    assert isinstance(await task, Message)


async def test_the_end_lets_go(begun, session):
    task = await begun(3, breakpoints={"f.check": "", "f.switch": ""})
    await held(session)

    session.release()

    assert isinstance(await task, Message)


async def test_who_no_longer_waits_is_not_held(config, session):
    """A deadline passes at a breakpoint too."""
    session.set(config, {"f.check": ""}, {})
    with pytest.raises(Exception, match=r"timed out|did not|within"):
        await invoke(config, "f", Message(3), 0.05, session)

    assert session.held == []


async def test_too_many_messages_pass(begun, session, monkeypatch):
    monkeypatch.setattr(session_module, "MOST_HELD", 1)
    first = await begun(3, flow="g", breakpoints={"g.set-payload": ""})
    [one] = await held(session)

    second = await begun(5, flow="g", breakpoints={"g.set-payload": ""})
    assert (await second).body == 6

    session.order(one.id, "continue")
    assert (await first).body == 4


def test_what_cannot_be_set(config, session):
    """Each mistake by its address; the others are set."""
    wrong = session.set(
        config,
        {"f.check": "", "f.nothing": "", "f.switch": "body +"},
        {"g.set-payload": {"body": 1}, "nowhere": {"body": 1}, "f.sum": {"bodi": 1}},
    )

    assert sorted(wrong) == ["f.nothing", "f.sum", "f.switch", "nowhere"]
    assert session.breakpoints == ["f.check"]
    assert session.mocks == ["g.set-payload"]


def test_who_does_not_wait_cannot_go_on(session):
    with pytest.raises(Permanent) as caught:
        session.order("7", "continue")

    assert caught.value.code == codes.NOT_HELD


def test_the_address_may_be_short(plugins, session):
    """As everywhere: by type where there is no name."""
    config = parse("flows: [{name: a, process: [{type: log}]}]", plugins, {})

    assert session.set(config, {"a.log": ""}, {}) == {}
