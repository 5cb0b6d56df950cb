"""Every vector store keeps the same promises, the one in memory too, with which tests stand in for the others."""

from __future__ import annotations

import math
import random
from contextlib import asynccontextmanager

import pytest
from hypothesis import Phase, given, seed, settings as hypothesis, strategies as st

from octo.connectors.pinecone import Index, Pinecone
from octo.connectors.qdrant import Collection, Qdrant
from octo.connectors.vector_sqlite import File, VectorSqlite
from octo.core.errors import Permanent
from octo.vectors.filters import conditions
from octo.vectors.memory import MemoryStore
from octo.vectors.store import Record
from tests.connectors.standins import KEY, PineconeStandIn, QdrantStandIn


@asynccontextmanager
async def in_memory(request, metric):
    yield MemoryStore(metric, 3)


@asynccontextmanager
async def in_sqlite(request, metric):
    path = str(request.getfixturevalue("tmp_path") / "vectors.db")
    async with VectorSqlite.open(File.model_validate({"path": path, "dimension": 3, "metric": metric})) as opened:
        yield opened.store


@asynccontextmanager
async def in_postgres(request, metric):
    async with request.getfixturevalue("pgvector")(dimension=3, metric=metric) as opened:
        yield opened.store


@asynccontextmanager
async def in_pinecone(request, metric):
    async with PineconeStandIn(metric=metric).served() as server:
        given = {"apiKey": KEY, "index": "docs", "controlURL": server.url}
        async with Pinecone.open(Index.model_validate(given)) as opened:
            yield opened.store


@asynccontextmanager
async def in_qdrant(request, metric):
    async with QdrantStandIn().served() as server:
        given = {"url": server.url, "apiKey": KEY, "collection": "docs", "dimension": 3, "metric": metric}
        async with Qdrant.open(Collection.model_validate(given)) as opened:
            yield opened.store


STORES = [in_memory, in_sqlite, in_postgres, in_pinecone, in_qdrant]


@pytest.fixture(params=STORES, ids=lambda each: each.__name__)
def storing(request):
    """Opens an empty store of vectors of three numbers."""
    return lambda metric="cosine": request.param(request, metric)


@pytest.fixture
async def store(storing):
    async with storing() as store:
        yield store


A = Record("a", [1.0, 0.0, 0.0], "alpha", {"lang": "en", "year": 2023, "draft": False, "tags": ["x", "y"]})
B = Record("b", [0.8, 0.6, 0.0], "beta", {"lang": "de", "year": 2024.5, "draft": True})
C = Record("c", [0.0, 0.0, 1.0], "", {"lang": "en", "year": 2025})


async def names(store, *, where=None, top=10, namespace="", vector=(1.0, 0.0, 0.0)):
    return [each.id for each in await store.query(list(vector), top, conditions(where or {}), namespace)]


async def test_the_nearest_come_first_with_text_and_metadata(store):
    await store.upsert([C, B, A], "")

    found = await store.query([1.0, 0.0, 0.0], 2, (), "")

    assert [(each.id, each.text, dict(each.metadata)) for each in found] == [
        ("a", "alpha", A.metadata),
        ("b", "beta", B.metadata),
    ]
    assert [round(each.score, 4) for each in found] == [1.0, 0.8]


async def test_with_l2_the_score_is_the_distance(storing):
    async with storing("l2") as store:
        await store.upsert([A, B, C], "")
        found = await store.query([1.0, 0.0, 0.0], 3, (), "")

    assert [(each.id, round(each.score, 4)) for each in found] == [("a", 0.0), ("b", 0.6325), ("c", 1.4142)]


@pytest.mark.parametrize("storing", [each for each in STORES if each is not in_sqlite], indirect=True)
async def test_with_dot_the_score_is_the_product(storing):
    """Which sqlite-vec does not know."""
    async with storing("dot") as store:
        await store.upsert([A, B, C], "")
        found = await store.query([2.0, 0.0, 0.0], 3, (), "")

    assert [(each.id, round(each.score, 4)) for each in found] == [("a", 2.0), ("b", 1.6), ("c", 0.0)]


async def test_a_record_is_written_over_the_one_with_its_id(store):
    """Nothing of it is left: its metadata neither."""
    await store.upsert([A, B], "")
    await store.upsert([Record("a", [0.0, 1.0, 0.0], "new", {"k": "v"})], "")

    (fetched,) = await store.fetch(["a"], "")
    assert (fetched.id, list(fetched.vector), fetched.text, dict(fetched.metadata)) == (
        "a",
        [0.0, 1.0, 0.0],
        "new",
        {"k": "v"},
    )
    assert await names(store) == ["b", "a"]


