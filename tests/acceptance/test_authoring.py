"""An assistant with `octo mcp author` alone goes from an empty folder to a flow that is tested and runs.

The assistant is a script, the rest is real: the client of the official SDK, a child process, its standard streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

from octo.cli.authoring.folder import hash_of

ROOT = Path(__file__).parents[2]

FLOW = """\
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: 8080}}

flows:
  - name: invoice
    source: {connector: web, type: http, settings: {path: /invoices, methods: [POST]}}
    process:
      - name: gross
        type: set-paylod
        value: "{'gross': body.net * 0.2}"
"""

TEST = """\
flow: invoice
cases:
  - name: tax is added
    trigger: {json: {net: 100.0}}
    expect: {reply: {status: 200, body: {gross: 120.0}}}
"""


class Assistant:
    """Calls tools, and keeps what it was told."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def __call__(self, tool: str, /, **given: object) -> dict:
        result = await self.client.call_tool(tool, given)
        [text] = result.content
        assert json.loads(text.text) == result.structured_content
        assert result.is_error == ([*result.structured_content] == ["error"])
        return result.structured_content


@asynccontextmanager
async def assistant(folder, *flags, mode="auto", **environment):
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "octo", "mcp", "author", str(folder), *flags],
        env={**os.environ, **environment},
    )
    async with Client(server, mode=mode) as client:
        yield Assistant(client)


async def test_from_an_empty_folder_to_a_tested_flow(tmp_path):
    """Search, write, check, repair by a patch, test, see why, repair, test, run, call, stop."""
    async with assistant(tmp_path, "--allow-mutations") as ask:
        assert "read_file" in (ask.client.instructions or "")
        assert (await ask("list_files"))["files"] == []

        # It looks up how such a flow is written, and reads what the search leads to.
        found = await ask("search", query="http endpoint flow")
        reads = [each["read"] for each in found["results"]]
        assert {"tool": "example", "arguments": {"name": "new-http"}} in reads
        sample = await ask("example", name="new-http")
        assert "type: http" in sample["files"]["flow.yaml"]

        # It writes a flow with a mistake, is told where it is, and repairs it with the hint.
        saved = await ask("edit_file", path="flow.yaml", hash="", content=FLOW)
        [problem] = saved["check"]["problems"]
        assert (problem["code"], problem["file"], problem["line"]) == ("OCTO-C130", "flow.yaml", 9)
        assert (await ask("check"))["problems"] == [problem]
        assert "block" in (await ask("explain", code=problem["code"]))["text"]
        saved = await ask("edit_file", path="flow.yaml", hash=saved["hash"], edits=[problem["fix"]])
        assert saved["check"]["ok"]

        # It writes a test, which finds what no check can find; the trace and `why` show where the number comes from.
        assert (await ask("edit_file", path="flow_test.yaml", hash="", content=TEST))["check"]["ok"]
        tried = await ask("test")
        assert tried["totals"]["failed"] == 1
        [case] = tried["suites"][0]["cases"]
        assert "120" in str(case["failures"])
        assert "gross" in case["trace"]
        assert "20" in case["trace"]
        line = 1 + FLOW[: FLOW.index("value:")].count("\n")
        shown = await ask("why", path="flow.yaml", line=line, body={"net": 100.0})
        assert "body.net * 0.2  → 20" in shown["expressions"][0]["why"]

        edits = [{"find": "body.net * 0.2", "replace": "body.net * 1.2"}]
        saved = await ask("edit_file", path="flow.yaml", hash=saved["hash"], edits=edits)
        assert saved["check"]["ok"]
        assert (await ask("test"))["totals"]["passed"] == 1

        # It runs the flow, calls it, looks at the trace of that message, and stops it.
        started = await ask("run")
        assert started["state"] == "running", started
        answer = await ask("request", method="POST", path="/invoices", body={"net": 50.0})
        assert (answer["status"], answer["body"]) == (200, {"gross": 60.0})
        kept = {}
        while not kept.get("traces"):  # they are written a moment later
            kept = await ask("traces")
        trace = await ask("traces", id=kept["traces"][0]["trace"], config="flow.yaml")
        assert "invoice.gross" in trace["trace"]
        assert (await ask("status"))["state"] == "running"
        stopped = await ask("stop")
        assert (stopped["state"], stopped["exit"]) == ("stopped", 0)
        assert (await ask("request", path="/invoices"))["error"]["code"] == "OCTO-X150"

    assert [path.name for path in sorted(tmp_path.iterdir())] == [".octo", "flow.yaml", "flow_test.yaml"]


