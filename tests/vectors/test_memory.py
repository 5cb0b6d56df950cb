"""The store in memory, with which tests stand in for others. What all stores promise is in test_vector_stores.py."""

from __future__ import annotations

import pytest

from octo.vectors.memory import MemoryStore, Stub, score, stubbed
from octo.vectors.store import Record


@pytest.mark.parametrize(("metric", "is_near"), [("cosine", 0.6), ("dot", 3.0), ("l2", 4.4721)])
def test_how_near_two_vectors_are(metric, is_near):
    assert round(score(metric, [3.0, 4.0], [1.0, 0.0]), 4) == is_near


async def test_a_store_without_a_dimension_takes_any():
    store = MemoryStore("cosine")
    await store.upsert([Record("a", [1.0])], "")
    assert [each.id for each in await store.query([2.0], 1, (), "")] == ["a"]
    await store.ping()


async def test_the_records_of_a_stub_stand_in_the_connectors_namespace_or_their_own():
    given = {"records": [{"id": "a", "vector": [1]}]}
    async with stubbed(Stub.model_validate(given), "cosine", 1, "own") as store:
        assert len(await store.fetch(["a"], "own")) == 1
    async with stubbed(Stub.model_validate({**given, "namespace": "x"}), "cosine", 1, "own") as store:
        assert (len(await store.fetch(["a"], "own")), len(await store.fetch(["a"], "x"))) == (0, 1)
