"""The requests to Qdrant, field by field."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings as hypothesis, strategies as st
from pydantic import ValidationError

from octo.connectors.qdrant import Collection, Qdrant
from octo.connectors.qdrant.store import QdrantStore
from octo.core.errors import Permanent, Transient
from octo.testing import check_connector
from octo.vectors.filters import conditions
from octo.vectors.store import Record
from octo.vendors.api import Api
from octo.vendors.settings import Called
from tests.connectors.standins import KEY, Fault, QdrantStandIn

A = Record("a", [1.0, 0.0, 0.5], "alpha", {"lang": "en"})
A_IN_N = "d3b2c6c4-b300-56f9-a1d1-8f2258b4055a"
"""An id that was written once is found by every later version."""


@pytest.fixture
async def server():
    async with QdrantStandIn().served() as server:
        yield server


def opening(server, **settings):
    given = {"url": server.url, "apiKey": KEY, "collection": "docs", "dimension": 3, **settings}
    return Qdrant.open(Collection.model_validate(given))


async def test_the_collection_is_made_if_there_is_none(server):
    async with opening(server, metric="dot"):
        pass
    async with opening(server, metric="dot"):
        pass

    assert [(each.method, each.path, each.body) for each in server.asked] == [
        ("GET", "/collections/docs", None),
        ("PUT", "/collections/docs", {"vectors": {"size": 3, "distance": "Dot"}}),
        (
            "PUT",
            "/collections/docs/index",
            {"field_name": "namespace", "field_schema": {"type": "keyword", "is_tenant": True}},
        ),
        ("GET", "/collections/docs", None),
    ]
    assert all(each.headers["api-key"] == KEY for each in server.asked)


async def test_another_process_may_make_it_first(server):
    server.fail(Fault(404, '{"status": {"error": "Not found"}}'))
    server.collections["docs"] = {"vectors": {"size": 3, "distance": "Cosine"}, "points": {}, "indexes": []}
    async with opening(server):
        pass

    assert [each.method for each in server.asked] == ["GET", "PUT", "GET", "PUT"]


async def test_it_is_not_made_if_it_must_be_there(server):
    with pytest.raises(Permanent, match="doesn't exist"):
        async with opening(server, create=False):
            pass


@pytest.mark.parametrize("settings", [{"dimension": 4}, {"metric": "l2"}])
async def test_a_collection_that_does_not_fit_is_refused(server, settings):
    async with opening(server):
        pass
    with pytest.raises(Permanent, match="vectors of 3 numbers, compared by Cosine") as caught:
        async with opening(server, **settings):
            pass
    assert caught.value.code == "OCTO-W104"


async def test_something_else_at_the_address_is_told(server):
    server.fail(Fault(200, '{"title": "another product"}'))
    with pytest.raises(Permanent, match="no description"):
        async with opening(server):
            pass


async def test_a_wrong_key_is_told(server):
    with pytest.raises(Permanent, match="Must provide an API key") as caught:
        async with opening(server, apiKey="wrong-0123456789"):
            pass
    assert caught.value.code == "OCTO-W123"


async def test_the_requests(server):
    async with opening(server) as opened:
        store = opened.store
        await store.upsert([A], "n")
        where = conditions({"lang": "en", "year": {"$gte": 1, "$ne": 2}, "kind": {"$in": ["a", 3]}, "draft": False})
        await store.query([1.0, 0.0, 0.5], 3, where, "n")
        await store.fetch(["a"], "n")
        await store.delete(["a"], "n")
        await store.delete_where(conditions({"lang": "en"}), "n")

    own = {"key": "namespace", "match": {"value": "n"}}
    assert [(each.method, each.path, each.query, each.body) for each in server.asked[3:]] == [
        (
            "PUT",
            "/collections/docs/points",
            [("wait", "true")],
            {
                "points": [
                    {
                        "id": A_IN_N,
                        "vector": [1, 0, 0.5],
                        "payload": {"id": "a", "namespace": "n", "text": "alpha", "metadata": {"lang": "en"}},
                    }
                ]
            },
        ),
        (
            "POST",
            "/collections/docs/points/query",
            [],
            {
                "query": [1, 0, 0.5],
                "limit": 3,
                "with_payload": True,
                "filter": {
                    "must": [
                        own,
                        {"key": "metadata.lang", "match": {"value": "en"}},
                        {"key": "metadata.year", "range": {"gte": 1}},
                        {
                            "should": [
                                {"key": "metadata.kind", "match": {"value": "a"}},
                                {"key": "metadata.kind", "range": {"gte": 3, "lte": 3}},
                            ]
                        },
                        {"key": "metadata.draft", "match": {"value": False}},
                    ],
                    "must_not": [{"key": "metadata.year", "range": {"gte": 2, "lte": 2}}],
                },
            },
        ),
        (
            "POST",
            "/collections/docs/points",
            [],
            {"ids": [A_IN_N], "with_payload": True, "with_vector": True},
        ),
        ("POST", "/collections/docs/points/delete", [("wait", "true")], {"points": [A_IN_N]}),
        (
            "POST",
            "/collections/docs/points/delete",
            [("wait", "true")],
            {"filter": {"must": [own, {"key": "metadata.lang", "match": {"value": "en"}}]}},
        ),
    ]


async def test_points_of_another_program_are_read_as_far_as_they_can_be(server):
    async with opening(server) as opened:
        server.fail(
            Fault(200, '{"result": {"points": [{"id": 7, "score": 0.5}, {"id": "x", "score": 0.1, "payload": 1}]}}')
        )
        found = await opened.store.query([1.0, 0.0, 0.5], 3, (), "")

    assert [(each.id, each.score, each.text, each.metadata) for each in found] == [
        ("7", 0.5, "", {}),
        ("x", 0.1, "", {}),
    ]


@pytest.mark.parametrize(
    "body", ["{}", '{"result": 1}', '{"result": {"points": [1]}}', '{"result": {"points": [{"id": 1}]}}']
)
async def test_an_answer_of_another_form(server, body):
    async with opening(server) as opened:
        server.fail(Fault(200, body))
        with pytest.raises(Permanent) as caught:
            await opened.store.query([1.0, 0.0, 0.5], 3, (), "")
    assert caught.value.code == "OCTO-W127"


async def test_a_server_error_may_pass(server):
    async with opening(server, maxAttempts=1) as opened:
        server.fail(Fault(500, '{"status": {"error": "Service internal error: out of disk"}}'))
        with pytest.raises(Transient, match="out of disk"):
            await opened.store.query([1.0, 0.0, 0.5], 3, (), "")


@pytest.mark.parametrize("settings", [{"collection": "a/b"}, {"dimension": None}, {"url": "qdrant"}, {"apiKey": " "}])
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(ValidationError):
        Collection.model_validate({"collection": "docs", "dimension": 3, **settings})


async def test_it_keeps_the_promises_of_connectors(server):
    settings = {"url": server.url, "apiKey": KEY, "collection": "docs", "dimension": 3}
    await check_connector(Qdrant, settings)


KEYS = ["id", "result", "points", "vector", "payload", "metadata", "score", "text"]
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner),
)


class Canned(Api):
    """Answers with what a test says."""

    def __init__(self, answer):
        super().__init__(None, "Acme", "", Called())
        self.answer = answer

    async def call(self, *args, **kwargs):
        return self.answer


@hypothesis(max_examples=40)
@given(st.dictionaries(st.sampled_from(KEYS), json))
async def test_whatever_is_answered_is_read_or_refused(answer):
    """The server may be another product, or an attacker."""
    canned = Canned(answer)
    store = QdrantStore(canned, Collection.model_validate({"collection": "docs", "dimension": 3, "create": False}))
    for call in (store.query([1.0], 1, (), ""), store.fetch(["id"], "")):
        with suppress(Permanent):
            assert isinstance(await call, list)
