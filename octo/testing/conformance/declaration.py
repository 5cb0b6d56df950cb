"""Checks what can be seen without opening anything: documentation, unknown keys, shapes of sources, names of powers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import NoneType
from typing import Any

from pydantic import BaseModel

from octo.config.model import field_kinds, kinds, models_in
from octo.core.connector import ConnectorType
from octo.core.promise import Guaranteeing, contradictions
from octo.core.settings import Settings, field_docs
from octo.core.source import SourceType
from octo.expr import nearest
from octo.testing.conformance.subject import Given
from octo.testing.conformance.watch import Findings

_POWERS = ("stub", "trigger", "untriggerable", "replies", "conflicts", "health")
_POWERS_OF_SETTINGS = ("effect", "repeated", "shape_after", "variables", "promises")
_COROUTINES = ("health", "trigger")
_CONFIDENTIAL = ("password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "private_key")


def check(type_: ConnectorType, given: Given, found: Findings) -> None:
    """Report what the declaration of a connector leaves out or gets wrong."""
    if not type_.doc:
        found.add("the class has no docstring: say what it connects to; the docstring is its reference page")
    for what, each in (*_named(type_, "source"), *_named(type_, "block")):
        if not each.doc:
            found.add(f"{what} has no docstring: say what it does and what it guarantees")
    for where, model in _models_of(type_):
        _check_model(where, model, found)
    for source in type_.sources.values():
        _check_shape(source, found)
    _check_promises(type_, found)
    _check_powers(type_, found)
    _check_names(type_, given, found)
    _check_standin(type_, given, found)


def _named(type_: ConnectorType, kind: str) -> Iterator[tuple[str, Any]]:
    for name, each in (type_.sources if kind == "source" else type_.blocks).items():
        yield f"the {kind} `{name}`", each


def _models_of(type_: ConnectorType) -> Iterator[tuple[str, type[BaseModel]]]:
    outermost: list[tuple[str, type[BaseModel] | None]] = [("the connector", type_.settings)]
    for what, each in (*_named(type_, "source"), *_named(type_, "block")):
        outermost.append((what, each.settings))
    for what, source in _named(type_, "source"):
        outermost.append((f"the variables of {what}", source.sets))
    if type_.stub is not None:
        outermost += [("the stub", type_.stub.settings), ("the trigger", type_.stub.trigger)]
    for where, model in outermost:
        for each in models_in(kinds(model)):
            yield where, each


def _check_model(where: str, model: type[BaseModel], found: Findings) -> None:
    if model is not Settings and not (issubclass(model, Settings) and model.model_config.get("extra") == "forbid"):
        found.add(f"{model.__name__} of {where} takes any key: derive it from octo.Settings, which refuses typos")
    for name in sorted(model.model_fields.keys() - field_docs(model).keys()):
        found.add(f"{model.__name__}.{name} of {where} is not documented: write a string under the field")
    for name, info in model.model_fields.items():
        if {each.type for each in field_kinds(info)} - {NoneType} == {str} and name.endswith(_CONFIDENTIAL):
            found.add(f"{model.__name__}.{name} of {where} is plain text that gets printed: make it an octo.Secret")
    for name in vars(model):
        if (meant := _meant(name, _POWERS_OF_SETTINGS)) and name not in model.model_fields:
            found.add(f"{model.__name__}.{name} of {where} does nothing: did you mean `{meant}`?")


def _check_shape(source: SourceType, found: Findings) -> None:
    takes_inlet = "inlet" in inspect.signature(source.function).parameters
    what = f"the source `{source.name}`"
    if source.is_push and not takes_inlet:
        found.add(f"{what} yields nothing: a pull source is an `async def` that yields deliveries")
        found.unsafe.add(what)
    elif inspect.iscoroutinefunction(source.function):
        found.add(f"{what} cannot be entered: put @asynccontextmanager below @source, and yield once")
        found.unsafe.add(what)


def _check_promises(type_: ConnectorType, found: Findings) -> None:
    for what, each in (*_named(type_, "source"), *_named(type_, "block")):
        if not each.promises:
            # A connector with a default instance is a part of the runtime, not a system beyond it.
            if each.calls_outside:
                found.add(f"{what} promises nothing: write @block(..., guarantee=..., steps=..., idempotent=...)")
            continue
        for promise in each.promises:
            for wrong in contradictions(promise):
                found.add(f"{what} promises `{promise.guarantee}`{promise.when and f' {promise.when}'}, but {wrong}")
        if len(each.promises) > 1 and not issubclass(each.settings, Guaranteeing):
            found.add(f"{what} declares several promises, but its settings do not choose: give them `promises()`")


def _check_powers(type_: ConnectorType, found: Findings) -> None:
    for name, member in inspect.getmembers_static(type_.cls):
        if hasattr(member, "__octo_source__") or hasattr(member, "__octo_block__"):
            continue
        if meant := _meant(name, _POWERS):
            found.add(f"`{name}` does nothing: did you mean `{meant}`?")
        if name in _COROUTINES and not inspect.iscoroutinefunction(member):
            found.add(f"`{name}` must be an `async def`")
        if name in ("stub", "untriggerable", "conflicts") and not isinstance(member, classmethod):
            found.add(f"`{name}` must be a classmethod: it is called before anything is opened")


def _meant(name: str, powers: tuple[str, ...]) -> str | None:
    return nearest(name, powers) if not name.startswith("_") and len(name) > 3 and name not in powers else None


def _check_names(type_: ConnectorType, given: Given, found: Findings) -> None:
    sources, blocks = type_.sources.keys(), type_.blocks.keys()
    asked = (
        ("source", sources, {*given.sources, *given.feed, *given.triggers}),
        ("block", blocks, given.blocks.keys()),
        ("source or power", {"stub", "trigger", *sources}, given.without),
    )
    for kind, known, names in asked:
        for name in sorted(set(names) - set(known)):
            guess = nearest(name, known)
            hint = f"; did you mean `{guess}`?" if guess else ""
            found.add(f"it has no {kind} `{name}`, but `check_connector` was given something for it{hint}")


def _check_standin(type_: ConnectorType, given: Given, found: Findings) -> None:
    if type_.stub is None:
        if "stub" not in given.without:
            found.add("it has no stub, so no test can run its flows: add a classmethod `stub`, or say without={'stub'}")
    elif type_.sources and type_.stub.trigger is None and "trigger" not in given.without:
        found.add("its sources cannot be triggered in tests: add a method `trigger`, or say without={'trigger'}")
