"""Who writes what another language has is told how it is written here."""

import pytest

from octo.expr import ExprError, Scope, compile  # noqa: A004 - the name of the API

SCOPE = Scope(("b", "v", "n"), {"body": "b", "vars": "v", "now": "n"})


def _hint(text):
    with pytest.raises(ExprError) as error:
        compile(text, SCOPE)({"items": [1], "name": "x"}, {}, None)
    return error.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("body.items.length", "Write size(x)"),
        ("'a'.length", "Write size(x)"),
        ("len(body.items)", "Write size(x)"),
        ("body.name.toUpperCase()", "Write x.upperAscii()"),
        ("round(1.5)", "Did you mean 'math.round'?"),
        ("now()", "'now' is a name: write it without parentheses"),
        ("uuid", "'uuid' is a function: uuid() -> string"),
        ("JSON.stringify(body)", "Write `fromJson(text)`, `toJson(x)`"),
        ("payload.name", "The body of the message is `body`"),
        ("None", "Write `null`"),
        ("duration('1d')", 'Write 24h for a day, or now.add(1, "day")'),
    ],
)
def test_names_and_functions_of_other_languages(text, hint):
    assert _hint(text) == hint


def test_an_unknown_function_is_told_before_the_names_in_its_arguments():
    """`x` is no mistake: who writes this takes `find` for a macro."""
    assert _hint("body.items.find(x, x.id == 1)") == "Write x.filter(i, i.id == 1).first()"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("body.ok and true", "Write `&&`"),
        ("not body.ok", "Write !x"),
        ("body.name matches 'a'", "Write x.matches(y)"),
        ("body.name ?? 'x'", "Write body.?name.orValue(x)"),
        ("body?.name", "An optional field is `body.?name`, e.g. body.?name.orValue(x)"),
        ("body.items.map(x => x.id)", "A loop names its variable: x.map(i, i.name), x.filter(i, i > 0)"),
        ("{{ body.name }}", 'Braces belong to templates; write body.name alone, or "hello " + body.name'),
        ("if body.ok then 1", "Write condition ? x : y"),
        ("hello there", "A text needs quotes of its own, inside those of YAML: '\"...\"'"),
        ("What is the capital?", "A text needs quotes of its own, inside those of YAML: '\"...\"'"),
        ("application/json", "A text needs quotes of its own, inside those of YAML: '\"...\"'"),
    ],
)
def test_signs_of_other_languages(text, hint):
    assert _hint(text) == hint


def test_signs_in_a_text_are_no_signs():
    assert _hint("'a => b' body") == ""


def test_a_scope_without_a_body_is_not_told_of_one():
    with pytest.raises(ExprError) as error:
        compile("payload.name", Scope(("n",), {"now": "n"}))
    assert "body" not in error.value.hint
