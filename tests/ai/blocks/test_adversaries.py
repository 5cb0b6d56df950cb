"""Models that do what no model should: whatever they reply, a flow ends within its budget, in one of its ways."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given, settings, strategies as st

from octo.ai.conversation import Ask, Reply, ToolCall
from octo.core.budget import BudgetExceeded
from octo.core.errors import Bug, OctoError, Permanent, Transient
from octo.core.flow import Failure
from octo.core.message import Message
from octo.expr import ExprError
from octo.testing.harness import running
from tests.ai import injections
from tests.ai.blocks.test_retry import need
from tests.ai.fakes import components, flow

MOST_CALLS = 6
BUDGET = f"budget: {{calls: {MOST_CALLS}, toolCalls: 20}}"
SCHEMA = "outputSchema: {type: object, required: [a], properties: {a: {type: integer}}}"
FLOWS = {
    "ai-prompt": flow(f"{{type: ai-prompt, connector: llm, prompt: P., repairs: 10, {SCHEMA}, {BUDGET}}}"),
    "text": flow(f"{{type: ai-prompt, connector: llm, prompt: P., {BUDGET}}}"),
    "ai-mapping": flow(f"{{type: ai-mapping, connector: llm, prompt: P., repairs: 10, {SCHEMA}, {BUDGET}}}"),
    "ai-router": flow(
        f"{{type: ai-router, connector: llm, prompt: P., {BUDGET}, "
        "routes: [{name: a, description: A., process: []}]}"
    ),
    "ai-retry": flow(
        f"{{type: ai-retry, connector: llm, prompt: P., maxAttempts: 50, {BUDGET}, "
        "process: [{type: need, that: 'body.a == 1'}]}"
    ),
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.one_of(
    st.text(max_size=50),
    JSON.map(json.dumps),
    JSON.map(lambda value: f"```json\n{json.dumps(value)}\n```"),
    st.sampled_from([*injections.ALL, "", '{"a": 1}', '{"a": 1', "[" * 5000, '"' + "x" * 100_000 + '"', "NaN"]),
)
TOOLS = st.sampled_from(["get_body", "get_variable", "select_route", "revise_message", "rm -rf /", ""])
ARGUMENTS = st.one_of(
    st.dictionaries(st.sampled_from(["route", "name", "body", "variables", "reason", "x"]), JSON, max_size=4),
    st.sampled_from([{"route": "a"}, {"route": "nope"}, {"body": {"a": 1}}, {"body": {"a": 2}, "variables": {"v": 1}}]),
    st.builds(lambda body: {"body": body}, JSON),
    st.none(),
)
CALLS = st.lists(
    st.builds(lambda name, arguments, raw: ToolCall("same-id", name, arguments, raw), TOOLS, ARGUMENTS, TEXTS),
    max_size=30,
)
STOPS = st.sampled_from(["end_turn", "tool_use", "max_tokens", "refusal", "content_filter"])
REPLIES = st.builds(lambda text, calls, stop: Reply(text, tuple(calls), stop), TEXTS, CALLS, STOPS)
ERRORS = st.sampled_from([Transient("overload", status=529), Permanent("400", status=400), BudgetExceeded("theirs")])


async def ended(text: str, script: list[Reply | Exception]) -> tuple[object, list[Ask]]:
    """How the flow ended, and what its model was asked. The script begins again at its end."""
    async with running(text, components=components(need)) as app:
        model = app.connector("llm").says(*(script * 60)[:120])
        try:
            return await app.call("f", {"a": 0, "document": injections.DOCUMENTS[0]}), model.asks
        except Failure as failure:
            return failure.cause, model.asks


@settings(max_examples=120)
@given(st.sampled_from(sorted(FLOWS)), st.lists(REPLIES | ERRORS, min_size=1, max_size=4))
def test_whatever_a_model_replies_the_flow_ends_within_its_budget(name, script):
    end, asks = asyncio.run(ended(FLOWS[name], script))

    assert isinstance(end, Message | OctoError | ExprError), repr(end)
    assert not isinstance(end, Bug), repr(end)
    assert len(asks) <= MOST_CALLS
    if isinstance(end, Message) and name in ("ai-prompt", "ai-mapping"):
        assert isinstance(end.body["a"], int | float)
        assert end.body["a"] == int(end.body["a"])
    if isinstance(end, Message) and name == "ai-retry":
        assert end.body["a"] == 1
    for ask in asks:
        assert all(each.input for each in ask.tools)
