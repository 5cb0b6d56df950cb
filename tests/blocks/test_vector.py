"""The blocks of vectors work with any connector of the family."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.testing.harness import running

FLOWS = """
connectors:
  - {name: store, type: vector-sqlite, settings: {dimension: 2, namespace: own}}
flows:
  - {name: write, process: [{type: vector-upsert, connector: store, as: ids}]}
  - name: beside
    process:
      - type: vector-upsert
        connector: store
        records: body.pieces
        vectors: body.vectors
        namespace: '"tenant-" + body.tenant'
  - {name: near, process: [{type: vector-query, connector: store, vector: body, top: 2}]}
  - name: near-tenant
    process:
      - type: vector-query
        connector: store
        vector: body.vector
        filter: 'body.filter'
        namespace: '"tenant-" + body.tenant'
        as: found
  - {name: read, process: [{type: vector-fetch, connector: store, ids: body, as: records}]}
  - {name: forget, process: [{type: vector-delete, connector: store, ids: body}]}
  - {name: forget-some, process: [{type: vector-delete, connector: store, filter: body}]}
  - {name: forget-all, process: [{type: vector-delete, connector: store, all: true}]}
"""
RECORDS = [
    {"id": "a", "vector": [1, 0], "text": "alpha", "lang": "en"},
    {"id": "b", "vector": [0.6, 0.8], "text": "beta", "lang": "de"},
    {"id": "c", "vector": [-1, 0], "lang": "en"},
]


@pytest.fixture
async def app(plugins):
    async with running(FLOWS, plugins) as app:
        yield app


async def test_what_is_written_is_found_by_what_it_is_near_to(app):
    """The message passes through what writes, and gets what is found."""
    written = await app.call("write", RECORDS)
    found = await app.call("near", [1, 0])

    assert (written.body, written.vars["ids"]) == (RECORDS, ["a", "b", "c"])
    assert [(each["id"], round(each["score"], 3)) for each in found.body] == [("a", 1.0), ("b", 0.6)]
    assert found.body[0] == {"id": "a", "score": found.body[0]["score"], "text": "alpha", "metadata": {"lang": "en"}}


async def test_vectors_may_come_beside_their_records_and_go_into_a_namespace(app):
    """As `chunk` and `ai-embed` make them."""
    pieces = [{"text": "one", "index": 0}, {"text": "two", "index": 1}]
    await app.call("beside", {"pieces": pieces, "vectors": [[1, 0], [0, 1]], "tenant": "7"})

    asked = {"vector": [0, 1], "filter": {"index": {"$lt": 1}}, "tenant": "7"}
    found = (await app.call("near-tenant", asked)).vars["found"]
    elsewhere = (await app.call("near-tenant", {**asked, "tenant": "8"})).vars["found"]

    assert ([each["text"] for each in found], elsewhere) == (["one"], [])
    assert (await app.call("near", [1, 0])).body == []


async def test_records_are_read_and_deleted_by_id(app):
    await app.call("write", RECORDS)
    await app.call("forget", ["a", "gone"])
    outcome = await app.call("read", ["a", "c", "b"])

    assert outcome.body == ["a", "c", "b"]
    assert [(each["id"], each["vector"]) for each in outcome.vars["records"]] == [
        ("c", [-1.0, 0.0]),
        ("b", [pytest.approx(0.6), pytest.approx(0.8)]),
    ]


async def test_records_are_deleted_by_a_filter_or_all(app):
    await app.call("write", RECORDS)
    await app.call("forget-some", {"lang": "en"})
    assert [each["id"] for each in (await app.call("near", [1, 0])).body] == ["b"]
    await app.call("forget-all")
    assert (await app.call("near", [1, 0])).body == []


async def test_an_empty_filter_deletes_nothing(app):
    """It may be a variable that is not set."""
    await app.call("write", RECORDS)
    with pytest.raises(Failure, match="all: true"):
        await app.call("forget-some", {})
    assert len((await app.call("near", [1, 0])).body) == 2


async def test_many_records_are_read_in_a_thread(app):
    """So that other messages go on meanwhile."""
    many = [{"id": f"r{number}", "vector": [1, number]} for number in range(300)]

    assert len((await app.call("write", many)).vars["ids"]) == 300


async def test_no_records_are_written_without_a_call(app):
    assert (await app.call("write", [])).vars["ids"] == []


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "write one of `ids`, `filter` and `all: true`"),
        ("all: true, ids: body", "write one of"),
    ],
)
def test_what_is_deleted_is_said(plugins, settings, problem):
    text = FLOWS.partition("flows:")[0] + "flows: [{name: f, process: [{type: vector-delete, connector: store, %s}]}]"
    with pytest.raises(ConfigError, match=problem):
        parse(text % settings, plugins, {})


def test_a_connector_of_another_family_is_refused(plugins):
    text = "connectors: [{name: log, type: logger}]\nflows: [{name: f, process: [%s]}]"
    with pytest.raises(ConfigError, match="needs a `vector-store` connector"):
        parse(text % "{type: vector-query, connector: log, vector: body}", plugins, {})