@pytest.mark.parametrize(("mode", "revision"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
async def test_a_read_only_assistant_is_offered_no_change(tmp_path, mode, revision):
    """Nor can it call what it is not offered; what it may call is said to change nothing. In both revisions."""
    (tmp_path / "flow.yaml").write_text("flows: []\n")
    async with assistant(tmp_path, mode=mode) as ask:
        assert ask.client.protocol_version == revision
        offered = {each.name: each.annotations for each in (await ask.client.list_tools()).tools}
        assert not {"edit_file", "delete_file", "run", "stop", "request"} & set(offered)
        assert all(each.read_only_hint for each in offered.values())
        assert (await ask("edit_file", path="flow.yaml", hash="", content=""))["error"]["code"] == "OCTO-X145"
        assert await ask("eval", expression="1 + 1") == {"ok": True, "result": 2}
        with pytest.raises(MCPError, match="did you mean 'read_file'"):
            await ask("readfile", path="flow.yaml")


async def test_the_settings_on_the_page_are_right(tmp_path):
    """The page tells editors what to start, and names every tool. Those that change anything are said to."""
    page = (ROOT / "docs" / "authoring.md").read_text()
    [block] = re.findall(r"^```json\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    [settings] = json.loads(block)["mcpServers"].values()
    assert settings["command"] == "octo"
    [path] = [each for each in settings["args"] if "/" in each]
    arguments = ["-m", "octo", *(str(tmp_path) if each == path else each for each in settings["args"])]
    async with Client(StdioServerParameters(command=sys.executable, args=arguments, env={**os.environ})) as client:
        offered = {each.name: each.annotations for each in (await client.list_tools()).tools}

    table = page[page.index("| Tool |") : page.index("## How edits work")]
    assert set(re.findall(r"`(\w+)`(?=[^|]*\|[^|]*\|$)", table, re.MULTILINE)) >= set(offered)
    assert {name for name, each in offered.items() if each.destructive_hint} == {"edit_file", "delete_file"}
    assert {name for name, each in offered.items() if each.open_world_hint} == {"invoke", "test", "run", "request"}
    assert offered["check"].read_only_hint


def left(mark: str) -> list[str]:
    """The commands of the processes that have this in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


async def test_nothing_is_left_when_the_assistant_goes(tmp_path, port):
    """Neither what runs, nor what answers questions."""
    (tmp_path / "flow.yaml").write_text(FLOW.replace("set-paylod", "set-payload").replace("8080", str(port)))
    async with assistant(tmp_path, "--allow-mutations", OCTO_MARK=f"mark-{port}") as ask:
        assert (await ask("run", port=port))["state"] == "running"
        assert (await ask("check"))["ok"]
        while len(left(f"mark-{port}")) != 3:  # the server, what runs, what forks; who has answered may still be ending
            await asyncio.sleep(0.01)
    while left(f"mark-{port}"):
        await asyncio.sleep(0.01)


async def test_what_runs_ends_with_the_server(tmp_path, port):
    """Also if the server is killed."""
    flow = FLOW.replace("set-paylod", "set-payload").replace("8080", str(port))
    (tmp_path / "flow.yaml").write_text(flow)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "octo", "mcp", "author", str(tmp_path), "--allow-mutations"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "OCTO_MARK": f"mark-{port}"},
    )

    async def ask(method: str, **params: object) -> dict:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        process.stdin.write(json.dumps(message).encode() + b"\n")
        return json.loads(await process.stdout.readline())

    client = {"name": "test", "version": "1"}
    await ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
    process.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
    await ask("tools/call", name="run", arguments={"port": port})
    (await asyncio.open_connection("127.0.0.1", port))[1].close()
    process.kill()
    await process.wait()
    process.stdin.close()
    while left(f"mark-{port}"):
        await asyncio.sleep(0.01)


async def test_over_http(tmp_path, port, octo, http):
    """Clients of this machine are served; a web page that a browser shows is not."""
    (tmp_path / "flow.yaml").write_text("flows: []\n")
    served = octo("mcp", "author", "--http", str(port), ready=False)
    served.wait_for(f"serving at http://127.0.0.1:{port}/mcp")
    url = f"http://127.0.0.1:{port}/mcp"
    async with Client(url) as client:
        listed = (await Assistant(client)("list_files"))["files"]
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    asked = http(url, message, headers=headers)
    refused = http(url, message, headers={**headers, "Origin": "http://evil.example"})
    misled = http(url, message, headers={**headers, "Host": "evil.example"})

    assert [each["path"] for each in listed] == ["flow.yaml"]
    assert asked[0] not in (403, 421)
    assert (refused[0], misled[0]) == (403, 421)
    assert served.stop() == 0


SCENARIOS = {"2026-07-28": ("http-header-validation", "tools-list"), "2025-11-25": ("server-initialize", "tools-list")}
"""Of those of the conformance suite of MCP that need no tools of its own, what is not the transport alone."""


@pytest.mark.parametrize("revision", SCENARIOS)
@pytest.mark.usefixtures("mcp_packages")
async def test_the_conformance_suite(octo, revision):
    script = ROOT / "scripts" / "mcp-conformance.sh"
    served = octo("mcp", "author", "--http", "0", ready=False)
    served.wait_for("serving at http")
    options = ["server", "--url", re.search(r"serving at (\S+)", served.log)[1], "--spec-version", revision]
    for scenario in SCENARIOS[revision]:
        process = await asyncio.create_subprocess_exec(
            *(script, *options, "--scenario", scenario),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()
        assert re.search(r"^Passed: (\d+)/\1, 0 failed", said, re.MULTILINE), said


AGENT = """\
connectors:
  - {name: llm, type: llm-anthropic, settings: {apiKey: none}}
  - name: author
    type: mcp-client
    settings:
      command: %(python)s
      args: [-m, octo, mcp, author, %(shop)s, --allow-mutations]
      env: {PYTHONPATH: %(root)s}
flows:
  - name: build
    process:
      - type: ai-agent
        connector: llm
        prompt: Write what is asked for with your tools, and test it.
        input: body
        answer: text
        mcp: [{server: author, allow: [search, doc, check, edit_file, test]}]
"""


def script(replies: list[dict]) -> str:
    cases = [{"name": "it builds a flow", "stubs": {"llm": {"replies": replies}}}]
    return json.dumps({"flow": "build", "cases": cases})


def calls(tool: str, *that: str, **arguments: object) -> dict:
    """What the model says after it was told that."""
    seen = [f"request.results[0].content.contains({json.dumps(each)})" for each in that]
    return {"calls": [{"tool": tool, "arguments": arguments}], **({"that": seen} if seen else {})}


def test_an_agent_of_octo_writes_tests_and_repairs_a_flow(tmp_path, command):
    """The agent is a flow, its tools are those of the server over real pipes; the model is a script."""
    shop = tmp_path / "shop"
    shop.mkdir()
    wrong = FLOW.replace("set-paylod", "set-payload")
    right = wrong.replace("* 0.2", "* 1.2")
    edits = [{"find": "body.net * 0.2", "replace": "body.net * 1.2"}]
    fix = [{"find": "set-paylod", "replace": "set-payload"}]
    replies = [
        calls("search", query="http endpoint flow"),
        calls("edit_file", "new-http", path="flow.yaml", hash="", content=FLOW),
        calls("edit_file", "OCTO-C130", path="flow.yaml", hash=hash_of(FLOW.encode()), edits=fix),
        calls("edit_file", hash_of(wrong.encode()), path="flow_test.yaml", hash="", content=TEST),
        calls("test", '"ok":true'),
        calls("edit_file", '"failed":1', path="flow.yaml", hash=hash_of(wrong.encode()), edits=edits),
        calls("test", '"ok":true'),
        {"text": "It is tested.", "that": ['request.results[0].content.contains("\\"passed\\":1")']},
    ]
    settings = {"python": sys.executable, "shop": shop, "root": ROOT}
    (tmp_path / "agent.yaml").write_text(AGENT % settings)
    (tmp_path / "agent_test.yaml").write_text(script(replies))
    stubs = ("--stubs", "agent_test.yaml::it builds a flow", "--timeout", "120s")
    code, said, complaint = command("invoke", "agent.yaml", "build", "--data", '"an invoice with tax"', *stubs)

    assert (code, said) == (0, '"It is tested."\n'), complaint
    assert (shop / "flow.yaml").read_text() == right
    assert command("test", str(shop))[0] == 0
