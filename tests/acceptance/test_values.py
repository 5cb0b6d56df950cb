"""Binary in, binary out, digit for digit: through a database, a trace, a replay and a test of the trace."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing

import pytest

from octo.testing.postgres import Postgres

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4400
CSV = "name;größe\nÄpfel;½\n".encode("latin-1")
XML = b"\xff\xfe" + '<?xml version="1.0" encoding="UTF-16"?><preis währung="€">½</preis>'.encode("utf-16-le")
NUMBERS = f'{{"n":{2**100},"d":0.1234567890123456789}}'.encode()
KINDS = {
    "png": ("image/png", PNG),
    "csv": ("text/csv; charset=iso-8859-1", CSV),
    "xml": ("application/xml; charset=utf-16", XML),
}

FLOW = """
connectors:
  - {name: web, type: http, settings: {port: 0}}
  - {name: db, type: database, settings: DATABASE}
flows:
"""
RAW = """
  - name: KIND
    source: {connector: web, type: http, settings: {path: /KIND, methods: [POST], maxBodyBytes: 4194304, rawBody: true}}
    process:
      - {type: set-variable, settings: {name: given, value: body.rawData}}
      - {type: sql, connector: db, settings: {query: "insert into KIND values ($1)", args: [vars.given], exec: true}}
      - {type: sql, connector: db, settings: {query: "select data from KIND", single: true}}
      - {type: set-payload, settings: {value: body.data, rawBody: true, contentType: "TYPE"}}
"""
JSON = """
  - name: numbers
    source: {connector: web, type: http, settings: {path: /numbers, methods: [POST]}}
    process:
      - {type: set-variable, settings: {name: given, value: body}}
      - type: sql
        connector: db
        settings: {query: "insert into numbers values ($1, $2, $3)", args: ARGS, exec: true}
      - {type: sql, connector: db, settings: {query: "select * from numbers", single: true}}
      - {type: set-payload, value: RESULT}
"""
DRIVERS = {
    "sqlite": ("{driver: sqlite, dsn: ./shop.db}", "[vars.given, string(vars.given.n), vars.given.d]",
               '\'{"n": fromJson(body.doc).n, "d": fromJson(body.doc).d}\''),
    "postgres": ("{driver: postgres, dsn: DSN}", "[vars.given, vars.given.n, vars.given.d]",
                 '\'{"n": body.n, "d": body.d}\''),
}  # fmt: skip


@pytest.fixture(scope="module")
def postgres():
    with Postgres.started() as server:
        yield server


@pytest.fixture(params=[("sqlite", "sqlite:traces.db"), ("postgres", "file:traces.jsonl")], ids=lambda each: each[0])
def project(request, octo, port, tmp_path, postgres):
    """A service that keeps what it is sent in a database and traces all of it; its folder, url and trace store."""
    driver, store = request.param
    database, arguments, result = DRIVERS[driver]
    flows = [RAW.replace("KIND", kind).replace("TYPE", each) for kind, (each, _) in KINDS.items()]
    flows.append(JSON.replace("ARGS", arguments).replace("RESULT", result))
    text = FLOW.replace("DATABASE", database.replace("DSN", f'"{postgres.dsn}"')).replace("port: 0", f"port: {port}")
    (tmp_path / "flow.yaml").write_text(text + "".join(flows))
    statements = ["create table png (data {bytes})", "create table csv (data text)", "create table xml (data text)"]
    if driver == "sqlite":
        with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
            for each in [*statements, "create table numbers (doc text, n text, d text)"]:
                connection.execute(each.format(bytes="blob"))
    else:
        run_sql(postgres, [*statements, "create table numbers (doc jsonb, n numeric, d numeric)"])
    environment = {"PGPASSWORD": "p@ss/w:rd 123"}
    given = ["--traces", "--traces-store", store, "--traces-max-payload", "4194304", "--admin-addr=off"]
    service = octo("run", "--config", "flow.yaml", *given, **environment)
    return tmp_path, f"http://127.0.0.1:{port}", store, service, environment


def run_sql(postgres, statements):
    import asyncio

    import asyncpg

    async def run():
        connection = await asyncpg.connect(postgres.dsn, password="p@ss/w:rd 123")
        for each in statements:
            await connection.execute(each.format(bytes="bytea"))
        await connection.close()

    asyncio.run(run())


def test_what_came_in_comes_out_of_database_trace_replay_and_test(project):
    """A PNG of 1 MB, a Latin-1 CSV, a UTF-16 XML and 2**100: nothing outside is called when they are run again."""
    folder, url, store, service, environment = project
    sent = {**KINDS, "numbers": ("application/json", NUMBERS)}
    for kind, (content_type, data) in sent.items():
        request = urllib.request.Request(f"{url}/{kind}", data, {"Content-Type": content_type})
        with urllib.request.urlopen(request, timeout=60) as reply:
            assert reply.read() == data, kind
    service.stop()

    def octo(*arguments):
        command = [sys.executable, "-m", "octo", *arguments]
        import os

        given = {**os.environ, **environment}
        return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)

    listed = octo("traces", "--traces-store", store)
    ids = {kind: event for event, kind in re.findall(r"(?m)^([0-9a-f]{32}) .* (\w+)$", listed.stdout)}
    assert ids.keys() == sent.keys(), listed
    for kind, event in ids.items():
        shown = octo("traces", event, "--traces-store", store)
        assert len(shown.stdout) < 10_000, kind
        replayed = octo("replay", event, "--config", "flow.yaml", "--traces-store", store)
        assert (replayed.returncode, "answers the same" in replayed.stdout) == (0, True), (kind, replayed)
        name = f"{kind}_test.yaml"
        made = octo("test", "flow.yaml", "--from-trace", event, "--traces-store", store, "--out", name)
        assert made.returncode == 0, (kind, made)
        tested = octo("test", name, "--config", "flow.yaml")
        assert tested.returncode == 0, (kind, tested.stdout[-3000:], tested.stderr[-3000:])
