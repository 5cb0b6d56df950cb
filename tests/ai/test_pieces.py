"""The pieces of an answer reach the chain of the flow and who takes partial results, and only those of the answer."""

from __future__ import annotations

import pytest

from octo.ai.conversation import Piece
from octo.ai.pieces import Left, heard
from octo.core.errors import Permanent
from octo.core.flow import Drop, Failure, Stop
from octo.core.message import Message
from octo.core.partial import receiving

PIECES = [Piece("thinking", "hm"), Piece("text", "a"), Piece("tool_input", "{", "1", "t"), Piece("text", "b")]


def test_without_a_listener_nothing_is_passed_on():
    assert heard(None, Message()) is None


async def test_text_and_thoughts_reach_the_chain_and_the_caller():
    seen, taken = [], []

    def chain(message):
        seen.append((message.body, message.vars))
        return Drop() if len(seen) == 1 else message

    async def take(value):
        taken.append(value)

    with receiving(take):
        hear = heard(chain, Message("body", {"to": "ada"}))
        assert hear is not None
        for piece in PIECES:
            await hear(piece)

    assert taken == [{"type": kind, "text": text} for kind, text in (("thinking", "hm"), ("text", "a"), ("text", "b"))]
    assert seen == [(event, {"to": "ada"}) for event in taken]


async def test_a_listener_that_fails_does_not_fail_the_answer(caplog):
    def chain(message):
        raise Failure(Permanent("closed"), "x", "f.x", message)

    hear = heard(chain, Message())
    assert hear is not None
    await hear(PIECES[1])

    assert "the events of an answer failed" in caplog.text


async def test_a_stop_says_that_nobody_listens():
    async def chain(message):
        return Stop(message)

    hear = heard(chain, Message())
    assert hear is not None
    with pytest.raises(Left):
        await hear(PIECES[1])
