"""What can go wrong, as errors that say who must act: the same for all providers."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from octo.ai import codes
from octo.ai.conversation import Ask, Piece, User
from octo.core.errors import NotConnected, OctoError, Overloaded, Permanent, Timeout, Transient
from tests.ai.conftest import ANTHROPIC, GEMINI, OLLAMA, OPENAI, OPENROUTER
from tests.ai.standins.server import Call, Cut, Fails, Hangs, Interrupted, Raw, Says

ASK = Ask("Be brief.", (User("Hi"),))
LONG = Says("a long answer, which goes on", (Call("lookup", '{"id": "A", "more": "and more"}'),))


@pytest.fixture(params=["complete", "stream"])
def kind(request):
    """Whether the answer is heard while it is written."""
    return request.param


async def failed(provider, standin, kind, *answers, **settings) -> OctoError:
    """The error of a call that gets these answers."""
    standin.script = list(answers)
    async with provider.over(standin, **settings) as model:
        with pytest.raises(OctoError) as caught:
            await model.ask(ASK, _ignore if kind == "stream" else None)
    assert str(caught.value).startswith(f"{provider.name} {kind}: ")
    assert len(str(caught.value)) < 600
    assert standin.key not in str(caught.value)
    return caught.value


async def _ignore(piece: Piece) -> None:
    pass


STATUSES = [
    (400, Permanent, codes.BAD_REQUEST),
    (401, Permanent, codes.NO_LOGIN),
    (403, Permanent, codes.NO_LOGIN),
    (404, Permanent, codes.BAD_REQUEST),
    (413, Permanent, codes.BAD_REQUEST),
    (422, Permanent, codes.BAD_REQUEST),
    (429, Overloaded, codes.LIMITED),
    (500, Transient, codes.BROKEN),
    (502, Transient, codes.BROKEN),
    (503, Overloaded, codes.LIMITED),
    (529, Overloaded, codes.LIMITED),
]


@pytest.mark.parametrize(("status", "error", "code"), STATUSES)
async def test_a_status(provider, standin, kind, status, error, code):
    """The status decides whether it is worth trying again; the text has the provider's reason."""
    found = await failed(provider, standin, kind, Fails(status, "because of Ünicode\x1b[2J"))

    assert (type(found), found.code, found.status) == (error, code, status)
    assert "because of Ünicode" in str(found)
    assert "\x1b" not in str(found)
    assert standin.attempts == 1


async def test_retry_after(provider, standin):
    """Both forms of Retry-After are understood, and the vendors' own in milliseconds."""
    later = datetime.now(UTC) + timedelta(seconds=90)
    headers = [{"retry-after": "7"}, {"retry-after": format_datetime(later, usegmt=True)}, {"retry-after-ms": "1500"}]

    waits = []
    for each in headers:
        error = await failed(provider, standin, "complete", Fails(429, "slow down", each))
        assert isinstance(error, Overloaded)
        waits.append(error.retry_after)

    assert waits[0] == 7
    assert 60 < waits[1] <= 90
    assert waits[2] == 1.5


