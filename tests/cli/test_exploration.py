"""What octo test does besides running cases has a report for people, and an exit code for build servers."""

from __future__ import annotations

import asyncio
import json
import re
import shlex

import pytest

from octo.testing.harness import running
from octo.trace.opening import open_store
from octo.trace.recorder import Recorder
from octo.trace.writer import Writer

FLOWS = """
connectors: [{name: bank, type: http-client, settings: {baseURL: "http://127.0.0.1:1"}}]
flows:
  - name: orders
    input: {type: object, required: [n], properties: {n: {type: integer}}}
    ensures: [body.n >= 0]
    process:
      - type: if
        name: big
        condition: body.n > 100
        then: [{type: set-payload, name: cap, value: '{"n": 100}'}]
  - name: pay
    process:
      - {type: rest, name: charge, connector: bank, method: POST, path: /charges}
"""
CASES = "{flow: orders, cases: [{name: small, input: {data: {n: 1}}, expect: {body: {n: 1}}}]}\n"
PAYS = "{flow: pay, mocks: {pay.charge: {body: {}}}, cases: [{name: pays, input: {data: {}}}]}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "f.yaml").write_text(FLOWS)
    (tmp_path / "f_test.yaml").write_text(CASES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kept(folder, plugins, monkeypatch):
    """The event id of a recorded message."""
    monkeypatch.setenv("OCTO_TRACES_STORE", "sqlite:traces.db")

    async def fill():
        with Writer([open_store("sqlite:traces.db", write=True)]) as writer:
            async with running(FLOWS, plugins, observer=Recorder(writer.put)) as app:
                await app.call("orders", {"n": 500})

    asyncio.run(fill())
    [summary] = open_store("sqlite:traces.db").find()
    return summary.event


def test_coverage_is_a_table_by_flow(cli, folder):
    result = cli("test", "f.yaml", "--cover")

    assert result.exit_code == 0
    assert "1 passed" in result.stdout
    [line] = [line for line in result.stdout.splitlines() if line.split()[:1] == ["orders"]]
    assert "1/2" in line.split()


@pytest.mark.parametrize(("least", "code"), [("1", 0), ("100", 1)])
def test_too_little_coverage_is_exit_code_1(cli, folder, least, code):
    result = cli("test", "f.yaml", "--cover-min", least)

    assert result.exit_code == code
    assert ("less than 100%" in result.stderr) == bool(code)


@pytest.mark.parametrize("least", ["nan", "inf", "-1"])
def test_what_coverage_cannot_be_is_refused(cli, folder, least):
    result = cli("test", "f.yaml", "--cover-min", least)

    assert result.exit_code == 2
    assert "is not in the range" in result.stderr


def test_coverage_may_be_a_page_and_json(cli, folder):
    result = cli("test", "f.yaml", "--cover-html", "page", "--cover-json", "cover.json")

    assert result.exit_code == 0
    assert "orders" in (folder / "page/index.html").read_text()
    assert 0 < json.loads((folder / "cover.json").read_text())["percent"] < 100


def test_a_place_that_cannot_be_written_is_said_without_a_traceback(cli, folder):
    (folder / "file").write_text("")

    result = cli("test", "f.yaml", "--cover-html", "file/page", "--cover-json", "none/cover.json")

    assert result.exit_code == 2
    assert "cannot write file/page: Not a directory" in result.stderr
    assert "cannot write none/cover.json: No such file or directory" in result.stderr


def test_a_generated_message_that_breaks_a_contract_is_exit_code_1(cli, folder):
    result = cli("test", "f.yaml", "--generate", "--examples", "50")

    assert result.exit_code == 1
    assert "FAIL  orders" in result.stdout
    assert 'body: {"n": -1}' in result.stdout


def test_a_flow_that_keeps_its_contracts_passes(cli, folder):
    (folder / "f.yaml").write_text(FLOWS.replace("type: integer", "type: integer, minimum: 0"))

    assert cli("test", "f.yaml", "--generate", "--examples", "20").exit_code == 0


def test_the_same_seed_finds_the_same(cli, folder):
    found = [cli("test", "f.yaml", "--generate", "--examples", "20", "--seed", "7").stdout for _ in range(2)]

    shown = [re.sub(r"\(\d+.*?s\)", "", text.partition("FAIL")[2]) for text in found]
    assert shown[0] == shown[1] != ""


def test_faults_of_what_the_cases_call_are_explored(cli, folder):
    (folder / "f_test.yaml").write_text(PAYS)

    result = cli("test", "f.yaml", "--chaos")

    assert "pay.charge" in result.stdout
    assert result.stdout.splitlines()[-1] == "4 faults, 2 without harm, 2 doubled"
    assert result.exit_code == 1


def test_a_recorded_message_makes_a_test_that_passes(cli, folder, kept):
    made = cli("test", "--from-trace", kept, "f.yaml", "--out", "recorded_test.yaml")
    said = "recorded_test.yaml: run it with `octo test recorded_test.yaml --config f.yaml`\n"
    assert (made.exit_code, made.stdout) == (0, said)

    assert cli("test", "recorded_test.yaml", "--config", "f.yaml").exit_code == 0
    (folder / "f.yaml").write_text(FLOWS.replace('{"n": 100}', '{"n": 99}'))
    assert cli("test", "recorded_test.yaml", "--config", "f.yaml").exit_code == 1


def test_the_file_says_what_was_masked(cli, folder, kept):
    trace = [json.loads(line) for line in cli("traces", kept, "--json").stdout.splitlines()]
    trace[0]["input"]["body"]["card"] = "«masked»"
    trace[0]["output"]["body"]["key"] = "«secret»"
    (folder / "masked.jsonl").write_text("\n".join(map(json.dumps, trace)))

    printed = cli("test", "--from-trace", kept, "f.yaml", "--traces-store", "file:masked.jsonl").stdout

    assert printed.splitlines()[1:6] == [
        "# Masked in the trace, so the flow does not get the same values here:",
        "#   input.data.card",
        "# If the flow depends on them, replace them by values for the test.",
        "# Not asserted, because the trace does not contain it or it depends on the clock:",
        "#   body.key",
    ]
    assert "«secret»" not in printed


def test_a_message_before_which_others_were_lost_makes_a_test_too(cli, folder, kept, tmp_path):
    told = cli("traces", kept, "--json").stdout
    (tmp_path / "lost.jsonl").write_text(json.dumps({"kind": "dropped", "at": 1, "count": 2}) + "\n" + told)

    result = cli("test", "--from-trace", kept, "f.yaml", "--traces-store", "file:lost.jsonl")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"# From the trace {json.loads(told.splitlines()[0])['trace']}.")


