"""octo traces lists the kept traces and shows one of them; a wrong request gets a message that helps."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from octo.core.flow import Failure
from octo.testing.harness import running
from octo.trace.opening import open_store
from octo.trace.recorder import Recorder
from octo.trace.writer import Writer

FLOWS = """
flows:
  - name: orders
    process:
      - {type: filter, name: worth-it, expr: body.amount > 0, reason: nothing to charge}
      - {type: set-payload, name: receipt, value: '{"total": body.amount * 2, "note": body.note}'}
  - name: audit
    process: []
"""


@pytest.fixture
def store(tmp_path, plugins, monkeypatch):
    """A store with an order that completed, one that was dropped, one that failed, and an audit."""
    url = f"sqlite:{tmp_path}/traces.db"
    monkeypatch.setenv("OCTO_TRACES_STORE", url)
    monkeypatch.chdir(tmp_path)

    async def fill():
        with Writer([open_store(url, write=True)]) as writer:
            async with running(FLOWS, plugins, observer=Recorder(writer.put)) as app:
                await app.call("orders", {"amount": 1, "note": "é" * 200})
                await app.call("orders", {"amount": 0})
                with contextlib.suppress(Failure):
                    await app.call("orders", {"amount": "many"})
                await app.call("audit")

    asyncio.run(fill())
    return open_store(url)


def event(store, outcome):
    return store.find("orders", outcome)[0].event


def test_the_newest_are_listed_first(cli, store):
    result = cli("traces")

    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split()[3] for line in result.stdout.splitlines()] == ["completed", "failed", "dropped", "completed"]
    assert [line.split()[6] for line in result.stdout.splitlines()] == ["audit", "orders", "orders", "orders"]


def test_a_list_may_be_of_one_flow_one_outcome_and_so_many(cli, store):
    assert len(cli("traces", "--flow", "orders").stdout.splitlines()) == 3
    assert len(cli("traces", "--outcome", "failed").stdout.splitlines()) == 1
    assert len(cli("traces", "--limit", "2").stdout.splitlines()) == 2


def test_a_failure_is_listed_with_its_code(cli, store):
    assert cli("traces", "--outcome", "failed").stdout.rstrip().endswith("orders  OCTO-E202")


def test_a_list_for_programs_is_one_summary_per_line(cli, store):
    found = [json.loads(line) for line in cli("traces", "--json").stdout.splitlines()]

    assert [each["outcome"] for each in found] == ["completed", "failed", "dropped", "completed"]


@pytest.mark.parametrize("short", [6, 32])
def test_one_is_shown_as_a_tree_by_its_id_or_the_beginning_of_it(cli, store, short):
    result = cli("traces", event(store, "completed")[:short])

    head, given, *blocks = result.stdout.splitlines()
    assert head.startswith("orders  ")
    assert '"amount": 1' in given
    assert any(line.startswith("  orders.receipt  set-payload  ") for line in blocks)


def test_long_values_are_cut_unless_they_are_wanted_whole(cli, store):
    id_ = event(store, "completed")

    assert "é" * 200 not in cli("traces", id_).stdout
    assert "é" * 200 in cli("traces", id_, "--full").stdout


def test_the_records_of_one_are_json_lines(cli, store):
    records = [json.loads(line) for line in cli("traces", event(store, "completed"), "--json").stdout.splitlines()]

    assert [each["path"] for each in records] == ["orders", "orders.worth-it", "orders.receipt"]
    assert records[0]["input"]["body"] == {"amount": 1, "note": "é" * 200}


def test_why_a_message_was_dropped_or_failed_is_shown(cli, store):
    assert "because nothing to charge" in cli("traces", event(store, "dropped")).stdout
    assert "OCTO-E202" in cli("traces", event(store, "failed")).stdout


def test_a_wrong_id_is_said(cli, store):
    result = cli("traces", "ffffffffff")

    assert result.exit_code == 2
    assert result.stderr == "OCTO-S103: no kept trace has the event or trace id 'ffffffffff'\n"


def test_an_id_that_is_too_short_is_told_so(cli, store):
    result = cli("traces", event(store, "completed")[:5])

    assert result.exit_code == 2
    assert "give at least 6 characters of it" in result.stderr


def test_the_beginning_of_several_ids_names_them(cli, tmp_path):
    record = {"kind": "flow", "flow": "f", "path": "f", "at": 1, "duration": 1, "outcome": "completed"}
    ids = ["abcdef01", "abcdef02"]
    lines = [json.dumps(record | {"event": each, "trace": each * 4, "span": each * 2}) for each in ids]
    (tmp_path / "t.jsonl").write_text("\n".join(lines) + "\n")

    result = cli("traces", "abcdef", "--traces-store", f"file:{tmp_path}/t.jsonl")

    assert result.exit_code == 2
    assert result.stderr.startswith("OCTO-S104: 'abcdef' is the beginning of several ids: abcdef01")


@pytest.mark.parametrize("more", [(), ("abcdef",), ("abcdef", "--json")])
def test_nothing_in_a_trace_is_obeyed_by_a_terminal(cli, tmp_path, more):
    bad = "\x1b[2J\x9b2J\r"
    record = {"kind": "flow", "flow": bad, "path": bad, "at": 1, "duration": 1, "outcome": "failed", "span": "a"}
    record |= {"event": f"abcdef{bad}", "trace": "abcdef", "error": {"code": bad, "message": bad}}
    (tmp_path / "t.jsonl").write_text(json.dumps(record) + "\n")

    result = cli("traces", *more, "--traces-store", f"file:{tmp_path}/t.jsonl")

    assert result.exit_code == 0
    assert all(line.isprintable() for line in result.stdout.split("\n"))


def test_where_nothing_was_kept_is_said(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = cli("traces")

    text = "OCTO-S102: there is no trace store at '.octo/traces.db'; `octo run --traces` makes it\n"
    assert (result.exit_code, result.stderr) == (2, text)


def test_a_file_of_something_else_is_no_store_and_stays_as_it_is(cli, tmp_path):
    (tmp_path / "notes.db").write_text("milk, eggs")

    result = cli("traces", "--traces-store", f"sqlite:{tmp_path}/notes.db")

    assert result.exit_code == 2
    assert "OCTO-S101" in result.stderr
    assert (tmp_path / "notes.db").read_text() == "milk, eggs"


def test_expressions_show_what_they_came_to_when_that_is_asked_for(cli, store, tmp_path):
    (tmp_path / "orders.yaml").write_text(FLOWS)

    plain = cli("traces", event(store, "dropped")).stdout
    asked = cli("traces", event(store, "dropped"), "--values", "orders.yaml").stdout

    assert "body.amount > 0  =  false" in asked
    assert "body.amount > 0" not in plain