@pytest.mark.parametrize("provider", [GEMINI], ids=str)
async def test_retry_info(provider, standin):
    """Gemini says in the body how long to wait."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
    error = {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": [info]}

    found = await failed(provider, standin, "complete", Raw(json.dumps({"error": error}).encode(), 429))

    assert found.retry_after == 34


TOO_LONG = {
    ANTHROPIC.name: "prompt is too long: 210000 tokens > 200000 maximum",
    OPENAI.name: "This model's maximum context length is 128000 tokens. However, your messages resulted in 200000",
    GEMINI.name: "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
    OPENROUTER.name: "This endpoint's maximum context length is 128000 tokens.",
    OLLAMA.name: "the input exceeds the context length",
}


async def test_a_conversation_that_is_too_long(provider, standin):
    """It is told apart from other requests that are not accepted."""
    found = await failed(provider, standin, "complete", Fails(400, TOO_LONG[provider.name]))

    assert "the conversation is too long for " in str(found)
    assert found.code == codes.BAD_REQUEST


async def test_a_wrong_key(provider, standin):
    """The key of the connector is not accepted, and not in the error, though the provider repeats it."""
    if provider is OLLAMA:
        pytest.skip("asks for no key")
    standin.key = "sk-right-9876543210"
    async with provider.over(standin, apiKey="sk-wrong-0123456789") as model:
        with pytest.raises(Permanent) as caught:
            await model.ask(ASK)

    assert "sk-wrong-0123456789" not in str(caught.value)
    assert caught.value.code == codes.NO_LOGIN
    assert caught.value.status == (400 if provider is GEMINI else 401)


@pytest.mark.parametrize("provider", [OPENROUTER], ids=str)
async def test_a_prompt_that_is_not_liked(provider, standin):
    """A 403 of OpenRouter for what a prompt says is no matter of the key."""
    error = {"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"], "flagged_input": "..."}}

    found = await failed(provider, standin, "complete", Raw(json.dumps({"error": error}).encode(), 403))

    assert (type(found), found.code, found.status) == (Permanent, codes.BAD_REQUEST, 403)


async def test_an_unknown_field(provider, standin):
    """The stand-ins are as strict as the providers, or these tests would show nothing."""
    standin.refused.clear()
    async with provider.over(standin, temperature=1.7) as model:
        if provider is ANTHROPIC:
            with pytest.raises(Permanent, match="temperature"):
                await model.ask(ASK)
        else:
            await model.ask(ASK)


async def test_nobody_listens(provider, standin, kind):
    """No connection: the provider never got the call."""
    standin.url = "http://127.0.0.1:9"

    found = await failed(provider, standin, kind)

    assert (type(found), found.code, found.status) == (NotConnected, codes.BROKEN, None)
    assert "cannot connect to http://127.0.0.1:9" in str(found)


async def test_no_answer(provider, standin, kind):
    """An attempt that takes too long has failed by itself, not with the flow."""
    found = await failed(provider, standin, kind, Hangs(), timeout="100ms")

    assert type(found) is Timeout
    assert "within 0.1s" in str(found)


@pytest.mark.parametrize("events", [0, 1, 3, 5, 7])
async def test_a_cut_stream(provider, standin, events):
    """A stream that ends before its end is no answer, wherever it was cut."""
    found = await failed(provider, standin, "stream", Cut(LONG, events))

    assert type(found) is Transient
    assert found.code in (codes.BROKEN, codes.MALFORMED)


async def test_a_stream_that_just_ends(provider, standin):
    """As above, though the connection was closed in order."""
    event = b": nothing\n\n"

    found = await failed(provider, standin, "stream", Raw(event, content_type="text/event-stream"))

    assert (type(found), found.code) in ((Transient, codes.BROKEN), (Transient, codes.MALFORMED))


async def test_a_cut_answer(provider, standin):
    """As a stream."""
    found = await failed(provider, standin, "complete", Cut(LONG))

    assert (type(found), found.code) == (Transient, codes.BROKEN)


async def test_an_error_in_a_stream(provider, standin):
    """A provider that is overloaded in the middle says so in the stream."""
    found = await failed(provider, standin, "stream", Interrupted(LONG, 529 if provider is ANTHROPIC else 503))

    assert isinstance(found, Transient)
    assert "overloaded" in str(found)


MALFORMED = {
    "no JSON": b"<html>gateway</html>",
    "half": b'{"id": "x", "choices": [{"ind',
    "empty": b"",
    "null": b"null",
    "a list": b"[1, 2]",
    "nothing in it": b"{}",
    "no choices": b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[],"candidates":[]}',
    "wrong types": b'{"id":3,"choices":"x","candidates":"y","content":"z","usage":[]}',
    "not UTF-8": b'{"id":"\xff\xfe"}',
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_an_answer_that_is_none(provider, standin, name):
    """What is not what the API promises is a passing failure of the other side, and no bug here."""
    found = await failed(provider, standin, "complete", Raw(MALFORMED[name]))

    assert (type(found), found.code) == (Transient, codes.MALFORMED)


async def test_an_error_that_is_no_json(provider, standin, kind):
    """A proxy answers with a page of its own."""
    found = await failed(provider, standin, kind, Raw(b"<html>502 Bad Gateway</html>" * 500, 502, "text/html"))

    assert (type(found), found.code, found.status) == (Transient, codes.BROKEN, 502)


async def test_a_redirect(provider, standin, kind):
    """The key goes to one server alone: no redirect is followed."""
    moved = Raw(b"", 307, "text/plain", {"location": f"{standin.url}/elsewhere"})

    found = await failed(provider, standin, kind, moved)

    assert type(found) is Permanent
    assert standin.attempts == 1


async def test_an_endless_answer(provider, standin, monkeypatch):
    """An answer has a limit."""
    from octo.ai.llm.wires import clients

    monkeypatch.setattr(clients, "LARGEST", 10_000)

    found = await failed(provider, standin, "complete", Says("x" * 20_000))

    assert isinstance(found, Transient)
    assert "more than 10000 bytes" in str(found)


async def test_a_packed_answer(provider, standin):
    """What is not asked for is not unpacked: it could be of any size."""
    packed = Raw(b"\x1f\x8b", headers={"content-encoding": "gzip"})

    assert isinstance(await failed(provider, standin, "complete", packed), Transient)


async def test_cancelled(provider, standin, kind, caplog):
    """A call that is cancelled leaves nothing behind, and the next one works."""
    standin.script = [Hangs(), Says("works")]
    async with provider.over(standin) as model:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(model.ask(ASK, _ignore if kind == "stream" else None))
            while not standin.requests:
                await asyncio.sleep(0)
            task.cancel()
        assert task.cancelled()
        assert (await model.ask(ASK)).text == "works"
    assert caplog.records == []


async def test_cancelled_in_a_stream(provider, standin, caplog):
    """As above, in the middle of a stream."""
    standin.script = [LONG, Says("works")]

    async def leave(piece: Piece) -> None:
        raise asyncio.CancelledError

    async with provider.over(standin) as model:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(model.ask(ASK, leave))
        assert task.cancelled()
        assert (await model.ask(ASK)).text == "works"
    assert caplog.records == []


async def test_the_libraries_say_nothing(provider, standin, kind, caplog, capfd):
    """No line of a log and no warning comes from below, whatever its level, and whatever happens."""
    caplog.set_level(logging.DEBUG)
    standin.script = [Says("a"), Fails(500), Fails(401), Cut(LONG)]

    async with provider.over(standin) as model:
        for _ in range(4):
            with suppress(OctoError):
                await model.ask(ASK, _ignore if kind == "stream" else None)

    assert [each.name for each in caplog.records if each.name != "asyncio"] == []
    assert capfd.readouterr() == ("", "")


async def test_an_error_of_the_hearer(provider, standin):
    """It is not taken for one of the provider."""

    async def deaf(piece: Piece) -> None:
        raise ValueError("deaf")

    async with provider.over(standin) as model:
        with pytest.raises(ValueError, match="deaf"):
            await model.ask(ASK, deaf)


async def test_connections_are_used_again(provider, standin, kind):
    """One after another, calls need one connection."""
    async with provider.over(standin) as model:
        for _ in range(4):
            await model.ask(ASK, _ignore if kind == "stream" else None)

    assert (standin.attempts, standin.connections) == (4, 1)


@pytest.mark.parametrize("why", [asyncio.CancelledError, ValueError])
async def test_nothing_stays_open(provider, standin, why):
    """A stream that is left in the middle is closed, so that the provider may stop writing."""
    standin.script = [LONG] * 3

    async def leave(piece: Piece) -> None:
        raise why

    async with provider.over(standin) as model:
        for _ in range(3):
            await asyncio.gather(model.ask(ASK, leave), return_exceptions=True)
        assert standin.attempts == 3
        while standin.open:
            await asyncio.sleep(0)


NO_VECTORS = {
    "nothing in it": b"{}",
    "one too few": b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0]}],"model":"m",'
    b'"usage":{"prompt_tokens":1,"total_tokens":1},"embeddings":[{"values":[1.0]}]}',
    "no numbers": b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":["a"]},{"object":"embedding",'
    b'"index":1,"embedding":["b"]}],"model":"m","usage":{},"embeddings":[{"values":["a"]},{"values":["b"]}]}',
    "no JSON": b"<html>",
}


@pytest.mark.parametrize("name", NO_VECTORS)
async def test_vectors_that_are_none(provider, standin, name):
    """As with answers: a passing failure of the other side."""
    if provider is ANTHROPIC:
        pytest.skip("has none")
    standin.script = [Raw(NO_VECTORS[name])]

    async with provider.over(standin) as model:
        with pytest.raises(Transient, match=r"^llm-\w+ embed: ") as caught:
            await model.embed(["a", "b"], "text-embedding-3-small")

    assert caught.value.code == codes.MALFORMED


async def test_no_room_for_vectors(provider, standin):
    """And a status decides."""
    if provider is ANTHROPIC:
        pytest.skip("has none")
    standin.script = [Fails(429, "slow down", {"retry-after": "3"})]

    async with provider.over(standin) as model:
        with pytest.raises(Overloaded) as caught:
            await model.embed(["a", "b"], "text-embedding-3-small")

    assert (caught.value.status, caught.value.retry_after) == (429, 3)
