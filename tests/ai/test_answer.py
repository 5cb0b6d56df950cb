"""A model's answer is taken only if it is whole and is what was asked for; each other kind has a code of its own."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from octo.ai import answer, codes
from octo.ai.conversation import Reply, Usage
from octo.core.errors import Permanent
from octo.core.json_schema import Schema
from tests.ai import injections

SCHEMA = Schema({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}})
NOTHING = Schema(False)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (Reply("I will not.", stop="refusal"), codes.REFUSED, "model refused: I will not."),
        (Reply('{"id": 1', stop="max_tokens"), codes.TRUNCATED, "cut off"),
        (Reply('{"id": 1}', stop="max_tokens"), codes.TRUNCATED, "cut off"),
        (Reply("", stop="content_filter"), codes.FILTERED, "filter"),
        (Reply("Sure! Here it is."), codes.NOT_JSON, "response is not valid JSON"),
        (Reply(""), codes.NOT_JSON, "response is not valid JSON"),
        (Reply('{"id": NaN}'), codes.NOT_JSON, "not valid JSON"),
        (Reply('{"id": 1, "id": 2}'), codes.NOT_JSON, "same key twice"),
        (Reply("[" * 100_000), codes.NOT_JSON, "not valid JSON"),
        (
            Reply('"' + "x" * answer.MOST_TEXT + '"'),
            codes.NOT_JSON,
            "it has more than 4,194,304 characters",
        ),
        (
            Reply('{"id": "x"}'),
            codes.MISFIT,
            "output failed schema validation: /id: must be",
        ),
        (Reply("[]"), codes.MISFIT, "the value: must be an object"),
    ],
)
def test_each_answer_that_cannot_be_used_has_its_own_code_and_says_why(reply, code, said):
    with pytest.raises(Permanent) as error:
        answer.fitting(reply, SCHEMA)

    assert error.value.code == code
    assert said in str(error.value)


def test_the_error_keeps_the_answer_and_what_it_cost():
    reply = Reply("No.", stop="refusal", usage=Usage(3, 2), model="tiny-1")

    error = answer.reason_of(reply)

    assert error is not None
    assert error.vars == {
        "ai": {
            "text": "No.",
            "stopReason": "refusal",
            "model": "tiny-1",
            "usage": {"inputTokens": 3, "outputTokens": 2},
        }
    }


@pytest.mark.parametrize("stop", ["end_turn", "tool_use"])
def test_a_whole_answer_has_no_reason_against_it(stop):
    assert answer.reason_of(Reply("yes", stop=stop)) is None
    assert answer.whole(Reply("yes", stop=stop)) == "yes"


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('```\n{"a": 1}\n```', '{"a": 1}'),
        ('  ```JSON \r\n{"a": 1}\r\n``` \n', '{"a": 1}'),
        ("```json\n```", ""),
        ('Here: ```json\n{"a": 1}\n```', 'Here: ```json\n{"a": 1}\n```'),
        ("```python\nprint()\n```", "```python\nprint()\n```"),
        ("```\na\n```\nand\n```\nb\n```", "```\na\n```\nand\n```\nb\n```"),
        (" plain ", "plain"),
    ],
)
def test_one_fence_around_the_whole_text_is_taken_off(text, inside):
    assert answer.unfenced(text) == inside


def test_integers_are_exact():
    assert answer.parsed(Reply("12345678901234567890123")) == 12345678901234567890123


@given(JSON, st.sampled_from(["{}", "```json\n{}\n```", "\n```\n{}\n```\n", " {} "]))
def test_any_json_comes_back_in_a_fence_or_without(value, form):
    text = json.dumps(value, ensure_ascii=False)

    if "```" not in text:
        assert answer.parsed(Reply(form.replace("{}", text))) == value


@given(st.text())
def test_no_text_is_more_than_an_error_that_a_flow_can_handle(text):
    with pytest.raises(answer.Unusable) as error:
        answer.fitting(Reply(text), NOTHING)

    assert error.value.code in (codes.NOT_JSON, codes.MISFIT)
    assert error.value.advice


def test_what_a_model_is_told_of_its_faults_names_each_place():
    with pytest.raises(answer.Unusable) as error:
        answer.fitting(Reply('{"id": "x"}'), SCHEMA)

    assert error.value.advice.startswith("Your answer does not fit the JSON Schema:\n<data mark=")
    assert "\n/id: must be a whole number, not a text\n" in error.value.advice


@pytest.mark.parametrize("name", injections.ALL)
def test_names_that_a_model_has_from_a_document_are_data_when_it_hears_of_them(name):
    strict = Schema({"type": "object", "additionalProperties": False})

    with pytest.raises(answer.Unusable) as error:
        answer.fitting(Reply(json.dumps({name: 1})), strict)

    assert injections.MARK not in injections.outside(error.value.advice)


def test_what_only_a_person_can_mend_is_not_told_to_the_model():
    with pytest.raises(answer.Unusable) as error:
        answer.parsed(Reply("no", stop="refusal"))

    assert error.value.advice == ""
