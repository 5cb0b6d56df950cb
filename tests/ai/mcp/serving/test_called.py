"""How a chain is called, and what a client learns when it does not succeed: nothing of the inside."""

from __future__ import annotations

import asyncio

import pytest

from octo.ai.mcp.serving.called import Call, Refused, is_refusal, outcome
from octo.core.errors import Bug, Overloaded, Permanent, Timeout, Transient
from octo.core.flow import Drop, Failure, Stop
from octo.core.message import Message


def raising(error: Exception):
    def run(_: Message):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Permanent("password=hush"), "an internal error"),
        (Bug("password=hush"), "an internal error"),
        (KeyError("password=hush"), "an internal error"),
        (Transient("password=hush"), "another system did not answer, try again later"),
        (Timeout("password=hush"), "it took too long"),
        (Overloaded("password=hush"), "the server has too much to do, try again later"),
        (Failure(Timeout("x"), "block", "f.block", Message()), "it took too long"),
    ],
)
async def test_a_failure_tells_only_whether_to_try_again(error, said):
    with pytest.raises(Refused) as refused:
        await outcome("the tool 'a'", raising(error), Message())

    assert str(refused.value) == f"the tool 'a' failed: {said}"


async def test_a_cancelled_call_stays_cancelled():
    with pytest.raises(asyncio.CancelledError):
        await outcome("it", raising(asyncio.CancelledError()), Message())  # type: ignore[arg-type]


async def test_outcomes():
    async def later(message: Message) -> Message:
        return message.with_body(2)

    assert (await outcome("it", lambda message: message.with_body(1), Message())).body == 1
    assert (await outcome("it", later, Message())).body == 2
    assert (await outcome("it", lambda message: Stop(message.with_body(3)), Message())).body == 3
    with pytest.raises(Refused, match="it has no result"):
        await outcome("it", lambda _: Drop(), Message())


def test_a_chain_gets_a_message_of_its_own():
    caller = Message("body", {"user": "ada", "httpStatus": 500, "mcpContent": [], "mcp": "forged"}, correlation_id="c")

    message = Call("2026-07-28", {"roots": {}}, {}).message(caller, {"a": 1})

    assert (message.body, message.correlation_id) == ({"a": 1}, "c")
    assert message.vars == {"user": "ada", "mcp": {"version": "2026-07-28", "client": {"roots": {}}, "answers": {}}}
    assert message.event_id != caller.event_id


@pytest.mark.parametrize(
    ("variables", "is_one"), [({}, False), ({"httpStatus": 200}, False), ({"httpStatus": 422}, True)]
)
def test_a_status_of_http_makes_a_refusal(variables, is_one):
    assert is_refusal(Message(None, variables)) is is_one
