"""A conversation is kept as JSON without loss, and its calls have ids of their own."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from octo.ai.conversation import (
    Assistant,
    Attachment,
    Reply,
    Results,
    ToolCall,
    ToolResult,
    User,
    as_json,
    distinct,
    turns_from,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FILES = st.lists(st.builds(Attachment, TEXT, st.binary(max_size=20), TEXT), max_size=2).map(tuple)
ARGUMENTS = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=3)
CALLS = st.builds(ToolCall, TEXT, TEXT, ARGUMENTS, st.just("")) | st.builds(ToolCall, TEXT, TEXT, st.none(), TEXT)
TURNS = st.lists(
    st.one_of(
        st.builds(User, TEXT, FILES),
        st.builds(Assistant, TEXT, st.lists(CALLS, max_size=3).map(tuple), st.none() | ARGUMENTS),
        st.lists(st.builds(ToolResult, TEXT, TEXT, TEXT, st.booleans(), FILES), max_size=3).map(tuple).map(Results),
    ),
    max_size=6,
).map(tuple)


@given(TURNS)
def test_what_is_written_is_read_again(turns):
    assert turns_from(json.loads(json.dumps(as_json(turns)))) == turns


@pytest.mark.parametrize("value", [[{"role": "system", "text": ""}], [{"text": ""}], [{"role": "tool"}], [3], ["x"]])
def test_what_is_no_turn_is_refused(value):
    with pytest.raises((KeyError, TypeError, ValueError)):
        turns_from(value)


def call(name: str) -> ToolCall:
    return ToolCall(name, "tool", {})


@given(st.lists(st.sampled_from(["", "a", "a_2", "call"]), max_size=6), st.lists(st.sampled_from(["a", "a_2"])))
def test_ids_are_made_unique_and_nothing_else_changes(ids, earlier):
    reply = Reply("x", tuple(map(call, ids)), origin={"a": 1})
    found = distinct(reply, [Assistant("", tuple(map(call, set(earlier))))])

    new = [each.id for each in found.calls]
    assert len({*new, *earlier}) == len(new) + len({*earlier})
    assert [each.name for each in found.calls] == ["tool"] * len(ids)
    assert (found.origin is None) == (new != ids)
