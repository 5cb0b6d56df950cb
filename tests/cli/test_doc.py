"""octo doc shows one component or function, or what its name may have been."""

from __future__ import annotations

import pytest

from octo.builtin import BLOCKS, CONNECTORS
from octo.cli.doc import _wrapped
from octo.expr.functions import library

IF = """\
if (block)
  Run one of two chains.

Settings:
  condition  expression: bool, required
      Chooses the branch, e.g. `vars.method == "POST"`.
  then  chain of blocks, required
      Runs when the condition is true.
  else  chain of blocks, optional
      Runs when the condition is false. Without it the message passes through.

Example:
  - type: if
    settings:
      condition: body.total > 100
      then:
        - type: log
          settings:
            message: '"here"'

"""


def test_a_block(cli):
    assert cli("doc", "if").stdout == IF


@pytest.mark.parametrize(
    "name", [*BLOCKS, *CONNECTORS, *sorted({each.name for each in library()}), "has", "flow", "env"]
)
def test_everything_has_a_page(cli, name):
    result = cli("doc", name)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{name} (")


def test_a_connector_shows_its_source_and_what_that_sets(cli):
    shown = cli("doc", "http").stdout

    assert "http (connector)\n" in shown
    assert "http (source)\n" in shown
    assert "\nSeldom needed:\n" in shown
    assert "  cors.allowedOrigins  list of text, required\n" in shown
    assert "\nSets the variables:\n  method: " in shown


def test_a_block_names_its_connector(cli):
    assert (
        "`connector` names a connector of type http-client (required): octo doc http-client"
        in cli("doc", "rest").stdout
    )


def test_a_function_shows_its_signatures_and_examples(cli):
    assert cli("doc", "charAt").stdout == (
        "charAt (function, strings)\n"
        "  string.charAt(int) -> string\n"
        '    The character at a position; "" at the position after the last character.\n'
        '      "hello".charAt(1) == "e"\n\n'
    )


def test_a_family_of_functions(cli):
    shown = cli("doc", "base64").stdout

    assert "base64.decode (function, encoders)" in shown
    assert "base64.encode (function, encoders)" in shown


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("http-cleint", "there is no 'http-cleint'. Try: octo doc http-client"),
        ("http-client.timeout", "there is no 'http-client.timeout'. Try: octo doc http-client"),
        ("client", "there is no 'client'. Try: octo doc http-client"),
        ("valkey", "there is no 'valkey'. Try: octo doc redis"),
        ("rabbitmq", "there is no 'rabbitmq'. Try: octo doc amqp"),
        ("xyzzyxyzzy", "there is no 'xyzzyxyzzy'. Try: octo list"),
        ("dlq", "'dlq' is a command: octo dlq --help"),
        ("octo-c111", "'octo-c111' is an error code: octo explain OCTO-C111"),
    ],
)
def test_a_name_that_does_not_exist(cli, name, hint):
    result = cli("doc", name)

    assert result.exit_code == 2
    assert hint in result.stderr


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("deadLetter", "'deadLetter' is a setting of `flow`. Try: octo doc flow"),
        ("durability", "'durability' is a setting of `flow`. Try: octo doc flow"),
        ("key", " and others. Try: octo doc amqp"),
    ],
)
def test_a_setting_leads_to_what_has_it(cli, name, hint):
    assert hint in " ".join(cli("doc", name).stderr.split())


def test_a_name_is_needed(cli):
    assert "`octo list` shows all" in cli("doc").stderr


@pytest.mark.parametrize("columns", ["10", "40"])
def test_a_narrow_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)

    lines = _wrapped("A long text of short words, in two parts.\n\nThe second.", "    ")

    assert max(map(len, lines)) <= max(int(columns), 24)
    assert "    The second." in lines


@pytest.mark.parametrize("name", ["body", "vars", "now", "eventID", "correlationID"])
def test_a_name_of_expressions(cli, name):
    assert f"{name!r} is a name in expressions: " in cli("doc", name).stderr


def test_what_is_required_comes_first(cli):
    shown = cli("doc", "ai-prompt").stdout

    assert shown.partition("Settings:\n")[2].startswith("  prompt  text, required")