async def test_the_last_of_two_records_with_one_id_counts(store):
    await store.upsert([A, Record("a", [0.0, 1.0, 0.0], "later")], "")

    assert [each.text for each in await store.fetch(["a"], "")] == ["later"]


async def test_records_are_fetched_in_the_order_of_the_ids(store):
    await store.upsert([A, B, C], "")

    found = await store.fetch(["c", "gone", "a"], "")

    assert [each.id for each in found] == ["c", "a"]
    assert [round(each, 5) for each in found[0].vector] == [0.0, 0.0, 1.0]
    assert await store.fetch(["a"], "elsewhere") == []


async def test_deleting(store):
    await store.upsert([A, B, C], "")
    await store.delete(["a", "gone"], "")
    assert await names(store) == ["b", "c"]
    await store.delete_where(conditions({"lang": "de"}), "")
    assert await names(store) == ["c"]
    await store.delete_where((), "")
    assert await names(store) == []


async def test_namespaces_have_nothing_to_do_with_one_another(store):
    await store.upsert([A], "one")
    await store.upsert([Record("a", [0.0, 1.0, 0.0], "other")], "two")

    assert [each.text for each in await store.fetch(["a"], "one")] == ["alpha"]
    assert await names(store, namespace="two") == ["a"]
    await store.delete_where((), "one")
    assert (await names(store, namespace="one"), await names(store, namespace="two")) == ([], ["a"])
    await store.delete_where((), "never seen")
    await store.delete(["a"], "never seen")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"lang": "en"}, ["a", "c"]),
        ({"lang": {"$ne": "en"}}, ["b"]),
        ({"lang": {"$in": ["de", "fr"]}}, ["b"]),
        ({"lang": {"$in": []}}, []),
        ({"lang": {"$nin": ["de", "fr"]}}, ["a", "c"]),
        ({"lang": {"$nin": []}}, ["a", "b", "c"]),
        ({"year": 2023}, ["a"]),
        ({"year": 2024.5}, ["b"]),
        ({"year": {"$in": [2023, 2025]}}, ["a", "c"]),
        ({"year": {"$gt": 2023, "$lte": 2025}}, ["b", "c"]),
        ({"year": {"$lt": 2024}, "lang": "en"}, ["a"]),
        ({"draft": True}, ["b"]),
        ({"draft": False}, ["a"]),
        ({"draft": {"$ne": True}}, ["a", "c"]),
        ({"tags": "y"}, ["a"]),
        ({"tags": {"$ne": "y"}}, ["b", "c"]),
        ({"tags": {"$in": ["z", "x"]}}, ["a"]),
        ({"lang": "' or 1=1 --"}, []),
        ({"gone": "x"}, []),
        ({"gone": {"$ne": "x"}}, ["a", "b", "c"]),
        ({"lang": {"$gt": 1}}, []),
    ],
    ids=str,
)
async def test_filters(store, where, found):
    await store.upsert([A, B, C], "")

    assert await names(store, where=where) == found


async def test_a_filter_counts_before_the_nearest_are_chosen(store):
    """Otherwise the few that are nearest could all be of the wrong kind."""
    crowd = [Record(f"near-{number}", [1.0, number / 1000, 0.0], "", {"kind": "crowd"}) for number in range(60)]
    await store.upsert([*crowd, Record("far", [0.0, 1.0, 0.0], "", {"kind": "one"})], "")

    assert await names(store, where={"kind": "one"}, top=3) == ["far"]


async def test_more_records_than_fit_into_one_request(store):
    chance = random.Random(7)
    many = [Record(f"r{number}", [chance.random() + 0.01 for _ in range(3)], "t") for number in range(450)]
    await store.upsert(many, "")

    fetched = await store.fetch([each.id for each in many], "")
    assert [each.id for each in fetched] == [each.id for each in many]
    assert len(await names(store, top=450)) == 450
    await store.delete([each.id for each in many[1:]], "")
    assert await names(store, top=450) == ["r0"]


async def test_a_vector_of_another_length_is_refused(store):
    with pytest.raises(Permanent) as caught:
        await store.upsert([A, Record("z", [1.0, 2.0], "")], "")
    assert caught.value.code == "OCTO-W102"
    with pytest.raises(Permanent) as caught:
        await store.query([1.0] * 4, 3, (), "")
    assert caught.value.code == "OCTO-W102"
    assert await names(store) == []


