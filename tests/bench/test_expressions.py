"""CEL is compared with the official evaluator in turns, and only if there is one. These tests time nothing."""

from __future__ import annotations

import pytest

from bench import peers
from bench.expressions import EXPRESSIONS
from bench.measures import expressions
from bench.official import compared
from bench.section import Effort


def test_a_ratio_is_of_both_in_turns():
    calls = []
    found = compared(lambda: calls.append("o"), lambda: [calls.append("x") for _ in range(200)], 3)

    assert found.keys() == {"octo", "official", "ratio"}
    assert found["ratio"] > 0
    assert "xo" in "".join(calls).replace("xx", "x")


def test_without_the_official_evaluator_nothing_is_claimed(monkeypatch):
    def absent():
        raise peers.Missing("none was found")

    monkeypatch.setattr(peers, "official_binding", absent)
    monkeypatch.setattr(expressions, "_times", lambda *_: (2e-7, 1e-7))
    section = expressions.measure(Effort.short())

    [_, official] = section.budgets
    assert (official.value, official.met, official.detail) == (None, None, "none was found")
    assert section.tables[0].rows[0] == ["field", 200, 100, 2.0, "", "", ""]


def test_the_budget_is_about_the_small_ones():
    found = {each.name: {"ratio": 200.0 if each.is_small else 1.0} for each in EXPRESSIONS}
    budget = expressions._faster(found, "")

    assert budget.value == pytest.approx(200)
    assert budget.met
