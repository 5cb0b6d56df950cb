"""Values that know where they were written."""

from __future__ import annotations

from octo.config.env import Declaration, Environment
from octo.config.place import Place
from octo.config.report import Report
from octo.config.substitute import substitute
from octo.config.yaml import read
from octo.core.errors import Position


def top(text: str, **values: str) -> Place:
    file = read(text.encode(), "f", Report())
    declared = {name: Declaration(name, None, False, Position("f")) for name in values}
    return substitute(file, Environment(declared, values), Report()).top


def test_children_have_places():
    place = top("a:\n- {b: 1}\n")

    child = place.walk(("a", 0, "b"))

    assert (child.value, str(child.at), str(child.key_at), child.name) == (1, "f:2:7", "f:2:4", "b")
    assert str(child.end) == "f:2:8"
    assert place.get("a").get(0).name == "a[0]"


def test_what_is_not_there_is_none():
    place = top("a: [1]\n")

    assert place.get("b") is None
    assert place.get(0) is None
    assert place.walk(("a", 1)) is None
    assert place.walk(("a", 0, "c")) is None
    assert place.get("a").get(0).fields() == {}
    assert list(place.items()) == []


def test_what_a_mapping_says_is_read_however_wrong_the_rest_is():
    place = top("{type: 1, ref: a}")

    assert (place.said("type", "ref"), place.said("type"), place.get("ref").said("x")) == ("a", "", "")


def test_variables_are_known_above_and_at_their_place():
    place = top("a: {b: '${X}-${Y}', c: 1}\n", X="1", Y="2")

    assert place.variables == ("X", "Y")
    assert place.walk(("a", "b")).variables == ("X", "Y")
    assert place.walk(("a", "c")).variables == ()


def test_a_broken_placeholder_breaks_everything_above_it():
    place = top("a: {b: '${X}', c: 1}\n")

    assert place.is_broken
    assert place.walk(("a", "b")).is_broken
    assert not place.walk(("a", "c")).is_broken
