"""What a flow file may name is found in one place."""

from __future__ import annotations

import pytest

from octo.cli.entries import KINDS, entries
from octo.expr.functions import library


def test_each_is_listed_once_with_a_line_about_it():
    found = entries()

    assert len({(each.kind, each.name) for each in found}) == len(found)
    assert [each.name for each in found if not each.about or "\n" in each.about] == []
    assert {each.kind for each in found} == set(KINDS.values())


def test_overloads_are_one_entry():
    [size] = [each for each in entries() if each.name == "size"]

    assert len(size.functions) == sum(each.name == "size" for each in library()) > 1


@pytest.mark.parametrize(("kind", "name"), [("source", "cron"), ("macro", "has"), ("key", "env")])
def test_what_is_no_component_is_there_too(kind, name):
    assert (kind, name) in {(each.kind, each.name) for each in entries()}
