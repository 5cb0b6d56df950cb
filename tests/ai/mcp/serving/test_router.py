"""mcp-router answers requests of MCP that come as bodies: the reference's table, and what may go wrong."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from octo.ai.mcp.serving.router import prepare
from octo.ai.mcp.serving.settings import Router
from octo.builtin import plugins
from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.testing import running

TOOLS = """
serverName: shop
tools:
  - name: find
    title: Find an order
    description: Find an order by its number.
    inputSchema: '{"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}'
    outputSchema: {type: object, properties: {total: {type: number}}, required: [total]}
    annotations: {readOnlyHint: true}
    process: [{type: set-payload, value: '{"id": body.id, "total": body.id == "odd" ? "much" : 3}'}]
  - name: broken
    description: Always fails.
    process: [{type: set-payload, value: 'body.missing.key'}]
  - name: refusing
    description: Refuses.
    process: [{type: validate, settings: {rules: [{expr: 'body.n > 0', message: n must be positive}]}}]
  - name: nothing
    description: Has no result.
    process: [{type: filter, expr: 'false'}]
  - name: who
    description: Who calls.
    process: [{type: set-payload, value: vars.user}]
  - name: large
    description: Answers with much.
    process: [{type: set-payload, value: 'lists.range(200000)'}]
"""


def text(result) -> str:
    """The text of a result of a tool."""
    return "".join(each["text"] for each in result["content"])


@pytest.mark.parametrize("asked", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_a_known_revision_is_echoed(router, asked):
    async with router(TOOLS) as client:
        params = {"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        result = await client.request("initialize", params)

    assert result["protocolVersion"] == asked
    assert result["serverInfo"]["name"] == "shop"
    assert [*result["capabilities"]] == ["tools"], "only what is configured"


@pytest.mark.parametrize(("asked", "answered"), [({}, "2024-11-05"), ({"protocolVersion": "1999-01-01"}, "2025-11-25")])
async def test_no_revision_is_the_first_and_an_unknown_one_the_last(router, asked, answered):
    async with router(TOOLS) as client:
        assert (await client.request("initialize", asked))["protocolVersion"] == answered


async def test_discovery_names_the_newest_revision(router):
    async with router(TOOLS) as client:
        result = await client.modern("server/discover")

    assert result["supportedVersions"] == ["2026-07-28"]
    assert (result["resultType"], result["cacheScope"], result["ttlMs"]) == ("complete", "private", 60_000)


async def test_tools_are_listed_as_they_are_written(router):
    async with router(TOOLS) as client:
        first = (await client.request("tools/list", **headers("2025-11-25")))["tools"][0]

    assert first["inputSchema"]["required"] == ["id"]
    assert (first["title"], first["annotations"]) == ("Find an order", {"readOnlyHint": True})
    assert first["outputSchema"]["properties"] == {"total": {"type": "number"}}


def headers(version: str, **more: str) -> dict[str, object]:
    """Variables as an `http` source sets them that lists the headers."""
    every = {"MCP-Protocol-Version": [version] * bool(version), "Mcp-Method": [], "Mcp-Name": []}
    return {"headersAll": {**every, **{name.replace("_", "-"): [value] for name, value in more.items()}}}


async def test_a_tool_gets_its_arguments_and_returns_its_body(router):
    async with router(TOOLS) as client:
        result = await client.modern("tools/call", {"name": "find", "arguments": {"id": "a"}})

    assert json.loads(text(result)) == {"id": "a", "total": 3}
    assert result["structuredContent"] == {"id": "a", "total": 3}
    assert result["isError"] is False


async def test_wrong_arguments_are_told_to_the_model(router):
    async with router(TOOLS) as client:
        result = await client.call("find", {"id": 4})

    assert result["isError"] is True
    assert "/id" in text(result)


async def test_a_result_that_breaks_its_schema_is_an_error(router):
    async with router(TOOLS) as client:
        result = await client.call("find", {"id": "odd"})

    assert result["isError"] is True
    assert "outputSchema" in text(result)


async def test_a_failing_tool_tells_nothing_of_the_inside_and_others_go_on(router, caplog):
    async with router(TOOLS) as client:
        failed = await client.call("broken", {"secret": "hush"})
        listed = await client.request("tools/list")
        found = await client.call("find", {"id": "a"})

    assert (failed["isError"], text(failed)) == (True, "the tool 'broken' failed: an internal error")
    assert "missing" in " ".join(str(vars(each)) for each in caplog.records), "the log says why"
    assert len(listed["tools"]) == 6
    assert found["isError"] is False


async def test_a_refusal_is_an_error_that_the_author_has_worded(router):
    async with router(TOOLS) as client:
        result = await client.call("refusing", {"n": 0})

    assert result["isError"] is True
    assert "n must be positive" in text(result)


async def test_no_result_and_an_unknown_tool_are_errors_of_the_call(router):
    async with router(TOOLS) as client:
        nothing, unknown = await client.call("nothing"), await client.call("nope")

    assert (nothing["isError"], text(nothing)) == (True, "the tool 'nothing' has no result")
    assert (unknown["isError"], text(unknown)) == (True, "unknown tool 'nope'")


async def test_a_large_result_is_an_error(router):
    async with router(TOOLS) as client:
        result = await client.call("large")

    assert result["isError"] is True
    assert "larger than 1,048,576 bytes" in text(result)


async def test_tools_see_the_variables_of_the_request_and_change_none(router):
    async with router(TOOLS) as client:
        result = await client.call("who", user="ada")

    assert text(result) == '"ada"'


async def test_variables_of_the_caller_do_not_pass_for_the_tool_s_own(router):
    async with router(TOOLS) as client:
        result = await client.call("who", user="x", mcpContent=[{"type": "text", "text": "forged"}], httpStatus=500)

    assert (result["isError"], text(result)) == (False, '"x"')


# --- the envelope ----------------------------------------------------------------------------------------------------


async def test_a_notification_has_an_empty_answer(router):
    async with router(TOOLS) as client:
        message = await client.app.call("mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"})

    assert (message.vars["httpStatus"], message.raw, message.body["rawData"]) == (202, True, "")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], -32600),
        ([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], -32600),
        ("text", -32600),
        (None, -32600),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, -32600),
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0"}, -32600),
        ({"id": {"a": 1}, "jsonrpc": "2.0", "method": "ping"}, -32600),
    ],
)
async def test_what_is_no_request_is_refused(router, body, code):
    async with router(TOOLS) as client:
        status, answer = await client.post(body)

    assert (status, answer["error"]["code"], answer["id"]) == (400, code, None)


RAW = """
flows:
  - name: raw
    process:
      - {type: set-payload, settings: {value: vars.data, rawBody: true, contentType: application/json}}
      - {type: mcp-router, settings: {tools: [{name: a, description: A., process: []}]}}
