"""octo invoke with spies, mocks and a breakpoint: what it shows, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

FLOWS = """
connectors:
  - {name: bank, type: http-client, settings: {baseURL: "http://127.0.0.1:9"}}
flows:
  - name: pay
    process:
      - {type: rest, name: charge, settings: {connector: bank, method: POST, path: /charges}}
      - type: if
        name: check
        condition: body.ok
        then: [{type: set-payload, name: thanks, value: '"thanks, " + vars.who'}]
        else: [{type: filter, expr: 'false', reason: refused}]
  - {name: echo, process: [{type: set-payload, name: same, value: '{"body": body, "vars": vars}'}]}
  - {name: fail, process: [{type: set-payload, name: bad, value: body.missing}]}
"""
PAID = '{"pay.charge": {"body": {"ok": true}, "vars": {"who": "Ada"}}}'
REFUSED = '{"pay.charge": {"body": {"ok": false}}}'


@pytest.fixture
def invoke(cli, tmp_path, monkeypatch):
    """Run `octo invoke`. Return exit code, stdout and stderr."""
    monkeypatch.setenv("LOG_LEVEL", "error")
    (tmp_path / "flows.yaml").write_text(FLOWS)

    def run(flow, *arguments, input=None):
        done = cli("invoke", str(tmp_path / "flows.yaml"), "--flow", flow, *arguments, input=input)
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture
def written(tmp_path):
    """Write a file and return its path."""

    def write(text, name="debug.yaml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_a_mock_answers_instead_of_the_network(invoke, written):
    assert invoke("pay", "--mocks", PAID) == (0, '"thanks, Ada"\n', "")
    assert invoke("pay", "--mocks", f"@{written(PAID)}") == (0, '"thanks, Ada"\n', "")


def test_the_breakpoint_prints_the_whole_message_behind_its_block(invoke):
    code, out, _ = invoke("pay", "--mocks", PAID, "--break-at", "pay.charge")

    found = json.loads(out)
    assert (code, found["body"], found["variables"]) == (0, {"ok": True}, {"who": "Ada"})


def test_a_breakpoint_that_is_not_reached_is_3_and_prints_nothing(invoke):
    code, out, err = invoke("echo", "--break-at", "pay.charge")
    assert (code, out) == (3, "")
    assert 'without reaching "pay.charge"' in err

    assert invoke("pay", "--mocks", REFUSED, "--break-at", "pay.check[then].thanks")[::2] == (
        3,
        "flow dropped the message: refused\n",
    )


def test_a_flow_that_fails_before_the_breakpoint_is_1(invoke):
    code, out, err = invoke("fail", "--data", "{}", "--break-at", "fail.bad")

    assert (code, out) == (1, "")
    assert "no such key: missing" in err


def test_spies_are_shown_beside_the_result(invoke):
    code, out, err = invoke("pay", "--mocks", PAID, "--spies", "pay.charge, pay.check[else].filter", "--data", "1")

    assert (code, out) == (0, '"thanks, Ada"\n')
    assert err.splitlines() == [
        "spy pay.charge, crossing 1",
        '  in   {"body":1}',
        '  out  {"body":{"ok":true},"vars":{"who":"Ada"}}',
        "spy pay.check[else].filter: nothing crossed it",
    ]


def test_spies_show_drops_and_failures_and_what_a_breakpoint_kept_inside(invoke):
    assert "\n  drop refused\n" in invoke("pay", "--mocks", REFUSED, "--spies", "pay.check")[2]
    assert "\n  fail no such key: missing" in invoke("fail", "--data", "{}", "--spies", "fail.bad")[2]
    stopped = invoke("pay", "--mocks", PAID, "--spies", "pay.check", "--break-at", "pay.check[then].thanks")
    assert "\n  never came out\n" in stopped[2]


def test_the_envelope_is_one_line_and_a_failed_flow_is_0(invoke):
    code, out, _ = invoke("fail", "--data", "{}", "--envelope", "--spies", "fail.bad")

    assert code == 0
    assert out.count("\n") == 1
    found = json.loads(out)
    assert found["error"].startswith('block "bad": set-payload value: evaluate expression: no such key: missing')
    assert [each["address"] for each in found["spies"]] == ["fail.bad"]


def test_the_envelope_says_why_a_message_was_dropped(invoke):
    code, out, _ = invoke("pay", "--mocks", REFUSED, "--envelope")

    assert (code, json.loads(out)) == (0, {"dropped": True, "reason": "refused", "spies": []})


def test_the_envelope_goes_into_a_file_that_is_nobody_elses(invoke, tmp_path):
    path = tmp_path / "out.json"
    assert invoke("echo", "--envelope-out", str(path), "--data", "1") == (0, "", "")

    assert json.loads(path.read_text())["result"]["body"] == {"body": 1, "vars": {}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


FILE = """
input: {data: {from: file}, vars: {a: 1}}
breakAt: echo.same
spies: [echo.same]
mocks: {echo.same: {body: mocked}}
"""


def test_a_file_says_everything(invoke, written):
    code, out, err = invoke("echo", "--run-debug-config", written(FILE))

    assert (code, json.loads(out)["body"]) == (0, "mocked")
    assert '  in   {"body":{"from":"file"},"vars":{"a":1}}' in err


def test_an_address_that_leads_nowhere_is_shown_where_it_stands_in_the_file(invoke, written):
    code, _, err = invoke("echo", "--run-debug-config", written("spies:\n  - echo.same\n  - echo.smae\n"))

    assert code == 2
    assert 'debug.yaml:3:5: OCTO-B101: "echo.smae": no block "smae"' in err


def test_an_option_replaces_its_part_of_the_file(invoke, written):
    options = ["--data", "2", "--vars", '{"b": 2}', "--mocks", "{}", "--spies", "", "--envelope"]
    _, out, _ = invoke("echo", "--run-debug-config", written(FILE), *options)

    found = json.loads(out)
    assert found["spies"] == []
    assert found["message"]["body"] == {"body": 2, "vars": {"b": 2}}


@pytest.mark.parametrize(("text", "body"), [("input: {data: null}", None), ("input: {vars: {}}", "piped")])
def test_the_body_is_that_of_the_file_and_else_what_is_piped_in(command, tmp_path, written, text, body):
    (tmp_path / "flows.yaml").write_text(FLOWS)
    arguments = ["invoke", "flows.yaml", "--flow", "echo", "--run-debug-config", written(text)]

    assert json.loads(command(*arguments, input='"piped"')[1])["body"] == body


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--break-at", "echo.smae"], 'OCTO-B101: "echo.smae": no block "smae" in that chain (blocks: same)'),
        (["--break-at", "same"], 'Did you mean "echo.same"?'),
        (["--spies", "echo.same,x.y"], 'no flow "x" (flows: pay, echo, fail)'),
        (["--mocks", "{"], "--mocks is not valid JSON"),
        (["--mocks", "[]"], "--mocks must be a JSON object"),
        (["--mocks", "@/nowhere"], "cannot read /nowhere"),
        (["--mocks", '{"echo.same": {"bdoy": 1}}'], "did you mean `body`?"),
        (["--run-debug-config", "/nowhere"], "/nowhere: OCTO-C101"),
        (["--envelope", "--content-type", "csv"], "'csv' is not a media type"),
        (["--envelope-out", "/nowhere/x"], "cannot write /nowhere/x"),
    ],
)
def test_what_cannot_begin_is_2_and_says_why(invoke, options, said):
    code, out, err = invoke("echo", *options)

    assert (code, out) == (2, "")
    assert said in err


def test_a_connector_that_does_not_open_is_2_even_for_the_envelope(invoke, tmp_path, cli):
    text = "connectors: [{name: d, type: database, settings: {driver: sqlite, dsn: /nowhere/x.db}}]\n"
    text += "flows: [{name: q, process: [{type: sql, settings: {connector: d, query: select 1}}]}]\n"
    (tmp_path / "sql.yaml").write_text(text)
    done = cli("invoke", str(tmp_path / "sql.yaml"), "--flow", "q", "--envelope")

    assert (done.exit_code, done.stdout) == (2, "")
    assert 'connector "d"' in done.stderr


LOADED = """
import sys
from pathlib import Path
from octo.cli import main

try:
    main()
finally:
    print([name for name in sys.modules if "debug" in name and name.startswith("octo.")])
"""


def test_nothing_of_this_is_loaded_when_nobody_looks(tmp_path, written):
    written(FLOWS, "flows.yaml")
    arguments = ["invoke", "flows.yaml", "--flow", "echo", "--data", "1"]
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == ['{"body":1,"vars":{}}', "[]"]


ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "debugging.md").read_text()
SHOWN = re.findall(r"^```console\n\$ octo (.*?)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
VARYING = re.compile(r'"[0-9a-f]{32}"|"at":[0-9.]+')


@pytest.mark.parametrize(("line", "output"), SHOWN)
def test_what_the_page_shows_is_what_happens(tmp_path, written, line, output):
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    written(re.search(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1])
    done = subprocess.run(
        [sys.executable, "-m", "octo", *shlex.split(line)],
        env={**os.environ, "LOG_LEVEL": "error"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert VARYING.sub("...", done.stdout) == VARYING.sub("...", output)
