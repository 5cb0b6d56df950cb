"""Whatever a server answers: a reply or an error that says who must act, never a bug."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given, settings, strategies as st

from octo.ai.conversation import Ask, Piece, Reply, User
from octo.core.errors import OctoError
from tests.ai.conftest import APIS
from tests.ai.standins.server import Call, Raw, Request, Says, Standin

ASK = Ask("Be brief.", (User("Hi"),))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all values inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inner for place in places(each, (*at, key)))]


def changed(value: object, at: tuple[str | int, ...], other: object, gone: bool) -> object:
    """A copy with another value in a place, or with nothing there."""
    copy = json.loads(json.dumps(value))
    if not at:
        return other
    place = copy
    for key in at[:-1]:
        place = place[key]
    if gone:
        del place[at[-1]]
    else:
        place[at[-1]] = other
    return copy


async def asked(provider, standin: Standin, model, *, streamed: bool) -> None:
    async def hear(piece: Piece) -> None:
        assert isinstance(piece.text, str)

    try:
        reply = await model.ask(ASK, hear if streamed else None)
    except OctoError:
        return
    assert isinstance(reply, Reply)
    assert isinstance(reply.text, str)
    assert all(isinstance(each.id, str) and isinstance(each.name, str) for each in reply.calls)
    assert json.dumps(reply.origin)


@settings(max_examples=60)
@given(st.data())
def test_an_answer_with_anything_in_it(data):
    """One value of a right answer is another one, or missing."""
    provider = data.draw(st.sampled_from(APIS))
    says = Says("text", (Call("lookup", '{"id": 1}'),), thinking="hmm")

    async def run() -> None:
        async with provider.standin().serving() as standin, provider.over(standin) as model:
            request = Request("POST", "/v1beta/models/m:generateContent", "", {}, {"model": "m"})
            answer = standin.answer(request, says)
            at = data.draw(st.sampled_from(places(answer)))
            wrong = changed(answer, at, data.draw(JSON), gone=data.draw(st.booleans()))
            standin.script = [Raw(json.dumps(wrong).encode())]
            await asked(provider, standin, model, streamed=False)

    asyncio.run(run())


@settings(max_examples=60)
@given(st.data())
def test_a_stream_with_anything_in_it(data):
    """As above, in one event of a stream."""
    provider = data.draw(st.sampled_from(APIS))
    says = Says("text", (Call("lookup", '{"id": 1}'),), thinking="hmm")

    async def run() -> None:
        async with provider.standin().serving() as standin, provider.over(standin) as model:
            request = Request("POST", "/v1beta/models/m:streamGenerateContent", "", {}, {"model": "m", "stream": True})
            events = standin.events(request, says)
            index = data.draw(st.integers(0, len(events) - 1))
            head, mark, text = events[index].partition("data: ")
            if mark and text.strip() != "[DONE]":
                event = json.loads(text)
                at = data.draw(st.sampled_from(places(event)))
                wrong = changed(event, at, data.draw(JSON), gone=data.draw(st.booleans()))
                events[index] = f"{head}{mark}{json.dumps(wrong)}\n\n"
            standin.script = [Raw("".join(events).encode(), content_type="text/event-stream")]
            await asked(provider, standin, model, streamed=True)

    asyncio.run(run())
