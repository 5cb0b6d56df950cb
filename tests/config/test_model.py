"""Which part of a model a place belongs to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.config.model import annotation_at, known_keys, members, models_at
from octo.core.settings import Settings


class Inner(Settings):
    some_key: int = 0
    renamed: str = Field("", alias="else")


class Other(Settings):
    other: int = 0


class Outer(Settings):
    one: Inner | None = None
    many: list[Inner] = []
    by_name: dict[str, list[Inner]] = {}
    either: Annotated[Inner | Other, Field()] = Inner()
    text: str = ""


def test_the_keys_are_those_of_yaml():
    assert known_keys(Outer, ()) == ["one", "many", "byName", "either", "text"]
    assert known_keys(Outer, ("one",)) == ["someKey", "else"]


def test_lists_maps_and_unions_lead_on():
    assert models_at(Outer, ("many", 3)) == [Inner]
    assert models_at(Outer, ("byName", "x", 0)) == [Inner]
    assert models_at(Outer, ("either",)) == [Inner, Other]
    assert known_keys(Outer, ("either",)) == ["someKey", "else", "other"]


def test_what_leads_nowhere():
    assert annotation_at(Outer, ("text", "x")) is None
    assert annotation_at(Outer, ("nope",)) is None
    assert models_at(Outer, ("text",)) == []


def test_the_type_at_a_place():
    assert annotation_at(Outer, ("either", "other")) is int
    assert members(int | None) == [int, type(None)]
