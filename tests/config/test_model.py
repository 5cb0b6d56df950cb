"""Which part of a model a place belongs to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.config.model import Kind, holds, kinds, kinds_at, known_keys, models_at, models_in, result_at
from octo.core.expressions import Expr, Names
from octo.core.settings import Secret, Settings
from octo.core.sockets import Steps


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
    when: Annotated[Expr[bool], Names("body")] | None = None
    values: dict[str, Expr[list[int]]] = {}
    anything: Expr | None = None
    tokens: dict[str, list[Secret]] = {}


def test_the_keys_are_those_of_yaml():
    assert known_keys(Outer, ()) == [
        "one",
        "many",
        "byName",
        "either",
        "text",
        "when",
        "values",
        "anything",
        "tokens",
    ]
    assert known_keys(Outer, ("one",)) == ["someKey", "else"]


def test_lists_maps_and_unions_lead_on():
    assert models_at(Outer, ("many", 3)) == [Inner]
    assert models_at(Outer, ("byName", "x", 0)) == [Inner]
    assert models_at(Outer, ("either",)) == [Inner, Other]
    assert known_keys(Outer, ("either",)) == ["someKey", "else", "other"]


def test_what_leads_nowhere():
    assert kinds_at(Outer, ("text", "x")) == []
    assert kinds_at(Outer, ("nope",)) == []
    assert models_at(Outer, ("text",)) == []


def test_the_type_at_a_place():
    assert kinds_at(Outer, ("either", "other")) == [Kind(int)]
    assert [each.type for each in kinds(int | None)] == [int, type(None)]


def test_what_is_annotated_is_noted_on_every_alternative():
    """Also inside a union, where pydantic leaves the note."""
    found = kinds(Annotated[Annotated[int, "inner"] | str, "outer"])

    assert found == [Kind(int, (), ("inner", "outer")), Kind(str, (), ("outer",))]


def test_the_names_that_an_expression_sees_are_noted():
    (names,) = kinds_at(Outer, ("when",))[0].notes

    assert names.names == ("body",)


def test_what_an_expression_results_in():
    assert result_at(Outer, ("when",)) is bool
    assert result_at(Outer, ("values", "x")) is list
    assert result_at(Outer, ("anything",)) is object
    assert result_at(Outer, ("text",)) is None


def test_what_a_value_may_hold():
    """In lists and maps too, but not in the models there: those have places of their own."""
    assert holds(kinds_at(Outer, ("tokens",)), Secret)
    assert holds(kinds(list[Steps] | None), Steps)
    assert not holds(kinds(Outer), Secret)
    assert not holds(kinds(str), Secret)


def test_every_model_inside_is_found():
    assert list(models_in(kinds(Outer))) == [Outer, *[Inner] * 4, Other]
    assert list(models_in(kinds(dict[str, list[Inner]] | None))) == [Inner]


class SecretService(Settings):
    steps_taken: int = 0


def test_names_of_types_say_nothing():
    """A model called like a type is not that type."""
    assert not holds(kinds(list[SecretService]), Secret)
