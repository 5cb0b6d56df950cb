"""`-k` chooses as in pytest, except that words that follow one another are one text."""

from __future__ import annotations

import pytest

from octo.suite.choose import pattern

NAME = "flows/orders_test.yaml::a declined card does not ship"


@pytest.mark.parametrize(
    "text",
    [
        "card",
        "CARD",
        "orders",
        "declined card",
        "declined and ship",
        "nothing or ship",
        "not cash",
        "not cash and card",
        "(cash or card) and not paypal",
        '"does not ship"',
        "'does not ship' and card",
        "card and 'a declined'",
        "::a declined",
        '="a declined card does not ship"',
        "='a declined card does not ship' and card",
        'nothing or ="a declined card does not ship"',
        "",
    ],
)
def test_fits(text):
    assert pattern(text or '""')(NAME)


@pytest.mark.parametrize(
    "text",
    [
        "cash",
        "card declined",
        "not card",
        "card and cash",
        "not (card or cash)",
        '="a declined card"',
        '="A declined card does not ship"',
        "=card",
    ],
)
def test_does_not_fit(text):
    assert not pattern(text)(NAME)


@pytest.mark.parametrize("text", ["""say ""hi"" it's""", """say "hi" it''s"""])
def test_a_quote_in_quotes_is_doubled(text):
    quote = '"' if '""' in text else "'"

    assert pattern(f"{quote}{text}{quote}")("""a_test.yaml::say "hi" it's""")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a and", "missing at the end"),
        ("and a", "missing before `and`"),
        ("(a", "not closed"),
        ("a)", "not expected there"),
        ("a 'b", "quote is not closed"),
        ("a not b", "not expected there"),
        ("", "missing at the end"),
    ],
)
def test_what_is_not_understood_is_said(text, reason):
    with pytest.raises(ValueError, match=reason):
        pattern(text)
