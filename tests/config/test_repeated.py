"""A call that must happen once is no good inside of a chain that may run twice."""

from __future__ import annotations

import pytest

from octo.builtin import plugins as builtin
from octo.config.load import parse

TEXT = """
connectors:
  - {name: c, type: http-client, settings: {baseURL: http://example.com}}
  - {name: d, type: database, settings: {driver: sqlite, dsn: x.db}}
flows:
  - name: f
    process:
      - {type: retry, name: again, %s process: [%s]}
  - name: g
    process:
      - {type: rest, name: send, connector: c, method: POST, path: /, body: body}
"""


def warnings(chain: str, more: str = "") -> list[str]:
    found = parse(TEXT % (more, chain), builtin(), {}).warnings
    return [f"{each.at.line}:{each.at.column} {each.message}" for each in found if each.code == "OCTO-C159"]


POST = "{type: rest, name: pay, connector: c, method: POST, path: /}"


@pytest.mark.parametrize(
    "chain",
    [
        POST,
        f"{{type: if, condition: 'true', then: [{POST}]}}",
        f"{{type: retry, name: inner, process: [{POST}]}}",
        "{type: sql, name: pay, connector: d, exec: true, query: 'INSERT INTO t VALUES (1)'}",
    ],
)
def test_a_warning_names_the_call_and_the_block_that_repeats_it(chain):
    (found,) = warnings(chain)

    assert "`pay` is called again by `again`, and may then happen twice" in found
    assert found.startswith("8:")


def test_calls_of_other_flows_count_too():
    assert warnings("{type: flow-ref, flow: g}") == [
        "11:9 `send` is called again by `again`, and may then happen twice"
    ]


@pytest.mark.parametrize(
    ("chain", "more"),
    [
        (POST.replace("POST", "GET"), ""),
        (POST.replace("POST", "PUT"), ""),
        (POST.replace("path: /", "path: /, headers: {Idempotency-Key: eventID}"), ""),
        (POST, "on: [NotConnected],"),
        (POST, "maxAttempts: 1,"),
        ("{type: set-payload, value: '1'}", ""),
    ],
)
def test_what_is_harmless_needs_no_warning(chain, more):
    assert warnings(chain, more) == []
