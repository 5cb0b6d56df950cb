"""Text formats come back as what they were, and nothing in them multiplies."""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from octo.core.charsets import decode
from octo.expr import Scope, compile  # noqa: A004 - the name of the API
from octo.expr.json import read, write

ROUND_TRIP = compile("fromEnv(toEnv(v)) == v", Scope(("v",), {"v": "v"}))


def bomb(levels, width):
    """YAML whose last line stands for width ** levels values."""
    lines = [f"- &a0 [{', '.join('x' * width)}]"]
    lines += [f"- &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_yaml_aliases_cannot_multiply(failure):
    """A few hundred bytes that stand for two million values."""
    text = bomb(7, 8)

    assert len(text) < 400
    assert failure("fromYaml(body)", text).code == "OCTO-E207"


def test_yaml_aliases_may_be_used(evaluate):
    assert evaluate("fromYaml(body)", "a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}
    assert len(evaluate("fromYaml(body)", bomb(3, 8))[2]) == 8


def test_yaml_that_contains_itself_is_an_expression_error(failure):
    assert "nested too deeply" in failure("fromYaml(body)", "&a [*a]").message


@pytest.mark.parametrize("number", ["0.1234567890123456789", "1e400", "-1e-400", "-12345678901234567890.5", "0.5"])
def test_yaml_keeps_the_digits_of_a_number(evaluate, number):
    value = read(f'{{"n": {number}}}')

    assert write(evaluate("fromYaml(toYaml(body))", value)) == write(value)
    assert write(evaluate("fromYaml(body)", f"n: !!float '{number}'")) == write(value)


@pytest.mark.parametrize(("text", "number"), [("1_000.5", 1000.5), (".5", 0.5), ("+1.5", 1.5), ("1.5e+3", 1500.0)])
def test_yaml_has_more_ways_to_write_a_number(evaluate, text, number):
    assert evaluate("fromYaml(body)", text) == number


def test_a_text_that_has_its_bytes_with_it_has_a_yaml_form(evaluate):
    text = decode(b"\xfe\xff\0a", "text/xml; charset=utf-16")

    assert evaluate("toYaml(body)", {"t": text}) == "t: a\n"


def test_an_empty_form_field_is_kept(evaluate):
    assert evaluate("fromFormData(body)", "a=&b&c=1&c=") == {"a": "", "b": "", "c": ["1", ""]}


ENVIRONMENT = [
    ("$HOME", '"\\$HOME"'),
    ('say "hi"', '"say \\"hi\\""'),
    ("a\\b", '"a\\\\b"'),
    ("two\r\nlines", '"two\\r\\nlines"'),
    ("#", '"#"'),
    ("a=b,c/d:e@f%g+h-i.j_k", "a=b,c/d:e@f%g+h-i.j_k"),
    ("", ""),
]


@pytest.mark.parametrize(("value", "text"), ENVIRONMENT)
def test_a_variable_means_itself_to_whoever_reads_the_file(evaluate, value, text):
    """A shell, for example, replaces `$HOME` unless it is escaped."""
    assert evaluate("toEnv(body)", {"A": value}) == f"A={text}\n"


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(), st.text())
def test_variables_come_back_from_their_file(one, other):
    assert ROUND_TRIP({"A": one, "_b2": other}) is True


@pytest.mark.parametrize("name", ["", "1A", "A B", "A\nB", "A=B"])
def test_what_is_no_name_of_a_variable_is_refused(failure, name):
    """It would become another variable."""
    assert failure("toEnv(body)", {name: "x"}).code == "OCTO-E209"
