"""Questions of tools, and which answers fit."""

from __future__ import annotations

import pytest

from octo.ai.mcp.client.questions import InputRequired, Question, accepted
from octo.core.errors import Permanent

FORM = Question(
    "when",
    "Which day?",
    {
        "type": "object",
        "properties": {"day": {"type": "string"}, "guests": {"type": "integer", "default": 2}},
        "required": ["day"],
    },
)
SIGN_IN = Question("login", "Sign in", None, "https://login.test")


@pytest.mark.parametrize(
    ("question", "answer", "content"),
    [
        (FORM, {"day": "Monday"}, {"day": "Monday", "guests": 2}),
        (FORM, {"day": "Monday", "guests": 3}, {"day": "Monday", "guests": 3}),
        (FORM, None, None),
        (FORM, False, None),
        (SIGN_IN, True, {}),
        (SIGN_IN, None, None),
        (Question("q", "", {"type": "object", "properties": {"a": {"$ref": "http://x.test"}}}), {"a": 1}, {"a": 1}),
    ],
)
def test_an_answer_is_completed_by_defaults_and_null_declines(question, answer, content):
    assert accepted(question, answer) == content


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({}, 'the property "day" is missing'),
        ({"day": 3}, "/day: must be a text"),
        ({"day": "\ud800"}, "the answers to 'when' have no JSON form"),
        ("Monday", "it is no map, and not null to decline"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(answer, text):
    with pytest.raises(Permanent, match=text):
        accepted(FORM, answer)


def test_the_error_has_all_that_a_second_call_needs():
    error = InputRequired("the tool 'book'", [FORM, SIGN_IN], "state")

    assert str(error) == "the tool 'book' asks for input: when: Which day?; login: Sign in"
    assert error.vars["requestState"] == "state"
    assert error.vars["questions"] == [
        {"name": "when", "message": "Which day?", "schema": FORM.schema},
        {"name": "login", "message": "Sign in", "url": "https://login.test"},
    ]
