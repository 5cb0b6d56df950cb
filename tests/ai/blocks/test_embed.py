"""ai-embed turns texts into vectors, in bounded calls, and leaves the body alone."""

from __future__ import annotations

import pytest

from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.core.secrets import MASKED, mask
from octo.testing.harness import running
from tests.ai.fakes import components, flow

SECRET = "k-93-embed-canary-51"


def embedding(more: str = "") -> str:
    return flow(f"{{type: ai-embed, connector: llm, text: body, model: small{more}}}")


async def embedded(text, body):
    async with running(text, components=components()) as app:
        return await app.call("f", body), app.connector("llm")


async def failure(text, body):
    async with running(text, components=components()) as app:
        with pytest.raises(Failure) as found:
            await app.call("f", body)
        return found.value


async def test_a_text_becomes_a_vector_and_the_body_stays():
    message, model = await embedded(embedding(", dimensions: 2"), "four")

    assert message.body == "four"
    assert message.vars["embedding"] == [4.0, 1.0]
    assert message.vars["ai"] == {
        "model": "small",
        "usage": {"calls": 1, "inputTokens": 1, "outputTokens": 0, "money": 0.0},
    }
    assert model.embedded == [(["four"], "small", 2)]


async def test_a_list_becomes_a_list_in_its_order_in_calls_of_a_bounded_size():
    message, model = await embedded(embedding(", batch: 2, resultVar: v, detailsVar: ''"), ["a", "bb", "ccc"])

    assert message.vars == {"v": [[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]]}
    assert [texts for texts, _, _ in model.embedded] == [["a", "bb"], ["ccc"]]


async def test_no_texts_are_no_call():
    message, model = await embedded(embedding(), [])

    assert message.vars["embedding"] == []
    assert model.embedded == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "`text` must be a string, got null"),
        (7, "`text` must be a string, got int"),
        (["a", None], "text 2 of the list must be a string, got null"),
        (["a"] * 100_001, "100,001 texts are too many"),
    ],
)
async def test_what_is_no_text_is_an_error(body, said):
    assert f"ai-embed: {said}" in str(await failure(embedding(), body))


async def test_a_budget_is_kept_between_calls():
    error = await failure(embedding(", batch: 1, budget: {calls: 2}"), ["a", "b", "c"])

    assert error.as_value("f")["type"] == "BudgetExceeded"


async def test_known_secrets_are_masked():
    mask(SECRET)

    _, model = await embedded(embedding(), f"key {SECRET}")

    assert model.embedded[0][0] == [f"key {MASKED}"]


@pytest.mark.parametrize("more", [", budget: {vectors: 1}", ", batch: 0", ", dimensions: 0", ", resultVar: ''"])
async def test_a_mistake_in_the_settings_is_found_when_the_flow_is_built(more):
    with pytest.raises(ConfigError, match=more.split(":")[-2].split("{")[-1].strip(" ,")):
        async with running(embedding(more), components=components()):
            pass
