"""Records are made of maps, and what no store could keep is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from octo.core.errors import Permanent
from octo.expr.values import Exact
from octo.vectors.records import as_body, checked, ids, namespace, records
from octo.vectors.store import Match, Record


def test_whatever_is_not_its_id_vector_or_text_is_metadata():
    """As pieces of `chunk` are, and what a query returns. A null is left out."""
    given = [
        {"id": "a", "vector": [1, 0.5], "text": "hello", "lang": "en", "index": 0, "gone": None, "tags": ["x"]},
        {"id": 7.0, "vector": [1], "metadata": {"year": 2024}, "price": Exact("1.10")},
    ]

    assert records(given) == [
        Record("a", [1, 0.5], "hello", {"lang": "en", "index": 0, "tags": ["x"]}),
        Record("7", [1], "", {"year": 2024, "price": 1.1}),
    ]


def test_vectors_may_stand_beside_their_records():
    assert [each.vector for each in records([{"id": "a"}, {"id": "b"}], [[1], [2]])] == [[1], [2]]
    assert records({"id": "a"}, [1, 2]) == [Record("a", [1, 2])]


def test_an_id_is_made_of_the_text():
    """So what is written again is written over."""
    one, same, other = records([{"text": "a"}, {"text": "a"}, {"text": "b"}], [[1]] * 3)

    assert one.id == same.id != other.id


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("text", "a list of records"),
        ([1], "is no map"),
        ([{"vector": [1]}], "neither an `id` nor a `text`"),
        ([{"id": "", "vector": [1]}], "the `id` of record 0"),
        ([{"id": "a\n", "vector": [1]}], "the `id` of record 0"),
        ([{"id": 1.5, "vector": [1]}], "the `id` of record 0"),
        ([{"id": True, "vector": [1]}], "the `id` of record 0"),
        ([{"id": "a"}], "must be a list of 1 to"),
        ([{"id": "a", "vector": []}], "must be a list of 1 to"),
        ([{"id": "a", "vector": ["1"]}], "something that is no number"),
        ([{"id": "a", "vector": [float("nan")]}], "not finite"),
        ([{"id": "a", "vector": [0, 0]}], "all zeros"),
        ([{"id": "a", "vector": [1], "text": 7}], "no text"),
        ([{"id": "a", "vector": [1], "metadata": []}], "is no map"),
        ([{"id": "a", "vector": [1], "deep": {"a": 1}}], "metadata are texts"),
        ([{"id": "a", "vector": [1], "deep": [1]}], "metadata are texts"),
        ([{"id": "a", "vector": [1], "$x": 1}], "no name"),
        ([{"id": "a", "vector": [1], "n": float("inf")}], "not finite"),
        ([{}] * 10_001, "more than the 10,000"),
    ],
)
def test_what_no_store_can_keep_is_refused(given, problem):
    with pytest.raises(Permanent, match=problem) as caught:
        records(given)

    assert caught.value.code == "OCTO-W101"


def test_there_are_as_many_vectors_as_records():
    with pytest.raises(Permanent, match="2 records and 1 vectors"):
        records([{"id": "a"}, {"id": "b"}], [[1]])


def test_ids_and_namespaces_are_bounded():
    assert (ids("a"), ids(["a", 2]), namespace("")) == (["a"], ["a", "2"], "")
    for wrong in (None, [None], ["x" * 513], [[]], ["a"] * 10_001):
        with pytest.raises(Permanent):
            ids(wrong)
    for wrong in (None, 7, "x" * 257, "a\0"):
        with pytest.raises(Permanent):
            namespace(wrong)


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(Permanent, match="2 numbers, the store has vectors of 3") as caught:
        checked([1, 2], 3, "it")
    assert caught.value.code == "OCTO-W102"


def test_what_is_found_becomes_a_map():
    assert as_body(Match("a", 0.5, "t", {"k": 1})) == {"id": "a", "score": 0.5, "text": "t", "metadata": {"k": 1}}
    assert as_body(Record("a", (1.0,))) == {"id": "a", "text": "", "metadata": {}, "vector": [1.0]}


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "vector", "text", "metadata", "a"]), inner),
)


@given(json, json)
def test_whatever_comes_is_records_or_refused(given, vectors):
    try:
        found = records(given, vectors)
    except Permanent:
        return

    assert all(isinstance(each, Record) for each in found)