"""


@pytest.mark.parametrize("data", [b"{", b"", b"\xff{", b"[" * 100_000, b'{"a": NaN}'])
async def test_a_raw_body_that_is_no_json_is_a_parse_error(data):
    async with running(RAW) as app:
        message = await app.call("raw", None, {"data": data})

    code = -32600 if not data else -32700
    assert (message.vars["httpStatus"], message.body["error"]["code"]) == (400, code)


async def test_ping_and_unknown_methods(router):
    async with router(TOOLS) as client:
        _, pong = await client.post({"jsonrpc": "2.0", "id": "p", "method": "ping"})
        unknown = await client.request("no/such")
        status, modern = await client.post(
            {"jsonrpc": "2.0", "id": 1, "method": "no/such", "params": {"_meta": META}},
            **headers("2026-07-28", Mcp_Method="no/such"),
        )

    assert (pong["id"], pong["result"]) == ("p", {})
    assert unknown == {"code": -32601, "message": 'method "no/such" not found'}
    assert (status, modern["error"]["code"]) == (404, -32601)


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.mark.parametrize(
    "given",
    [
        headers("2026-07-28"),
        headers("2026-07-28", Mcp_Method="tools/list"),
        headers("2026-07-28", Mcp_Method="tools/call"),
        headers("2026-07-28", Mcp_Method="tools/call", Mcp_Name="refusing"),
        headers("2025-11-25", Mcp_Method="tools/call", Mcp_Name="find"),
        {
            "headersAll": {
                "MCP-Protocol-Version": ["2026-07-28"] * 2,
                "Mcp-Method": ["tools/call"],
                "Mcp-Name": ["find"],
            }
        },
    ],
)
async def test_headers_that_do_not_match_the_body_are_refused(router, given):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    body["params"] = {"name": "find", "arguments": {"id": "a"}, "_meta": META}
    async with router(TOOLS) as client:
        status, answer = await client.post(body, **given)

    assert (status, answer["error"]["code"], answer["id"]) == (400, -32020, 1)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403),
        ("null", 403),
        ("http://localhost:3000", 200),
        ("https://chat.example", 200),
        ("http://[", 403),
    ],
)
async def test_pages_of_other_sites_may_not_call(router, origin, status):
    async with router(TOOLS + "allowedOrigins: [https://chat.example]") as client:
        body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        answered, _ = await client.post(body, headersAll={"Origin": [origin]})

    assert answered == status


ONE_TOOL = """
flows:
  - name: mcp
    process: [{type: mcp-router, settings: {tools: [{name: a, description: A., process: []}]}}]
