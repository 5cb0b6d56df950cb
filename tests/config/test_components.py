"""What is written of each component."""

from __future__ import annotations

import pytest

from octo.config.components import components, services
from octo.config.load import check, draft
from octo.config.report import Report
from octo.config.yaml import read


@pytest.fixture
def written(plugins):
    def parse(text: str):
        report = Report()
        file = read(text.encode(), "flow.yaml", report)
        assert file is not None
        found = draft([file], None, plugins, None, report)
        check(found)
        return components(found.context)

    return parse


def leaves(component) -> list[tuple[str, object]]:
    return [(".".join(map(str, each.path)), each.place.node.value) for each in component.leaves() if not each.is_chain]


FLOWS = """\
connectors:
- {name: web, type: http, settings: {port: 80, headers: {A: b}, token: }}
processors:
- {name: usual, type: set-payload, settings: {value: "1"}}
flows:
- name: f
  workers: 2
  source: {connector: web, type: http, settings: {path: /a, methods: [GET]}}
  process:
  - {ref: usual, name: own}
  - {type: if, condition: "true", then: [{type: set-payload, settings: {value: body.a}}]}
  - {type: nosuch, a: {b: [1]}}
"""


def test_components_come_in_the_order_of_the_file(written):
    assert [(each.kind, each.name, each.flow, each.type, each.connector) for each in written(FLOWS)] == [
        ("connector", "web", "", "http", ""),
        ("flow", "f", "f", "", ""),
        ("source", "f", "f", "http", "web"),
        ("block", "f.own", "f", "set-payload", ""),
        ("block", "f.if", "f", "if", ""),
        ("block", "f.if[then].set-payload", "f", "set-payload", ""),
        ("block", "f.nosuch", "f", "nosuch", ""),
    ]


def test_leaves_are_what_is_written(written):
    """Not what is empty, not what belongs to a component inside; with what a processor says."""
    web, flow, source, own, choice, inner, unknown = written(FLOWS)

    assert leaves(web) == [("port", 80), ("headers.A", "b")]
    assert leaves(flow) == [("name", "f"), ("workers", 2)]
    assert [path for path, _ in leaves(source)] == ["path", "methods.0"]
    assert leaves(own) == [("value", "1")]
    assert leaves(choice) == [("condition", "true")]
    assert leaves(inner) == [("value", "body.a")]
    assert leaves(unknown) == [("a.b.0", 1)]


def test_connectors_that_nobody_declares_are_there(written):
    found = written("flows: [{source: {type: http, settings: {path: /}}, process: []}]")

    assert [(each.kind, each.name, each.entry is None) for each in found][-1] == ("connector", "http", True)


def test_services_of_flows(written):
    """A journal and a queue for dead letters need services, too."""
    found = written("flows: [{name: f, durability: journal, deadLetter: {queue: q}, process: []}]")

    assert services(found) == ["key-value", "leases", "queues"]
