"""Variables that expressions read."""

from __future__ import annotations

import pytest

DECLARED = "env: [{name: STAGE, default: x}, {name: UNSET}]\n"


def text(expression: str) -> str:
    return f"{DECLARED}flows:\n- name: f\n  process:\n  - type: set-payload\n    value: |\n      {expression}\n"


def test_an_undeclared_variable_is_found_before_a_message_is(problems):
    (found,) = problems(text('"a" + env.STAEG'))

    assert found.startswith("7:17 OCTO-C140 `value`: the variable `STAEG` is not declared | did you mean `STAGE`?")


def test_one_without_a_value_is_a_warning(config):
    (warning,) = config(text("env.UNSET")).warnings

    assert f"{warning.at.line}:{warning.at.column} {warning.code}" == "7:11 OCTO-C146"
    assert config(text("env.UNSET"), UNSET="1").warnings == ()


@pytest.mark.parametrize(
    "expression",
    [
        "env.STAGE",
        'has(env.NOPE) ? env.NOPE : ""',
        "body.env.NOPE",
        '"env.NOPE"',
        "'it\\'s env.NOPE'",
        "1 // env.NOPE",
        "body.list.map(env, env.NOPE)",
        'env.?NOPE.orValue("")',
    ],
)
def test_what_is_no_read_in_vain(config, expression: str):
    assert config(text(expression)).warnings == ()
