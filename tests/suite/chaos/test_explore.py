"""For every fault in every call, the report says what is lost and what happens twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.config.load import load
from octo.connectors.database.stub import Stub as DatabaseStub
from octo.connectors.http_client.stub import Stub as HttpStub
from octo.core.errors import Position
from octo.suite.case import Call, Case
from octo.suite.chaos import FAULTS, explore
from octo.suite.configs import Configs
from octo.suite.format import Expect

CONNECTORS = """connectors:
  - {name: p, type: probe}
  - {name: bank, type: http-client, settings: {baseURL: "https://bank.example.com", retry: {maxAttempts: 2}}}
  - {name: books, type: database, settings: {driver: sqlite, dsn: books.db}}"""


@pytest.fixture
def explored(tmp_path: Path, plugins):
    """Return the verdicts on the flow `f`: {(block, fault): (kind, calls)}."""

    def run(chain: str, more: str = "", **case):
        file = tmp_path / "flow.yaml"
        file.write_text(f"{CONNECTORS}\nflows:\n  - name: f\n    process: {chain}\n{more}")
        configs = Configs(lambda path, environ: load(path, plugins, environ))
        calls = case.pop("calls", (Call("f"),))
        found = explore(Case("case", file, file, "f", Position("", 1, 1), calls, **case), configs)
        assert not found.skipped
        return {
            (each.address.removeprefix("f."), each.fault): (each.kind, [a.removeprefix("f.") for a in each.calls])
            for each in found.verdicts
        }

    return run


CHARGE = "{type: note, connector: p, name: charge, value: '1'}"
NOTIFY = "{type: note, connector: p, name: notify, value: '2'}"


def test_one_call_that_must_happen_once(explored):
    assert explored(f"[{CHARGE}]") == {
        ("charge", "fails"): ("told", []),
        ("charge", "times out"): ("doubled", ["charge"]),
        ("charge", "is slow"): ("unharmed", []),
        ("charge", "happens twice"): ("doubled", ["charge"]),
    }


def test_what_was_done_before_a_failure_is_done_again_by_whoever_tries_again(explored):
    found = explored(f"[{CHARGE}, {NOTIFY}]")

    assert found["notify", "fails"] == ("doubled", ["charge"])
    assert found["notify", "times out"] == ("doubled", ["charge", "notify"])


def test_a_swallowed_failure_loses_the_call(explored):
    found = explored(
        f"[{CHARGE}, {{type: handle-errors, process: [{NOTIFY}], error: [{{type: set-payload, value: body}}]}}]"
    )

    assert found["handle-errors[process].notify", "fails"] == ("lost", ["handle-errors[process].notify"])
    assert found["handle-errors[process].notify", "times out"] == ("unharmed", [])


def test_a_failure_that_is_answered_by_another_call_is_handled(explored):
    park = "{type: note, connector: p, name: park, value: '3'}"
    found = explored(f"[{{type: handle-errors, process: [{NOTIFY}], error: [{park}]}}]")

    assert found["handle-errors[process].notify", "fails"] == ("handled", ["handle-errors[error].park"])


def test_a_call_that_fails_anyhow_is_not_lost_by_failing(explored):
    broken = "{type: fail, connector: p, name: broken}"
    park = "{type: note, connector: p, name: park, value: '3'}"
    found = explored(f"[{{type: handle-errors, process: [{broken}], error: [{park}]}}]")

    assert found["handle-errors[process].broken", "fails"] == ("unharmed", [])


PAY = "{type: rest, name: pay, connector: bank, method: POST, path: /charges}"
KEEP = "{type: sql, name: keep, connector: books, exec: true, query: INSERT INTO paid VALUES (1)}"


@pytest.mark.parametrize(
    ("call", "name", "stub", "verdict"),
    [
        (PAY, "pay", {"bank": HttpStub(answers=[{"error": "connect"}])}, ("told", [])),
        (PAY, "pay", {"bank": HttpStub(answers=[{"error": "broken"}])}, ("doubled", ["pay"])),
        (PAY, "pay", {"bank": HttpStub(answers=[{"error": "timeout"}])}, ("doubled", ["pay"])),
        (KEEP, "keep", {"books": DatabaseStub(answers=[{"error": "unavailable"}])}, ("told", [])),
        (KEEP, "keep", {"books": DatabaseStub(answers=[{"error": "timeout"}])}, ("doubled", ["keep"])),
    ],
)
def test_a_call_that_never_reached_the_other_side_is_not_done_again(explored, call, name, stub, verdict):
    found = explored(f"[{call}]", stubs=stub, calls=(Call("f", expect=Expect(error="")),))

    assert {fault: found[name, fault] for fault in FAULTS} == {**dict.fromkeys(FAULTS, verdict), "fails": ("told", [])}


def test_every_call_of_a_loop_is_explored(explored):
    chain = f"[{{type: set-payload, value: '[1, 2]'}}, {{type: foreach, items: body, body: [{NOTIFY}]}}]"

    assert explored(chain)["foreach[body].notify", "fails"] == ("doubled", ["foreach[body].notify"])


def test_calls_of_flows_that_are_called_count_too(explored):
    found = explored("[{type: flow-ref, flow: g}]", f"  - name: g\n    process: [{CHARGE}]\n")

    assert found["g.charge", "fails"] == ("told", [])


def test_a_slow_call_meets_the_deadline_of_its_flow(explored, tmp_path, plugins):
    """In virtual time the minute that the call is late takes no real time."""
    assert explored(f"[{CHARGE}]", seconds=1.0)["charge", "is slow"] == ("unharmed", [])


def test_blocks_that_call_nobody_are_left_alone(explored):
    assert explored("[{type: log}, {type: set-payload, value: '1'}]") == {}


def test_a_case_that_does_not_pass_is_not_explored(tmp_path, plugins):
    file = tmp_path / "flow.yaml"
    file.write_text("connectors: [{name: p, type: probe}]\nflows: [{name: f, process: [{type: fail, connector: p}]}]")
    configs = Configs(lambda path, environ: load(path, plugins, environ))

    found = explore(Case("case", file, file, "f", Position("", 1, 1), (Call("f"),)), configs)

    assert found.skipped.startswith("it does not pass as it is: the flow failed: ")


def test_why_a_case_does_not_pass_is_said_in_one_line(tmp_path, plugins):
    file = tmp_path / "flow.yaml"
    file.write_text("flows: [{name: f, process: [{type: set-payload, value: '{\"n\": 1}'}]}]")
    configs = Configs(lambda path, environ: load(path, plugins, environ))
    call = Call("f", expect=Expect(body={"n": 2}))

    found = explore(Case("case", file, file, "f", Position("", 1, 1), (call,)), configs)

    assert found.skipped == 'it does not pass as it is: expect.body: want: {"n": 2} got:  {"n": 1}'
