"""The requests to Pinecone, field by field, and its blocks."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings as hypothesis, strategies as st
from pydantic import ValidationError

from octo.connectors.pinecone import Index, Pinecone
from octo.connectors.pinecone.store import PineconeStore
from octo.core.errors import Permanent, Transient
from octo.core.flow import Failure
from octo.testing import check_connector
from octo.testing.harness import running
from octo.vectors.filters import conditions
from octo.vectors.store import Record
from octo.vendors.api import Api
from octo.vendors.settings import Called
from tests.connectors.standins import KEY, Fault, PineconeStandIn

A = Record("a", [1.0, 0.0, 0.5], "alpha", {"lang": "en"})


@pytest.fixture
async def server():
    async with PineconeStandIn().served() as server:
        yield server


def opening(server, **settings):
    given = {"apiKey": KEY, "index": "docs", "controlURL": server.url, **settings}
    return Pinecone.open(Index.model_validate(given))


async def test_the_host_is_asked_for_at_the_start(server):
    async with opening(server):
        pass

    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/indexes/docs", None)
    assert (asked.headers["api-key"], asked.headers["x-pinecone-api-version"]) == (KEY, "2025-10")


async def test_a_host_spares_the_question(server):
    async with opening(server, host=server.url, dimension=3):
        assert server.asked == []
    assert (
        Index.model_validate({"apiKey": KEY, "index": "docs", "host": "d.pinecone.io"}).host == "https://d.pinecone.io"
    )


async def test_the_index_must_have_the_dimension(server):
    with pytest.raises(Permanent, match="vectors of 3 numbers, the connector 4") as caught:
        async with opening(server, dimension=4):
            pass
    assert caught.value.code == "OCTO-W102"


async def test_an_index_that_is_not_there(server):
    with pytest.raises(Permanent, match="Resource not found"):
        async with opening(server, index="other"):
            pass


async def test_a_wrong_key_is_told_and_not_shown(server):
    with pytest.raises(Permanent, match="401") as caught:
        async with opening(server, apiKey="wrong-0123456789"):
            pass
    assert caught.value.code == "OCTO-W123"
    assert "wrong-0123456789" not in str(caught.value)


async def test_the_requests(server):
    async with opening(server) as opened:
        store = opened.store
        await store.upsert([A, Record("b", [0.0, 1.0, 0.0])], "n")
        await store.query([1.0, 0.0, 0.5], 3, conditions({"lang": "en", "year": {"$gte": 1, "$lt": 2}}), "n")
        await store.query([1.0, 0.0, 0.5], 3, conditions({"lang": {"$in": ["en"]}}), "")
        await store.fetch(["a", "b c"], "n")
        await store.delete(["a"], "n")
        await store.delete_where(conditions({"lang": "en"}), "n")
        await store.delete_where((), "n")

    assert [(each.method, each.path, each.body) for each in server.asked[1:]] == [
        (
            "POST",
            "/vectors/upsert",
            {
                "vectors": [
                    {"id": "a", "values": [1, 0, 0.5], "metadata": {"lang": "en", "text": "alpha"}},
                    {"id": "b", "values": [0, 1, 0]},
                ],
                "namespace": "n",
            },
        ),
        (
            "POST",
            "/query",
            {
                "vector": [1, 0, 0.5],
                "topK": 3,
                "includeMetadata": True,
                "includeValues": False,
                "filter": {"$and": [{"lang": {"$eq": "en"}}, {"year": {"$gte": 1}}, {"year": {"$lt": 2}}]},
                "namespace": "n",
            },
        ),
        (
            "POST",
            "/query",
            {
                "vector": [1, 0, 0.5],
                "topK": 3,
                "includeMetadata": True,
                "includeValues": False,
                "filter": {"lang": {"$in": ["en"]}},
                "namespace": "",
            },
        ),
        ("GET", "/vectors/fetch", None),
        ("POST", "/vectors/delete", {"ids": ["a"], "namespace": "n"}),
        ("POST", "/vectors/delete", {"filter": {"lang": {"$eq": "en"}}, "namespace": "n"}),
        ("POST", "/vectors/delete", {"deleteAll": True, "namespace": "n"}),
    ]
    assert server.asked[4].query == [("ids", "a"), ("ids", "b c"), ("namespace", "n")]
    assert all(each.headers["api-key"] == KEY for each in server.asked)
    assert all(each.headers["x-pinecone-api-version"] == "2025-10" for each in server.asked)


@pytest.mark.parametrize(
    "body",
    ["{}", '{"matches": {}}', '{"matches": [1]}', '{"matches": [{"id": "a"}]}', '{"matches": [{"id": 1, "score": 1}]}'],
)
async def test_an_answer_of_another_form(server, body):
    async with opening(server) as opened:
        server.fail(Fault(200, body))
        with pytest.raises(Permanent) as caught:
            await opened.store.query([1.0, 0.0, 0.5], 3, (), "")
    assert caught.value.code == "OCTO-W127"


FLOWS = """
connectors:
  - {name: pine, type: pinecone, settings: {apiKey: KEY, index: docs, host: 'HOST', namespace: own, maxAttempts: 1}}
