"""An explanation shows what every piece came to, and never disagrees with the evaluation."""

import random
from types import SimpleNamespace

import pytest
from programs import VALUES, expression

from octo.expr import ExprError, Scope, compile, why  # noqa: A004 - the name of the API
from octo.expr.sketch import sketch

SCOPE = Scope(("body", "vars"), {"body": "body", "vars": "vars"}, constants={"env": {"TOKEN": "s3cret-token"}})
BODY = {"total": 50, "name": "Ann", "items": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 5}, {"qty": 7}]}


def shown(text, body=BODY, variables=None):
    return str(why(text, SCOPE, body, variables or {})).splitlines()


def test_what_decides_is_marked_and_what_was_not_needed_is_not_evaluated():
    assert shown("body.total > 100.0 && vars.vip") == [
        "body.total > 100.0 && vars.vip  → false",
        "├─ body.total > 100.0  → false  ◀ decides",
        "│  └─ body.total  → 50",
        "└─ vars.vip  – not evaluated",  # noqa: RUF001 - a dash, not a minus
    ]


def test_an_error_stands_where_it_arose_even_when_it_did_not_count():
    assert shown("body.nope == 1 || vars.vip", {"a": 1}, {"vip": True}) == [
        "body.nope == 1 || vars.vip  → true",
        "├─ body.nope == 1  ✗",
        "│  └─ body.nope  ✗ no such key: nope. Keys are a",
        '│     └─ body  → {"a": 1}',
        "└─ vars.vip  → true  ◀ decides",
    ]


def test_a_branch_that_was_not_taken_is_not_evaluated():
    tree = why("body.total > 1 ? 'big' : body.nope", SCOPE, BODY, {})
    assert [child.state for child in tree.children] == ["value", "value", "skipped"]
    assert [child.decides for child in tree.children] == [True, False, False]


def test_the_element_that_decides_is_marked():
    tree = why("body.items.exists(i, i.qty > 4)", SCOPE, BODY, {})
    steps = [child for child in tree.children if child.state == "step"]
    assert [(step.value["qty"], step.decides) for step in steps] == [(1, False), (5, True)]


def test_of_many_elements_the_first_and_the_last_are_shown():
    lines = shown("lists.range(1000).map(i, i * 2)")
    assert [line for line in lines if line.startswith(("├─ ", "└─ "))][1:] == [
        "├─ i = 0",
        "├─ i = 1",
        "├─ i = 2",
        "├─ … 996 more",
        "└─ i = 999",
    ]


def test_an_element_that_fails_is_shown_wherever_it_stands():
    tree = why("body.exists(i, 1 / i == 7)", SCOPE, [9, 9, 9, 9, 9, 0, 9, 9], {})
    assert tree.state == "error"
    assert [step.value for step in tree.children if step.state == "step"] == [9, 9, 9, 0, 9]


def test_nested_loops_keep_their_elements_apart():
    tree = why("body.map(a, a.map(b, b + 1))", SCOPE, [[1, 2], [3]], {})
    rounds = [
        [inner.value for inner in step.children[0].children if inner.state == "step"] for step in tree.children[1:]
    ]
    assert rounds == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("cel.bind(x, body.nope, has(body.nope) ? x : 0)", ["body.nope", "has(body.nope) ? x : 0"]),
        ("math.abs(body.total) + 1 + body.total", ["math.abs(body.total) + 1", "body.total"]),
        ("body.?nick.orValue(body.name)", ["body.?nick", "body.name"]),
        ("{'a': body.name, 'b': 1}", ["body.name"]),
        ("body.name.upperAscii()", ["body.name"]),
        ("has(body.nick)", ["body"]),
        ("body.name", []),
        ("1 + 1", []),
    ],
)
def test_the_parts_of_a_piece_are_those_that_could_have_gone_otherwise(text, pieces):
    assert [child.text for child in why(text, SCOPE, BODY, {}).children] == pieces


def test_a_spent_budget_is_the_fault_of_the_whole():
    tree = why("lists.range(2000000).all(i, true)", SCOPE, None, {})
    assert (tree.state, tree.error.code) == ("error", "OCTO-E207")


def test_what_cannot_be_built_is_an_error_as_ever():
    with pytest.raises(ExprError, match="undeclared name"):
        why("boody.name", SCOPE, BODY, {})


def test_texts_may_be_concealed():
    tree = why("env.TOKEN + body.name", SCOPE, BODY, {})
    assert "s3cret-token" in str(tree)
    assert "s3cret" not in tree.render(lambda text: text.replace("s3cret-token", "«env:TOKEN»"))


@pytest.mark.parametrize("seed", range(20))
def test_it_never_disagrees_with_the_evaluation(seed):
    dice = random.Random(seed)
    scope = Scope(("m",), {"a": "m.a", "b": "m.b"}, strict=dice.random() < 0.3, checked=dice.random() < 0.3)
    for _ in range(80):
        text = expression(dice, dice.randint(1, 4))
        message = SimpleNamespace(a=dice.choice(VALUES), b=dice.choice(VALUES))
        try:
            program = compile(text, scope)
        except ExprError:
            continue
        tree = why(text, scope, message)
        try:
            value = sketch(program(message))
        except ExprError as error:
            assert tree.state == "error", text
            assert str(error) in [str(each.error) for each in tree.walk()], text  # noqa: PT017 - one of two outcomes
        else:
            assert (tree.state, sketch(tree.value)) == ("value", value), text
        assert str(tree)


def test_a_secret_is_concealed_before_anything_is_cut():
    """It is concealed in the text of the expression, in values of every kind, and in errors."""
    secret = "s3cret" * 20
    scope = Scope(("body",), {"body": "body"}, constants={"env": {"TOKEN": secret}})
    for text in ("int(env.TOKEN)", "bytes(env.TOKEN) == b''", f"'{secret}' == body", "[env.TOKEN] == [body]"):
        tree = why(text, scope, "x")
        assert "s3c" not in tree.render(lambda shown: shown.replace(secret, "«env:TOKEN»"))