@pytest.mark.parametrize(
    "arguments", [["f.yaml"], ["--config", "f.yaml"], ["sub/other.yaml"], ["sub"]], ids=lambda given: given[-1]
)
def test_the_command_that_runs_the_test_can_be_pasted(cli, folder, kept, arguments):
    (folder / "sub").mkdir()
    (folder / "sub" / "other.yaml").write_text(FLOWS)
    (folder / "broken.yaml").write_text("flows: [")

    for out in ("night_test.yaml", "sub/night_test.yml", "last night_test.yaml"):
        said = cli("test", "--from-trace", kept, *arguments, "--out", out).stdout
        words = shlex.split(said.partition("`")[2].rpartition("`")[0])
        assert cli(*words[1:]).exit_code == 0


@pytest.mark.parametrize(
    ("out", "name"), [("n.yaml", "n_test.yaml"), ("sub/n.yml", "sub/n_test.yml"), ("n", "n_test.yaml")]
)
def test_a_test_that_would_not_be_found_is_not_written(cli, folder, kept, out, name):
    result = cli("test", "--from-trace", kept, "f.yaml", "--out", out)

    assert (result.exit_code, result.stdout) == (2, "")
    assert f"`octo test` would not find '{out}'; write {name}" in result.stderr
    assert not (folder / out).exists()


def test_without_a_place_the_test_is_printed(cli, folder, kept):
    printed = cli("test", "--from-trace", kept[:6], "--config", "f.yaml").stdout

    (folder / "printed_test.yaml").write_text(printed)
    assert cli("test", "printed_test.yaml", "--config", "f.yaml").exit_code == 0


def test_a_test_that_is_there_is_not_written_over(cli, folder, kept):
    result = cli("test", "--from-trace", kept, "f.yaml", "--out", "f_test.yaml")

    assert (result.exit_code, result.stderr) == (2, "cannot write f_test.yaml: File exists\n")
    assert (folder / "f_test.yaml").read_text() == CASES


@pytest.mark.parametrize(
    ("id", "config", "said"), [("ffffffff", "f.yaml", "OCTO-S103"), ("KEPT", "none.yaml", "OCTO-C101")]
)
def test_what_is_not_there_is_said(cli, folder, kept, id, config, said):
    result = cli("test", "--from-trace", kept if id == "KEPT" else id, config)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("file", "cases", "option", "says"),
    [
        ("f_test.yaml", CASES, "--generate", "orders: 1/200 messages"),
        ("f_test.yaml", CASES, "--generate", "messages, looking for the smallest"),
        ("g_test.yaml", PAYS, "--chaos", "case 2/2, pays: 1/4 faults"),
    ],
)
def test_progress_goes_to_standard_error_alone(cli, folder, monkeypatch, file, cases, option, says):
    (folder / file).write_text(cases)
    monkeypatch.setattr("octo.cli.progress.SELDOM", 0.0)

    result = cli("test", option)

    assert says in result.stderr
    assert says not in result.stdout
