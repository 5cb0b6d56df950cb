"""What each reply of a model leads to, for each provider: whole flows over stand-ins that are as strict as the APIs."""

from __future__ import annotations

import json
from typing import NamedTuple

from octo.ai import codes
from octo.core.flow import Failure
from octo.testing.harness import running
from tests.ai.conftest import GEMINI
from tests.ai.standins.server import Answer, Call, Cut, Fails, Raw, Says, Standin

FLOWS = """
flows:
  - name: router
    process:
      - type: ai-router
        connector: llm
        prompt: Choose the desk for this ticket.
        routes: [{name: billing, description: Money questions, process: [{type: set-payload, value: "'billing'"}]}]
        default: {process: [{type: set-payload, value: "'default'"}]}
  - name: router-alone
    process:
      - type: ai-router
        connector: llm
        prompt: Choose the desk for this ticket.
        routes: [{name: billing, description: Money questions, process: []}]
  - name: agent
    process:
      - type: ai-agent
        connector: llm
        prompt: Answer the question.
        maxIterations: 2
        tools:
          - {name: lookup, description: Find it., process: [{type: set-payload, value: "{'found': body.id}"}]}
        default: {process: [{type: set-payload, value: "'default'"}]}
  - name: agent-alone
    process:
      - type: ai-agent
        connector: llm
        prompt: Answer the question.
        maxIterations: 2
        tools:
          - {name: lookup, description: Find it., process: [{type: set-payload, value: "{'found': body.id}"}]}
  - name: mapping
    process: [{type: ai-mapping, connector: llm, prompt: Ours., repairs: 0, outputSchema: {type: object}}]
  - name: mapping-repaired
    process: [{type: ai-mapping, connector: llm, prompt: Ours.}]
  - name: prompt
    process: [{type: ai-prompt, connector: llm, prompt: Say it.}]
  - name: retry
    process:
      - type: ai-retry
        connector: llm
        prompt: Fix the request.
        maxAttempts: 2
        process: [{type: set-payload, value: "body.n + 1"}]
        error: [{type: set-payload, value: "'error: ' + vars.error.code"}]
"""

SELECT = Call("select_route", '{"route": "billing", "reason": "money"}')
LOOK = Call("get_body", "{}")
LOOKUP = Call("lookup", '{"id": "A"}')
REVISE = Call("revise_message", '{"body": {"n": 1}}')
KEY = Standin.key
OK = '{"ok": true}'
REFUSES = Says(refusal="I must not.")
FILTERED = Says(stop="content_filter")


def wants(*calls: Call) -> Says:
    return Says(calls=calls)


class Row(NamedTuple):
    """A script, and what the flow makes of it. ends: the body, or the code of the error. calls: of the model."""

    flow: str
    script: list[Answer]
    ends: object
    calls: int


class Code(NamedTuple):
    code: str