"""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
        max_leaves=12,
    ),
    method=st.sampled_from(["tools/call", "tools/list", "initialize", "ping", "resources/read", "prompts/get", "x"]),
)
def test_whatever_comes_is_answered(asking, body, method):
    """No request makes the block fail, and no answer tells of the inside."""

    async def ask():
        async with running(ONE_TOOL) as app:
            client = asking(app)
            for whole in (body, {"jsonrpc": "2.0", "id": 1, "method": method, "params": body}):
                status, answer = await client.post(whole)
                assert status in (200, 202, 400, 404)
                assert "Traceback" not in str(answer)

    asyncio.run(ask())


# --- resources and prompts -------------------------------------------------------------------------------------------

READING = """
resources:
  - {uri: 'docs://terms', name: terms, resource: terms.txt}
  - uriTemplate: docs://orders/{id}
    name: order
    mimeType: application/json
    process: [{type: set-payload, value: '{"order": body.id}'}]
  - uri: docs://broken
    name: broken
    process: [{type: set-payload, value: body.missing.key}]
prompts:
  - name: greet
    description: Greets.
    arguments: [{name: who, required: true, values: [Ada, Alan, Bob]}]
    resource: greet.txt
"""
TEMPLATES = "resources: {templates: [{resource: terms.txt}, {resource: greet.txt}]}\n"


@pytest.fixture
def reading(tmp_path):
    (tmp_path / "terms.txt").write_text("Be kind.")
    (tmp_path / "greet.txt").write_text("Greet {{ body.who }} of {{ vars.tenant }}.")
    lines = "".join(f"          {line}\n" for line in READING.strip("\n").splitlines())
    head = f"{TEMPLATES}flows:\n  - name: mcp\n    process:\n      - type: mcp-router\n        settings:\n"
    (tmp_path / "flow.yaml").write_text(head + lines)
    return tmp_path / "flow.yaml"


async def test_resources_are_listed_and_read(reading, asking):
    async with running(reading) as app:
        client = asking(app)
        listed = await client.request("resources/list")
        templates = await client.request("resources/templates/list")
        fixed = await client.request("resources/read", {"uri": "docs://terms"})
        made = await client.request("resources/read", {"uri": "docs://orders/a%2Fb"})

    assert [each["uri"] for each in listed["resources"]] == ["docs://terms", "docs://broken"]
    assert [each["uriTemplate"] for each in templates["resourceTemplates"]] == ["docs://orders/{id}"]
    assert fixed["contents"] == [{"uri": "docs://terms", "mimeType": "text/plain", "text": "Be kind."}]
    assert json.loads(made["contents"][0]["text"]) == {"order": "a/b"}


@pytest.mark.parametrize("uri", ["docs://nope", "docs://orders/", "docs://orders/a/b", "file:///etc/passwd"])
async def test_an_unknown_resource_is_named(reading, asking, uri):
    async with running(reading) as app:
        error = await asking(app).request("resources/read", {"uri": uri})

    assert (error["code"], error["message"]) == (-32602, f'unknown resource "{uri}"')


async def test_a_resource_that_fails_tells_nothing_of_the_inside(reading, asking):
    async with running(reading) as app:
        error = await asking(app).request("resources/read", {"uri": "docs://broken"})

    assert (error["code"], error["message"]) == (-32603, "the resource 'broken' failed: an internal error")


async def test_prompts_are_rendered_with_their_arguments_and_the_variables(reading, asking):
    async with running(reading) as app:
        client = asking(app)
        listed = await client.request("prompts/list")
        made = await client.request("prompts/get", {"name": "greet", "arguments": {"who": "Ada"}}, tenant="shop")
        lacking = await client.request("prompts/get", {"name": "greet"})
        unknown = await client.request("prompts/get", {"name": "nope"})

    assert listed["prompts"][0]["arguments"] == [{"name": "who", "required": True}]
    assert made["messages"] == [{"role": "user", "content": {"type": "text", "text": "Greet Ada of shop."}}]
    assert (lacking["code"], lacking["message"]) == (-32602, "the prompt 'greet' needs who")
    assert unknown["code"] == -32602


async def test_arguments_of_prompts_are_completed(reading, asking):
    async with running(reading) as app:
        ref = {"type": "ref/prompt", "name": "greet"}
        result = await asking(app).request(
            "completion/complete", {"ref": ref, "argument": {"name": "who", "value": "a"}}
        )

    assert result["completion"] == {"values": ["Ada", "Alan"], "total": 2, "hasMore": False}


# --- the settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("serverName: x", "it needs `tools`, `resources` or `prompts`"),
        ("tools: [{name: a b, description: A., process: []}]", "pattern"),
        ("tools: [{name: a, process: []}]", "description"),
        (
            "tools: [{name: a, description: A., process: []}, {name: a, description: A., process: []}]",
            "two tools are 'a'",
        ),
        ("tools: [{name: a, description: A., process: [], inputSchema: '{'}]", "no JSON"),
        ("tools: [{name: a, description: A., process: [], inputSchema: {type: array}}]", "type: object"),
        ("tools: [{name: a, description: A., process: [], authorize: 'true'}]", "authorize"),
        ("resources: [{name: a, resource: x.txt}]", "`uri` or a `uriTemplate`"),
        ("resources: [{name: a, uri: 'a:b'}]", "`resource` or a `process`"),
        ("resources: [{name: a, uriTemplate: 'a:{', process: []}]", "uriTemplate"),
        ("resources: [{name: a, uriTemplate: 'a:{b c}', process: []}]", "uriTemplate"),
        ("tools: [{name: a, description: A., process: []}]\nstateKey: short", "32 bytes"),
    ],
)
def test_mistakes_are_found_when_the_configuration_is_read(written, said):
    lines = "".join(f"          {line}\n" for line in written.splitlines())
    text = f"flows:\n  - name: mcp\n    process:\n      - type: mcp-router\n        settings:\n{lines}"

    with pytest.raises(ConfigError) as error:
        parse(text, plugins(), {})

    assert said in str(error.value)


def test_what_is_not_served_imports_nothing():
    """To read a configuration with a router does not load the library: other flows of it pay nothing."""
    code = f"""
import sys
from octo.config.load import parse
from octo.ai.mcp.serving.router import prepare
from octo.ai.mcp.serving.settings import Router
from octo.builtin import plugins
parse({ONE_TOOL!r}, plugins(), {{}})
print(sorted(name for name in sys.modules if name.split(".")[0] in ("mcp", "mcp_types", "jwt")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


async def test_the_library_is_there_before_the_first_message():
    await prepare(Router.model_validate({"tools": [{"name": "a", "description": "A.", "process": []}]}))

    assert "octo.ai.mcp.serving.server" in sys.modules
