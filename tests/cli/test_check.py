"""octo check finds all problems and runs nothing."""

from __future__ import annotations

import json

import pytest

from octo import __version__
from octo.cli.project import show
from octo.core.errors import Position, Problem

GOOD = "flows: [{name: f, process: [{type: set-payload, value: '1'}]}]\n"
BAD = "flows:\n  - name: f\n    process:\n      - type: set-paylod\n      - {type: log, messag: x}\n"


def test_good_files_are_told_so(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)

    result = cli("check", str(tmp_path / "a.yaml"))

    assert result.exit_code == 0
    assert "ok, 1 flow, 0 connectors" in result.stdout


def test_all_problems_are_shown_with_place_line_and_cure(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(BAD)

    result = cli("check", str(tmp_path / "a.yaml"))

    assert result.exit_code == 2
    assert "a.yaml:4:15" in result.stderr
    assert "      - type: set-paylod" in result.stderr
    assert "set-payload" in result.stderr
    assert "messag" in result.stderr
    assert "2 problems" in result.stderr


def test_json(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(BAD)

    report = json.loads(cli("check", str(tmp_path / "a.yaml"), "--format", "json").stdout)

    assert report["ok"] is False
    assert len(report["problems"]) == 2
    assert set(report["problems"][0]) == {"code", "file", "line", "column", "message", "hint"}


def test_several_paths(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(BAD)

    assert cli("check", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")).exit_code == 2


def test_a_secret_on_the_line_of_a_problem_is_not_shown(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(
        "connectors:\n"
        "  - {name: a, type: database, settings: {driver: postgres, dsn: 'postgres://u:hunter22@h/d', nope: 1}}\n"
        "  - {name: b, type: http-client, settings: {baseURL: 'http://x', auth: {password: hunter23, nope: 1}}}\n"
    )

    result = cli("check", str(tmp_path / "a.yaml"))

    assert result.exit_code == 2
    assert "nope" in result.stderr
    assert "hunter" not in result.stderr


@pytest.mark.parametrize(
    "written",
    [
        "api_key: hunter2345",
        "X-Api-Key: hunter2345",
        "accessKey: 'hunter2345'",
        "'Authorization': Bearer hunter2345",
        "key: sk-ant-hunter2345",
        "password: '${A}hunter2345'",
        "password: 'or hunter 2345, }'",
    ],
)
def test_a_key_under_a_name_that_is_none_of_octo_is_not_shown(cli, tmp_path, written):
    """It is where people misspell that it is shown."""
    (tmp_path / "a.yaml").write_text(f"connectors: [{{name: a, type: llm-openai, settings: {{{written}}}}}]\n")

    result = cli("check", str(tmp_path / "a.yaml"))

    assert result.exit_code == 2
    assert "*****" in result.stderr
    assert "hunter" not in result.stderr


def test_the_name_of_a_variable_is_shown(cli, tmp_path):
    (tmp_path / "a.yaml").write_text("connectors: [{name: a, type: llm-openai, settings: {apiKey: '${NAME}'}}]\n")

    assert "{apiKey: '${NAME}'}" in cli("check", str(tmp_path / "a.yaml")).stderr


def test_no_line_of_an_env_file_is_shown(cli, tmp_path):
    """A line that cannot be read may be part of a key."""
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / ".env").write_text("KEY=-----BEGIN PRIVATE KEY-----\nMIIEvQhunter22\n-----END PRIVATE KEY-----\n")

    result = cli("check", str(tmp_path / "a.yaml"))

    assert result.exit_code == 2
    assert ".env:2:1: OCTO-C142: the line has no `=`" in result.stderr
    assert "put a value of several lines into quotes" in result.stderr
    assert "hunter22" not in result.stderr
    assert "BEGIN" not in result.stderr


def test_a_line_of_a_key_in_a_flow_file_is_not_shown(tmp_path, capsys):
    key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7hunter+/22A=="
    (tmp_path / "a.yaml").write_text(f"key:\n  {key}\n")

    show(Problem("OCTO-C103", Position(str(tmp_path / "a.yaml"), 2, 3), "not valid"))

    assert capsys.readouterr().err.splitlines()[1] == f"    2 |   {'*' * len(key)}"


def test_the_line_of_a_problem_is_the_one_of_now(cli, tmp_path):
    """The file was edited since the last problem was shown."""
    path = tmp_path / "a.yaml"
    path.write_text(BAD)
    cli("check", str(path))
    path.write_text(BAD.replace("set-paylod", "set-payloood"))

    assert "      - type: set-payloood" in cli("check", str(path)).stderr


def test_the_outline(cli, tmp_path):
    """It has what tools rely on: a version, and for each configuration its parts with their places and its problems."""
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(BAD)
    good, bad = str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")

    result = cli("check", "--outline", good, bad)

    found = json.loads(result.stdout)
    assert result.exit_code == 2
    assert (found["version"], found["octo"], found["ok"]) == (1, __version__, False)
    first, second = found["configurations"]
    assert (first["path"], first["ok"], first["problems"], second["ok"]) == (good, True, [], False)
    assert first["entries"][1] == {
        "kind": "block",
        "address": "f.set-payload",
        "parent": "f",
        "type": "set-payload",
        "name": "set-payload",
        "file": good,
        "start": {"line": 1, "column": 29},
        "end": {"line": 1, "column": 60},
    }
    assert [each["address"] for each in second["entries"]] == ["f", "f.set-paylod", "f.log"]
    assert set(second["problems"][0]) == {"code", "file", "line", "column", "message", "hint"}


def test_the_outline_of_good_files_ends_well(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)

    assert cli("check", "--outline", str(tmp_path / "a.yaml")).exit_code == 0


SUITE = "flow: f\ncases:\n  - {name: one, expect: {body: 1}}\n"


def test_a_test_file_is_checked_as_one(cli, tmp_path):
    """Whether it is named, matched by a pattern or in a folder; a file that is only named so is a flow file."""
    flows, tests, named = tmp_path / "a.yaml", tmp_path / "a_test.yaml", tmp_path / "b_test.yaml"
    flows.write_text(GOOD)
    tests.write_text(SUITE)
    named.write_text("flows: []")
    both = f"{flows}: ok, 1 flow, 0 connectors\n{tests}: ok, 1 case\n"

    assert cli("check", str(flows), str(tests)).stdout == both
    assert cli("check", str(tmp_path / "a*.yaml")).stdout == both
    assert cli("check", str(tests)).stdout == f"{tests}: ok, 1 case\n"
    assert cli("check", str(tmp_path)).stdout == f"{tmp_path}: ok, 1 flow, 0 connectors\n{tests}: ok, 1 case\n"
    assert "b_test.yaml: ok, 0 flows" in cli("check", str(named)).stdout


def test_a_wrong_test_file_is_refused(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "a_test.yaml").write_text(SUITE.replace("flow: f", "flow: g"))

    result = cli("check", str(tmp_path))

    assert result.exit_code == 2
    assert "a_test.yaml:1:" in result.stderr
    assert "1 problem." in result.stderr


def test_a_problem_of_a_flow_is_told_once(cli, tmp_path):
    """Its tests cannot be bound to it, which is no further problem."""
    (tmp_path / "a.yaml").write_text(BAD)
    (tmp_path / "a_test.yaml").write_text(SUITE)

    assert cli("check", str(tmp_path)).stderr.count("set-paylod") == 2  # the message and the line
    assert len(json.loads(cli("check", str(tmp_path), "--format", "json").stdout)["problems"]) == 2


def test_without_a_path_it_checks_the_folder(cli, tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)

    assert cli("check").stdout == ".: ok, 1 flow, 0 connectors\n"


def test_standard_input(cli):
    assert cli("check", "-", input=GOOD).stdout == "-: ok, 1 flow, 0 connectors\n"
    assert "<standard input>:4:15" in cli("check", "-", input=BAD).stderr


def test_files_that_do_not_belong_together(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD)

    assert f"Each for itself: octo check {tmp_path}/*.yaml\n" in cli("check", str(tmp_path)).stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("# later\n", "the file has only comments"),
        ("{}\n", "the file says nothing"),
        ("# a\n---\n", "the file says nothing"),
    ],
)
def test_a_file_without_anything_is_a_warning(cli, tmp_path, text, says):
    path = tmp_path / "flow.yaml"
    path.write_text(text)

    result = cli("check", str(path))

    assert (result.exit_code, result.stdout) == (0, f"{path}: ok, 0 flows, 0 connectors, 1 warning\n")
    assert result.stderr.startswith(f"{path}: OCTO-C109: {says}\n")


TEXT_OF_AN_ANSWER = """\
connectors: [{name: api, type: http-client, settings: {baseURL: 'http://a.example', retry: {maxAttempts: 3}}}]
flows:
  - name: f
    process:
      - {type: rest, connector: api}
      - {type: set-payload, value: '"got " + body'}
"""


def test_compat_warns_of_what_means_something_else_there(cli, tmp_path):
    """Only if it is asked for, and the files are still right."""
    (tmp_path / "a.yaml").write_text(TEXT_OF_AN_ANSWER)

    told, quiet = cli("check", "--compat", str(tmp_path)), cli("check", str(tmp_path))
    piped = cli("check", "--compat", "-", "--format", "json", input=TEXT_OF_AN_ANSWER)

    assert (told.exit_code, quiet.exit_code, piped.exit_code) == (0, 0, 0)
    assert "ok, 1 flow, 1 connector, 1 warning" in told.stdout
    assert f"{tmp_path / 'a.yaml'}:6:44: OCTO-C204: in the Go implementation 0.1.8, an answer of `rest`" in told.stderr
    assert "OCTO-C204" not in quiet.stderr
    (warning,) = json.loads(piped.stdout)["warnings"]
    assert (warning["code"], warning["line"], warning["column"]) == ("OCTO-C204", 6, 44)


def test_what_compat_says_has_a_page(cli):
    assert "it is raw content" in cli("explain", "OCTO-C204").stdout


def test_guarantees_are_told_for_people_and_for_tools(cli, tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text(
        "flows:\n  - name: f\n    source: {type: queue, settings: {subject: a}}\n"
        "    process: [{type: flow-ref, name: tell, flow: g, oneWay: true}]\n  - {name: g, process: [{type: log}]}\n"
    )

    text = cli("check", "--guarantees", str(path)).stdout
    [told] = json.loads(cli("check", "--guarantees", "--format", "json", str(path)).stdout)

    assert text == (
        f"f: at least once, from `queue` ({path}:3:13)\n"
        "    order: flow, reply, acknowledge\n"
        f"    lost if the process ends: f.tell hands over without waiting, and in memory ({path}:4:15)\n"
    )
    assert (told["flow"], told["guarantee"], told["limits"][0]["address"]) == ("f", "at least once", "f.tell")


FACTS = """\
env: [{name: PORT}]
connectors: [{name: web, type: http, settings: {port: "${PORT}"}}]
flows: [{name: f, source: {connector: web, type: http, settings: {path: /f}}, process: []}]
"""


def test_the_facts(cli, tmp_path):
    """They need no environment, where the check of the same file refuses it."""
    path = tmp_path / "a.yaml"
    path.write_text(FACTS)

    result = cli("check", "--facts", str(path))

    found = json.loads(result.stdout)
    assert (result.exit_code, cli("check", str(path)).exit_code) == (0, 2)
    assert [*found] == [
        "version", "octo", "ok", "problems", "warnings", "flows", "blocks", "connectors", "routes", "listens",
        "reaches", "variables", "secrets", "services", "resources",
    ]  # fmt: skip
    assert (found["version"], found["octo"], found["ok"]) == (1, __version__, True)
    assert found["routes"] == [{"connector": "web", "method": "*", "path": "/f", "flow": "f"}]


def test_the_facts_of_a_broken_file_end_badly(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(BAD)

    result = cli("check", "--facts", str(tmp_path))

    assert result.exit_code == 2
    assert json.loads(result.stdout)["problems"][0]["code"]


def test_facts_are_those_of_one_configuration(cli, tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD)

    result = cli("check", "--facts", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"))

    assert result.exit_code == 2
    assert "name one flow file or folder" in result.stderr