flows:
  - {name: write, process: [{type: pinecone-upsert, connector: pine, resultVar: done}]}
  - name: near
    process:
      - type: pinecone-query
        connector: pine
        vector: body
        topK: 1
        includeValues: true
        filter: '{"lang": {"$exists": true}}'
  - {name: near-all, process: [{type: pinecone-query, connector: pine, vector: body, includeMetadata: false}]}
  - {name: read, process: [{type: pinecone-fetch, connector: pine, ids: body}]}
  - {name: forget, process: [{type: pinecone-delete, connector: pine, ids: body}]}
  - {name: forget-some, process: [{type: pinecone-delete, connector: pine, filter: body}]}
  - {name: forget-all, process: [{type: pinecone-delete, connector: pine, deleteAll: true, namespace: '"x"'}]}
  - {name: lenient, process: [{type: pinecone-query, connector: pine, vector: body, failOnError: false}]}
"""
WRITTEN = [{"id": "a", "values": [1, 0, 0], "metadata": {"lang": "en"}}, {"id": "b", "vector": [0, 1, 0], "text": "t"}]


@pytest.fixture
async def app(server, plugins):
    async with running(FLOWS.replace("KEY", KEY).replace("HOST", server.url), plugins) as app:
        yield app


async def test_the_blocks_have_the_answers_of_pinecone(server, app):
    """A filter goes to Pinecone as it is written."""
    written = await app.call("write", WRITTEN)
    near = await app.call("near-all", [1, 0, 0])
    read = await app.call("read", ["b", "gone"])
    deleted = await app.call("forget", "a")

    assert (written.body, written.vars["done"]) == (WRITTEN, {"upsertedCount": 2})
    assert near.body["matches"][0] == {"id": "a", "score": 1.0, "values": []}
    assert near.body["namespace"] == "own"
    assert read.body["vectors"] == {"b": {"id": "b", "values": [0, 1, 0], "metadata": {"text": "t"}}}
    assert deleted.body == {}
    assert server.asked[-1].body == {"ids": ["a"], "namespace": "own"}


async def test_what_the_blocks_ask(server, app):
    server.fail(*[Fault(200, '{"matches": []}')] * 1, Fault(200, "{}"), Fault(404, "{}"))
    await app.call("near", [1, 0, 0])
    await app.call("forget-some", {"a": {"$exists": True}})
    assert (await app.call("forget-all")).body == {}

    assert [each.body for each in server.asked] == [
        {
            "vector": [1, 0, 0],
            "topK": 1,
            "includeMetadata": True,
            "includeValues": True,
            "filter": {"lang": {"$exists": True}},
            "namespace": "own",
        },
        {"filter": {"a": {"$exists": True}}, "namespace": "own"},
        {"deleteAll": True, "namespace": "x"},
    ]


async def test_an_empty_filter_deletes_nothing(server, app):
    with pytest.raises(Failure, match="deleteAll: true"):
        await app.call("forget-some", {})
    assert server.asked == []


async def test_an_error_may_be_an_answer(server, app):
    server.fail(Fault(400, '{"code": 3, "message": "bad filter", "details": []}'), Fault(500))
    outcome = await app.call("lenient", [1, 0, 0])
    assert outcome.body["error"]["status"] == 400
    with pytest.raises(Failure, match="500"):
        await app.call("near-all", [1, 0, 0])


async def test_the_blocks_work_on_a_stub(stubbed):
    text = FLOWS.replace("KEY", KEY).replace("HOST", "https://nowhere.test").replace('{"$exists": true}', '"en"')
    async with stubbed(text, pine={}) as app:
        assert (await app.call("write", WRITTEN)).vars["done"] == {"upsertedCount": 2}
        (match,) = (await app.call("near", [1, 0, 0])).body["matches"]
        assert match == {"id": "a", "score": 1.0, "metadata": {"lang": "en"}, "values": [1, 0, 0]}
        assert list((await app.call("read", ["b", "x"])).body["vectors"]) == ["b"]
        await app.call("forget", "b")
        await app.call("forget-some", {"lang": "en"})
        assert (await app.call("near-all", [1, 0, 0])).body == {"matches": [], "namespace": "own"}


async def test_a_server_error_may_pass(server):
    async with opening(server, maxAttempts=1) as opened:
        server.fail(Fault(503))
        with pytest.raises(Transient):
            await opened.store.query([1.0, 0.0, 0.5], 3, (), "")


@pytest.mark.parametrize("settings", [{"apiKey": ""}, {"index": "Docs!"}, {"index": ""}, {"dimension": 0}])
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(ValidationError):
        Index.model_validate({"apiKey": KEY, "index": "docs", **settings})


async def test_it_keeps_the_promises_of_connectors(server):
    blocks = {
        "pinecone-upsert": {"vectors": '[{"id": "a", "values": [1, 0, 0]}]'},
        "pinecone-query": {"vector": "[1, 0, 0]"},
        "pinecone-fetch": {"ids": '"a"'},
        "pinecone-delete": {"ids": '"a"'},
    }
    settings = {"apiKey": KEY, "index": "docs", "controlURL": server.url}
    await check_connector(Pinecone, settings, blocks=blocks)


KEYS = ["id", "matches", "vectors", "values", "metadata", "score", "text"]
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
    store = PineconeStore(canned, "https://nowhere.test", None)
    for call in (store.query([1.0], 1, (), ""), store.fetch(["id"], "")):
        with suppress(Permanent):
            assert isinstance(await call, list)
