"""A finding shows the clause, its place and the smallest message."""

from __future__ import annotations

from pathlib import Path

from octo.core import secrets
from octo.core.errors import Position
from octo.suite.case import Call, Case
from octo.suite.generate.console import shown
from octo.suite.generate.search import Fault, Finding, Searched


def plain(text, colour):
    return text


def case(body):
    return Case("c", Path("a_test.yaml"), Path("a.yaml"), "f", Position("", 1, 1), (Call("f", body),))


def test_a_finding():
    fault = Fault("ensures", 'flow "f" ensures body > 0, which does not hold', Position("a.yaml", 3, 9))

    assert list(shown(Searched("f", 17, Finding(case({"n": -1}), fault)), plain)) == [
        "FAIL  f: the smallest of 17 messages tried  (0ms)",
        '        flow "f" ensures body > 0, which does not hold',
        "        at a.yaml:3:9",
        '        body: {"n": -1}',
    ]


def test_nothing_found_and_nothing_possible():
    assert list(shown(Searched("f", 200, seconds=1.5), plain)) == ["ok    f: 200 messages  (1.50s)"]
    assert list(shown(Searched("f", 0, error="no message fits"), plain)) == ["ERROR f: no message fits"]


def test_secrets_stay_hidden():
    secrets.mask("hunter22")
    fault = Fault("fails", "login with hunter22 failed", None)

    assert "hunter22" not in "".join(shown(Searched("f", 1, Finding(case("hunter22"), fault)), plain))
