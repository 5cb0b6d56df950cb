"""A flow on a real PostgreSQL: its failures are transient, and the flow works again once they are over."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

from octo.testing.postgres import Postgres

FLOW = """
env: [{name: PORT}, {name: DSN}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}
  - {name: db, type: database, settings: {driver: postgres, dsn: "${DSN}", maxOpenConns: 2, queryTimeout: 500ms}}
flows:
  - name: orders
    source: {connector: web, type: http, settings: {path: "/orders/{id}"}}
    process:
      - type: switch
        cases:
          - when: vars.method == "PUT"
            process:
              - type: sql
                connector: db
                exec: true
                query: >-
                  INSERT INTO orders VALUES ($1, $2, $3)
                  ON CONFLICT (id) DO UPDATE SET item = $2, amount = $3
                args: [vars.id, body.item, body.amount]
          - when: vars.method == "DELETE"
            process: [{type: sql, connector: db, exec: true, query: DELETE FROM orders WHERE id = $1, args: [vars.id]}]
        default:
          - {type: sql, connector: db, single: true, query: SELECT * FROM orders WHERE id = $1, args: [vars.id]}
    error: &error
      - type: set-payload
        value: '{"type": vars.error.type, "retryable": vars.error.retryable, "code": vars.error.code}'
      - {type: set-variable, settings: {name: httpStatus, value: 'vars.error.retryable ? 503 : 500'}}
  - name: table
    source: {connector: web, type: http, settings: {path: /table}}
    process:
      - type: sql
        connector: db
        exec: true
        query: CREATE TABLE orders (id text PRIMARY KEY, item text, amount numeric(20, 2))
  - name: slow
    source: {connector: web, type: http, settings: {path: /slow}}
    process: [{type: sql, connector: db, query: SELECT pg_sleep(0.3)}]
    error: *error
"""


@pytest.fixture(scope="module")
def postgres():
    with Postgres.started() as server:
        yield server


@pytest.fixture
def url(octo, port, postgres, tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW)
    octo("run", "--config", str(path), PORT=str(port), DSN=postgres.dsn, PGPASSWORD="p@ss/w:rd 123")
    return f"http://127.0.0.1:{port}"


def test_create_read_update_delete_and_a_server_restart(url, http, postgres):
    assert http(f"{url}/table", {})[0] == 200
    order = f"{url}/orders/7"
    assert http(order, {"item": "widget", "amount": 12345678901234.25}, "PUT") == (200, {"rowsAffected": 1})
    assert http(order, {"item": "gadget", "amount": 1500}, "PUT") == (200, {"rowsAffected": 1})
    assert http(order) == (200, {"id": "7", "item": "gadget", "amount": 1500})

    postgres.stop("immediate")
    status, error = http(order)
    assert (status, error["type"], error["retryable"]) == (503, "Transient", True)

    postgres.start()
    end = time.monotonic() + 60
    while (answer := http(order))[0] != 200:
        assert answer[1]["retryable"]
        assert time.monotonic() < end
    assert answer[1]["item"] == "gadget"

    assert http(order, None, "DELETE") == (200, {"rowsAffected": 1})
    assert http(order) == (200, None)


async def test_an_exhausted_pool_is_transient_and_recovers(url):
    async with aiohttp.ClientSession() as session:

        async def slow():
            async with session.get(f"{url}/slow") as response:
                return response.status, json.loads(await response.read())

        answers = await asyncio.gather(*(slow() for _ in range(20)))

        statuses = {status for status, _ in answers}
        assert statuses == {200, 503}
        assert all(body["retryable"] for status, body in answers if status == 503)
        assert (await slow())[0] == 200