ROWS = {
    "router: selects a route": Row("router", [wants(SELECT)], "billing", 1),
    "router: plain text": Row("router", [Says("For billing.")], "default", 1),
    "router: plain text, no default": Row("router-alone", [Says("For billing.")], {"n": "x"}, 1),
    "router: looks five times": Row("router", [wants(LOOK)] * 5, "default", 5),
    "router: looks, then selects": Row("router", [wants(LOOK), wants(SELECT)], "billing", 2),
    "router: an unknown route": Row("router", [wants(Call("select_route", '{"route": "nope"}'))], "default", 1),
    "router: no route": Row("router", [wants(Call("select_route", "{}")), wants(SELECT)], "billing", 2),
    "router: refuses": Row("router", [REFUSES], "default", 1),
    "router: two selections": Row(
        "router", [wants(SELECT, Call("select_route", '{"route": "__guardrail__"}'))], "billing", 1
    ),
    "router: 500": Row("router", [Fails(500)], Code(codes.BROKEN), 1),
    "agent: a tool, then JSON": Row("agent", [wants(LOOKUP), Says(OK)], {"ok": True}, 2),
    "agent: two calls of a tool, then JSON": Row("agent", [wants(LOOKUP, LOOKUP), Says(OK)], {"ok": True}, 2),
    "agent: a tool for ever": Row("agent", [wants(LOOKUP)] * 2, "default", 2),
    "agent: a tool for ever, no default": Row("agent-alone", [wants(LOOKUP)] * 2, Code(codes.NO_END), 2),
    "agent: an unknown tool, then JSON": Row("agent", [wants(Call("nope")), Says(OK)], {"ok": True}, 2),
    "agent: refuses": Row("agent", [REFUSES], "default", 1),
    "agent: refuses, no default": Row("agent-alone", [REFUSES], Code(codes.REFUSED), 1),
    "agent: 500": Row("agent", [Fails(500)], Code(codes.BROKEN), 1),
    "mapping: fenced JSON": Row("mapping", [Says(f"```json\n{OK}\n```")], {"ok": True}, 1),
    "mapping: prose": Row("mapping", [Says("Here you are.")], Code(codes.NOT_JSON), 1),
    "mapping: JSON that does not fit": Row("mapping", [Says("[1]")], Code(codes.MISFIT), 1),
    "mapping: prose, then JSON": Row("mapping-repaired", [Says("Here you are."), Says(OK)], {"ok": True}, 2),
    "mapping: refuses": Row("mapping", [REFUSES], Code(codes.REFUSED), 1),
    "mapping: cut off": Row("mapping", [Says('{"ok"', stop="max_tokens")], Code(codes.TRUNCATED), 1),
    "mapping: 401": Row("mapping", [Fails(401)], Code(codes.NO_LOGIN), 1),
    "mapping: 500": Row("mapping", [Fails(500)], Code(codes.BROKEN), 1),
    "prompt: a number stays a text": Row("prompt", [Says("42")], "42", 1),
    "prompt: 429": Row("prompt", [Fails(429, headers={"retry-after": "7"})], Code(codes.LIMITED), 1),
    "prompt: no JSON from the API": Row("prompt", [Raw(b"<html>")], Code(codes.MALFORMED), 1),
    "prompt: the answer breaks off": Row("prompt", [Cut(Says("half of it"))], Code(codes.BROKEN), 1),
    "retry: a revision": Row("retry", [wants(REVISE)], 2, 1),
    "retry: text only": Row("retry", [Says("I cannot.")], "error: OCTO-E202", 1),
    "retry: 500": Row("retry", [Fails(500)], "error: OCTO-E202", 1),
}


def without_refusals(row: Row) -> Row:
    """The row for an API that has no word for a refusal: there the provider's filter is what stops an answer."""
    script: list[Answer] = [FILTERED if each == REFUSES else each for each in row.script]
    return row._replace(script=script, ends=Code(codes.FILTERED) if row.ends == Code(codes.REFUSED) else row.ends)


def configuration(provider, url: str, **settings: object) -> str:
    given = {"apiKey": KEY, "baseURL": url, **provider.settings, **settings}
    return f"connectors: [{{name: llm, type: {provider.name}, settings: {json.dumps(given)}}}]\n{FLOWS}"


async def ended(app, flow: str) -> object:
    """The body that the flow ends with, or the code of its error."""
    try:
        return (await app.call(flow, {"n": "x"})).body
    except Failure as failure:
        return Code(str(failure.as_value("f")["code"]))


async def test_what_comes_of_each_reply(provider, standin):
    """One configuration for all rows: a connector does not remember what came before."""
    found = {}
    async with running(configuration(provider, standin.base_url, retries=0)) as app:
        for name, given in ROWS.items():
            row = without_refusals(given) if provider is GEMINI else given
            standin.script, standin.requests[:] = list(row.script), []
            end = await ended(app, row.flow)
            if (end, len(standin.requests)) != (row.ends, row.calls):
                found[name] = end, len(standin.requests)

    assert found == {}
    assert standin.refused == []


async def test_the_model_gets_the_result_of_its_call(provider, standin):
    """The second request has the answer of the tool, in the form of the API: the stand-in refuses any other."""
    standin.script = [wants(LOOKUP), Says(OK)]

    async with running(configuration(provider, standin.base_url)) as app:
        await app.call("agent", {"n": "x"})

    assert "found" in json.dumps(standin.requests[1].body)
    assert standin.refused == []


async def test_a_provider_that_is_not_there_is_an_error_of_each_block(provider):
    async with running(configuration(provider, "http://127.0.0.1:9", retries=0)) as app:
        ends = [await ended(app, flow) for flow in ("router", "agent", "mapping", "prompt", "retry")]

    assert ends == [Code(codes.BROKEN)] * 4 + ["error: OCTO-E202"]
