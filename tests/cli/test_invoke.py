"""octo invoke calls one flow; its exit code says how it ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from octo.cli.ending import write

FLOWS = """
flows:
  - name: greet
    process: [{type: set-payload, value: '{"greeting": "hello, " + body.name + "!"}'}]
  - name: vars
    process: [{type: set-payload, value: vars}]
  - name: drop
    process: [{type: filter, expr: 'false', reason: not today}]
  - name: fail
    process: [{type: set-payload, value: body.missing}]
  - name: echo
    process: []
"""


@pytest.fixture
def flows(tmp_path):
    path = tmp_path / "flows.yaml"
    path.write_text(FLOWS)
    return str(path)


def test_prints_the_body_as_one_line(command, flows):
    code, out, _ = command("invoke", "--config", flows, "--flow", "greet", "--data", '{"name":"Ada"}')

    assert (code, out) == (0, '{"greeting":"hello, Ada!"}\n')


@pytest.mark.parametrize("data", [[], ["--data", "-"], ["--data", ""], ["-data", ""]])
def test_reads_a_pipe(command, flows, data):
    code, out, _ = command("invoke", "--config", flows, "--flow", "greet", *data, input='{"name":"Bob"}')

    assert (code, out) == (0, '{"greeting":"hello, Bob!"}\n')


def test_reads_a_file_and_variables(command, flows, tmp_path):
    (tmp_path / "body.json").write_text('{"name":"Eve"}')

    assert command("invoke", flows, "--flow", "greet", "--data", f"@{tmp_path / 'body.json'}")[1] == (
        '{"greeting":"hello, Eve!"}\n'
    )
    assert command("invoke", flows, "--flow", "vars", "--vars", '{"a":1}')[1] == '{"a":1}\n'


def test_the_whole_message_on_demand(command, flows):
    _, out, _ = command("invoke", flows, "--flow", "echo", "--data", "1", "--vars", '{"v":2}', "--message")

    message = json.loads(out)
    assert (message["body"], message["variables"], len(message["event_id"])) == (1, {"v": 2}, 32)


def test_dropped_and_failed_have_their_own_codes_and_print_nothing(command, flows):
    code, out, err = command("invoke", flows, "--flow", "drop")
    assert (code, out) == (3, "")
    assert "not today" in err

    code, out, err = command("invoke", flows, "--flow", "fail", "--data", '{"mising": 1}')
    assert (code, out) == (1, "")
    assert "missing" in err
    assert "Traceback" not in err
    assert "flows.yaml:10:47: OCTO-E201" in err
    assert "process: [{type: set-payload, value: body.missing}]" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--flow", "gret"],
        ["--flow", "greet", "--data", "{"],
        ["--flow", "greet", "--data", "@/nowhere"],
        ["--flow", "greet", "--vars", "1"],
        ["--flow", "greet", "--timeout", "soon"],
        [],
    ],
)
def test_bad_usage_is_2(command, flows, arguments):
    code, out, err = command("invoke", "--config", flows, *arguments)

    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_a_mistyped_flow_is_guessed(command, flows):
    assert "Did you mean 'greet'?" in command("invoke", "--config", flows, "--flow", "gret")[2]


@pytest.mark.parametrize("kind", ["text/csv", "Text/CSV; charset=utf-8"])
def test_a_body_that_is_not_json_is_raw_content(cli, flows, kind):
    done = cli("invoke", flows, "--flow", "echo", "--data", "a,b\n", "--content-type", kind)

    assert json.loads(done.stdout) == {"contentType": kind, "rawData": "a,b\n"}


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json; charset=utf-8"])
def test_a_content_type_of_json_changes_nothing(cli, flows, kind):
    assert cli("invoke", flows, "--flow", "echo", "--data", "[1]", "--content-type", kind).stdout == "[1]\n"


def test_raw_content_may_be_bytes(cli, flows, tmp_path):
    (tmp_path / "picture").write_bytes(b"\xff\xd8")
    done = cli("invoke", flows, "--flow", "echo", "--data", f"@{tmp_path / 'picture'}", "--content-type", "image/jpeg")

    assert json.loads(done.stdout) == {"contentType": "image/jpeg", "rawData": "/9g="}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (bytes(range(256)) * 4000, "image/png"),
        ("K\u00e4se;1\n".encode("iso-8859-1"), "text/csv; charset=ISO-8859-1"),
        ("\ufeff<\u00e4/>".encode("utf-16-be"), "application/xml; charset=utf-16"),
    ],
)
def test_raw_content_is_written_as_it_is(cli, flows, tmp_path, data, kind):
    """With --raw it comes out byte for byte: `octo invoke --data @in.png --content-type image/png --raw >out.png`."""
    (tmp_path / "in").write_bytes(data)
    options = ["--flow", "echo", "--data", f"@{tmp_path / 'in'}", "--content-type", kind, "--raw"]

    assert cli("invoke", flows, *options).stdout_bytes == data


def test_what_is_no_raw_content_is_json_also_with_raw(cli, flows):
    assert cli("invoke", flows, "--flow", "echo", "--data", '{"a": 1}', "--raw").stdout == '{"a":1}\n'


def test_a_text_on_the_command_line_has_the_charset_already(cli, flows):
    kind = "text/csv; charset=iso-8859-1"
    done = cli("invoke", flows, "--flow", "echo", "--data", "K\u00e4se", "--content-type", kind)
    bad = cli("invoke", flows, "--flow", "echo", "--data", "5 \u20ac", "--content-type", kind)

    assert json.loads(done.stdout)["rawData"] == "K\u00e4se"
    assert (bad.exit_code, "cannot be written as iso-8859-1" in bad.stderr) == (2, True)


@pytest.mark.parametrize("text", [str(2**100), "0.1234567890123456789", "1e400", '{"a":[-0.5e-999]}'])
def test_numbers_are_printed_digit_for_digit(cli, flows, text):
    assert cli("invoke", flows, "--flow", "echo", "--data", text).stdout == f"{text}\n"


def test_no_raw_content_is_no_body(cli, flows):
    assert cli("invoke", flows, "--flow", "echo", "--data", "", "--content-type", "text/csv").stdout == "null\n"


def test_a_number_of_any_size_can_be_printed(capfd):
    write({"n": 10**30})

    assert capfd.readouterr().out == '{"n":1000000000000000000000000000000}\n'


def test_the_flow_and_the_file_may_be_words(cli, flows, monkeypatch):
    """The file may be left out where it is the only one."""
    body = ("--data", '{"name":"Ada"}')
    assert cli("invoke", flows, "greet", *body).output == '{"greeting":"hello, Ada!"}\n'

    monkeypatch.chdir(Path(flows).parent)
    assert cli("invoke", "greet", *body).output == '{"greeting":"hello, Ada!"}\n'
    assert cli("invoke", "--flow", "greet", *body).output == '{"greeting":"hello, Ada!"}\n'


def test_without_a_flow_it_names_them(cli, flows):
    result = cli("invoke", flows)

    assert result.exit_code == 2
    assert f"name the flow:\n  octo invoke {flows} greet\n  octo invoke {flows} vars\n" in result.stderr
    assert "what is 'b.yaml'?" in cli("invoke", "a.yaml", "b.yaml", "greet").stderr


def test_a_folder_of_configurations_of_their_own_is_explained(cli, flows):
    (Path(flows).parent / "compose.yaml").write_text("services: {}")

    assert f"For one: octo invoke {flows}\n" in cli("invoke", str(Path(flows).parent), "greet").stderr


@pytest.mark.parametrize("option", ["--data", "--vars"])
def test_what_is_no_json_shows_how_it_is_written(cli, flows, option):
    result = cli("invoke", flows, "greet", option, "name=Ada")

    assert result.exit_code == 2
    assert f'Write e.g. {option} \'{{"name": "Ada"}}\'' in result.stderr


def test_a_connector_that_does_not_open_is_told_with_its_place(cli, tmp_path, free_port):
    file = tmp_path / "flow.yaml"
    settings = f'{{url: "redis://127.0.0.1:{free_port()}"}}'
    block = "{type: redis-command, connector: store, command: GET, args: ['\"a\"']}"
    connectors = f"connectors:\n  - {{name: store, type: redis, settings: {settings}}}\n"
    file.write_text(f"{connectors}flows: [{{name: f, process: [{block}]}}]\n")

    result = cli("invoke", str(file), "f", "--data", "{}")

    assert result.exit_code == 1
    assert f'{file}:2:5: OCTO-V101: connector "store" (redis) did not start: ' in result.stderr
