"""Results are plain data that show what is missing."""

from __future__ import annotations

import pytest

from octo.core.errors import Position
from octo.suite.coverage.result import Flow, Item, Score, rounded

AT = Position("flows.yaml", 3, 5)


def test_a_decision_counts_twice_and_all_else_once():
    decision = Item("decision", "f.if", "body", AT, {"true": 3, "false": 0})
    block = Item("block", "f.if", "if", AT, {"ran": 3}, parts=(decision,))
    flow = Flow("f", AT, 3, (block,))

    assert (flow.score(), flow.score("decision"), flow.score("error")) == (Score(2, 3), Score(1, 2), Score(0, 0))
    assert (block.hits, decision.hits, decision.missed) == (3, 3, ("false",))


def test_what_has_nothing_to_cover_is_covered():
    assert Score(0, 0).percent == 100


@pytest.mark.parametrize(
    ("percent", "text"), [(0, "0.0%"), (66.66, "66.6%"), (99.99, "99.9%"), (100, "100%"), (100.0, "100%")]
)
def test_only_what_is_complete_is_shown_as_complete(percent, text):
    assert rounded(percent) == text


@pytest.mark.parametrize(
    ("kind", "outcomes", "told"),
    [
        ("block", {"ran": 0}, "block f.a[b] never ran"),
        ("branch", {"ran": 0}, "branch f.a[b] never taken"),
        ("branch", {"passed": 0}, "no message went past f.a, which has no `b`"),
        ("error", {"ran": 0}, "error path f.a[b] never ran"),
        ("decision", {"true": 2, "false": 0}, "`b` was never false"),
        ("decision", {"true": 0, "false": 2}, "`b` was never true"),
        ("decision", {"true": 0, "false": 0}, "`b` was never evaluated"),
    ],
)
def test_what_is_missing_is_told_in_words(kind, outcomes, told):
    assert Item(kind, "f.a[b]", "b", AT, outcomes).told() == told


def test_missing_items_come_in_the_order_of_the_file(cover):
    result = cover(
        """
flows:
  - name: f
    process:
      - type: if
        condition: body > 1
        then: [{type: set-payload, value: 'body > 9 ? 1 : 2'}]
  - {name: g, process: [{type: set-payload, value: "1"}]}
""",
        ("f", 5),
    )

    assert [(str(item.at), item.told()) for item in result.missing()] == [
        ("flows.yaml:4:9", "no message went past f.if, which has no `else`"),
        ("flows.yaml:5:20", "`body > 1` was never false"),
        ("flows.yaml:6:44", "`body > 9` was never true"),
        ("flows.yaml:7:25", "block g.set-payload never ran"),
    ]
    assert result.percent == pytest.approx(100 * 5 / 9)


def test_a_decision_of_many_lines_has_its_own_place(cover):
    result = cover(
        """
flows:
  - name: f
    process:
      - type: set-payload
        value: |
          body > 1
            ? "big"
            : body < 0 ? "small" : "middle"
"""
    )

    assert [str(item.at) for item in result.walk()] == ["flows.yaml:4:9", "flows.yaml:6:11", "flows.yaml:8:15"]
