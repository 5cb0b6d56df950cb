"""octo mcp FILE: flows as tools, for a client that starts the command, and over HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

FLOWS = """
flows:
  - name: greet
    description: Greets somebody.
    input: {type: object, properties: {name: {type: string}}, required: [name]}
    process:
      - {type: log, settings: {message: '"greeting"'}}
      - {type: set-payload, value: '"hello, " + body.name'}
  - name: wait
    process: [{type: delay, for: 1h}]
  - name: note
    process: [{type: object-write, settings: {key: '"a"', value: body}}]
  - name: notes
    process: [{type: flow-ref, settings: {flow: note}}]
"""


@pytest.fixture
def flows(tmp_path):
    path = tmp_path / "flows.yaml"
    path.write_text(FLOWS)
    return path


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_starts_it(flows, mode):
    arguments = ["-m", "octo", "mcp", str(flows)]
    server = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ), cwd=flows.parent)
    log = flows.with_name("log")
    with log.open("w") as errlog:
        async with Client(stdio_client(server, errlog), mode=mode) as client:
            listed = await client.list_tools()
            result = await client.call_tool("greet", {"name": "Ada"})

    assert [each.name for each in listed.tools] == ["greet", "wait", "note", "notes"]
    harmless = [each.name for each in listed.tools if each.annotations and each.annotations.read_only_hint]
    assert harmless == ["greet", "wait"]
    assert result.content[0].text == '"hello, Ada"'
    assert "greeting" in log.read_text(), "logs go to standard error"


def test_standard_output_carries_the_protocol_alone(flows):
    lines = [
        "no message",
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", **WHO}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "greet", "arguments": {"name": "A"}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "wait"}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}},
        {"jsonrpc": "2.0", "id": 4, "method": "ping"},
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "octo", "mcp", str(flows)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        process.stdin.write("".join(f"{json.dumps(line)}\n" for line in lines))
        process.stdin.flush()
        answers = {}
        while 4 not in answers or 2 not in answers:
            answer = json.loads(process.stdout.readline())
            answers[answer["id"]] = answer
        process.stdin.close()
        rest = [json.loads(line)["id"] for line in process.stdout]
        code = process.wait()

    assert (code, {*answers, *rest} - {3}) == (0, {None, 1, 2, 4})
    assert answers[None]["error"]["code"] == -32600
    assert answers[2]["result"]["content"][0]["text"] == '"hello, A"'


@pytest.mark.parametrize("verb", [["mcp"], ["mcp", "author"]])
def test_on_a_terminal_it_says_what_it_waits_for_and_ctrl_c_ends_it(flows, verb):
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "octo", *verb], cwd=flows.parent, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
    shown = b""
    while b'"result"' not in shown:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)

    assert process.wait(60) == -signal.SIGINT
    assert b"Ctrl-C ends it." in shown
    os.close(ours)


WHO = {"capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_over_http_only_the_flows_that_are_named_until_it_is_stopped(octo, http, flows, how):
    process = octo("mcp", "--config", str(flows), "--flows", "greet", "--http", "0", ready=False)
    process.wait_for("serving at http")
    url = re.search(r"serving at (\S+)", process.log)[1]
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    headers |= {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}

    status, answer = http(url, body, headers=headers)

    assert (status, [each["name"] for each in answer["result"]["tools"]]) == (200, ["greet"])
    assert url.startswith("http://127.0.0.1:")
    assert process.stop(how) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--flows", "gret"], "there is no flow 'gret'. Did you mean 'greet'?"),
        (["--http", "nowhere:x"], "is not an address"),
        (["--timeout", "soon"], "is not a duration"),
        (["--http", "0", "--jwt-scope", "read"], "Name --jwt-issuer"),
        (["--http", "0", "--jwt-issuer", "http://login.example"], "use https"),
    ],
)
def test_mistakes_are_told(cli, flows, arguments, said):
    result = cli("mcp", str(flows), *arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_flow_whose_name_no_tool_can_have_is_refused(cli, tmp_path):
    path = tmp_path / "flows.yaml"
    path.write_text("flows:\n  - {name: 'two words', process: []}\n")

    result = cli("mcp", str(path))

    assert result.exit_code == 1
    assert "OCTO-X104" in result.stderr or "cannot be a tool" in result.stderr