async def test_texts_and_ids_are_kept_as_they_are(store):
    odd = Record("ä/b c'\"%&?#1", [1.0, 0.0, 0.0], "line\nzwei\t\U0001f642 'q' \"Q\" \\", {"Größe": "«M»", "n": -0.25})
    await store.upsert([odd], "né/e")

    (found,) = await store.fetch([odd.id], "né/e")
    assert (found.id, found.text, dict(found.metadata)) == (odd.id, odd.text, odd.metadata)
    (found,) = await store.query([1.0, 0.0, 0.0], 1, conditions({"Größe": "«M»"}), "né/e")
    assert found.id == odd.id
    await store.delete([odd.id], "né/e")
    assert await store.fetch([odd.id], "né/e") == []


async def test_what_is_near_agrees_with_plain_arithmetic(store):
    chance = random.Random(11)
    many = [Record(f"r{number}", [chance.gauss(0, 1) for _ in range(3)]) for number in range(80)]
    await store.upsert(many, "")
    wanted = [0.3, -0.4, 0.5]

    def cosine(vector):
        return sum(a * b for a, b in zip(vector, wanted, strict=True)) / math.hypot(*vector) / math.hypot(*wanted)

    best = sorted(many, key=lambda each: -cosine(each.vector))[:5]
    assert await names(store, vector=wanted, top=5) == [each.id for each in best]


STUBS = {
    "pgvector": "{dsn: 'postgres://db.test/x', dimension: 3}",
    "pinecone": "{apiKey: key-0123456789, index: docs}",
    "qdrant": "{url: 'http://qdrant.test', collection: docs, dimension: 3}",
    "vector-sqlite": "{dimension: 3}",
}


@pytest.mark.parametrize("type_", STUBS)
async def test_a_stub_has_records_of_its_own(stubbed, type_):
    """And keeps what the flows write, until the test ends. Nothing leaves the process."""
    text = f"""
connectors: [{{name: store, type: {type_}, settings: {STUBS[type_]}}}]
flows:
  - {{name: write, process: [{{type: vector-upsert, connector: store}}]}}
  - {{name: near, process: [{{type: vector-query, connector: store, vector: body}}]}}
"""
    async with stubbed(text, store={"records": [{"id": "a", "vector": [1, 0, 0]}]}) as app:
        await app.call("write", [{"id": "b", "vector": [0.8, 0.6, 0]}])
        found = await app.call("near", [1, 0, 0])

    assert [each["id"] for each in found.body] == ["a", "b"]


scalars = st.one_of(
    st.sampled_from(["", "a", "b", "1", "true", "ä", "'", '"', "\\", "%", "a\nb"]),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2, 2**53, 0.5, -0.5, 1.0, 1e300]),
)
fields = st.sampled_from(["f", "g-h", "ü"])
kept = st.dictionaries(fields, scalars | st.lists(st.sampled_from(["a", "b", ""]), max_size=3))
numbers = scalars.filter(lambda each: isinstance(each, int | float) and not isinstance(each, bool))
written = st.dictionaries(
    fields,
    scalars
    | st.dictionaries(st.sampled_from(["$eq", "$ne"]), scalars, min_size=1)
    | st.dictionaries(st.sampled_from(["$in", "$nin"]), st.lists(scalars, max_size=3), min_size=1)
    | st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), numbers, min_size=1),
)


async def test_a_filter_means_the_same_in_every_store(store):
    """As in the one in memory, whatever the metadata are."""
    example = st.tuples(st.lists(kept, max_size=6), st.lists(written, min_size=1, max_size=4))
    for number, (metadata, filters) in enumerate(drawn(example, 25)):
        records = [Record(f"r{each:02}", [1.0, 0.0, each / 100], "", told) for each, told in enumerate(metadata)]
        space = f"space-{number}"
        if records:
            await store.upsert(records, space)
        for where in map(conditions, filters):
            found = {each.id for each in await store.query([1.0, 0.0, 0.0], 10, where, space)}
            assert found == {each.id for each in records if all(each_.holds(each.metadata) for each_ in where)}, where


def drawn(strategy, count):
    """Some examples, the same each time. A test that has a fixture for each case cannot draw them itself."""
    found = []

    @seed(7)
    @hypothesis(max_examples=count, database=None, phases=[Phase.generate])
    @given(strategy)
    def draw(example):
        found.append(example)

    draw()
    return found
