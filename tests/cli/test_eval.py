"""octo eval tries an expression."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["1 + 1"], 2),
        (["--expr", "body.n * 2", "--data", '{"n": 21}'], 42),
        (["vars.a + env.B", "--vars", '{"a": "x"}', "--env", '{"B": "y"}'], "xy"),
        (["correlationID"], ""),
    ],
)
def test_prints_the_value(cli, arguments, expected):
    result = cli("eval", *arguments)

    assert result.exit_code == 0
    assert json.loads(result.stdout) == expected


def test_a_failure_shows_the_place_and_what_is_there(cli):
    result = cli("eval", "body.nmae", "--data", '{"name": 1}')

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "name" in result.stderr
    assert "^" in result.stderr


def test_json_format_never_fails(cli):
    result = cli("eval", "body.x", "--data", "{}", "--format", "json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["ok"] is False
    assert json.loads(cli("eval", "1", "--format", "json").stdout) == {"ok": True, "result": 1}


@pytest.mark.parametrize("arguments", [[], ["1", "--expr", "2"], ["1", "--data", "{"], ["1", "--vars", "[]"]])
def test_bad_usage(cli, arguments):
    assert cli("eval", *arguments).exit_code == 2


def test_why_shows_every_part_and_what_was_not_needed(cli):
    result = cli("eval", "body.a > 1 || body.b > 1", "--data", '{"a": 2}', "--why")

    assert result.exit_code == 0
    assert "body.a" in result.stdout
    assert "not evaluated" in result.stdout


def test_the_code_can_be_read(cli):
    assert "def expression(message)" in cli("eval", "body.a + 1", "--explain-code").stdout
