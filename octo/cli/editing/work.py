"""Questions of the editor to the engine, each in a fork of this process, in a copy of the project (`shadow.py`).

What pages see is what their author may see: only values that are declared as secret are masked.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from octo.cli.authoring.fixes import with_fix
from octo.cli.authoring.work import Tell, answered, cut, serve
from octo.cli.editing import trying
from octo.core import codec
from octo.core.expressions import Build
from octo.core.message import Message
from octo.trace.mask import secrets

Answer = dict[str, object]


def check(path: str, *, tests: bool) -> Answer:
    """What `octo check --outline` says of a configuration, and with `tests` what is wrong with its test files."""
    from octo.builtin import plugins
    from octo.cli.project import import_beside
    from octo.config.outline import outline

    place = Path(path)
    import_beside(place)
    found = outline(place, plugins(), os.environ).as_json()
    problems: list[Any] = [*found["problems"]]  # type: ignore[misc]
    if tests:
        problems += _of_tests(place, problems)
    return {**found, "ok": not problems, "problems": [with_fix(each) for each in problems]}


def _of_tests(place: Path, known: list[Any]) -> list[Any]:
    from octo.cli.suites import configurations
    from octo.config.files import is_test, yaml_files
    from octo.core.errors import ConfigError
    from octo.suite import plan

    if place.is_dir():
        paths = [each for each in yaml_files(place) if is_test(each)]
    else:
        paths = [place.with_name(f"{place.stem}_test{place.suffix}")]
    found: list[Any] = []
    for each in paths:
        if each.is_file():
            try:
                plan([each], configurations())
            except ConfigError as error:
                told = (problem.as_json() for problem in error.problems)
                found += [problem for problem in told if problem not in known]
    return found


def together(path: str) -> Answer:
    """Whether the flow files of a folder can be one configuration."""
    from octo.builtin import plugins
    from octo.cli.named import told
    from octo.config.outline import outline
    from octo.core.errors import ConfigError

    found = outline(Path(path), plugins(), os.environ)
    return {"together": not told(ConfigError(found.problems), [Path(path)], "check")}


def environment(path: str) -> Answer:
    """The variables and resources that a configuration asks for, whatever the environment is."""
    from octo.builtin import plugins
    from octo.config.facts import facts

    found = facts(Path(path), plugins()).as_json()
    return {"variables": found["variables"], "resources": found["resources"]}


def complete(
    path: str,
    address: str,
    expression: str,
    offset: int,
    message: Mapping[str, Any] | None,
    names: Sequence[str] | None,
) -> Answer:
    """What may stand at an offset of an expression of the block with this address, and what stands there."""
    from octo.builtin import plugins
    from octo.cli.editing import completing
    from octo.config.inference import known_at
    from octo.config.outline import read
    from octo.config.report import Report
    from octo.config.sources import variables
    from octo.core.errors import ConfigError
    from octo.expr.shape import UNKNOWN
    from octo.expr.shape.values import MAP

    try:
        found = read(Path(path), plugins(), os.environ, Report())
    except ConfigError:
        found = None
    build = found.context.build if found and found.context else Build({})
    if names is not None:
        return completing.complete(expression, offset, completing.names_given(build, names))
    state = known_at(found.context, found.flows).get(address) if found and found.context else None
    flow = found.flows.get(address.partition(".")[0].partition("[")[0]) if found else None
    brought = dict.fromkeys(variables(flow.source) or {}, UNKNOWN) if flow and flow.source else {}
    known = {**brought, **(state.vars if state else {}), **({"error": MAP} if "[error]" in address else {})}
    body = state.body if state else UNKNOWN
    return completing.complete(expression, offset, completing.names_of_message(build, body, known, _message(message)))


def evaluate(
    path: str, expression: str, message: Mapping[str, Any], names: Sequence[str] | None, *, why: bool
) -> Answer:
    """The value of an expression on a message, its kind, and what each part of it came to."""
    from octo import expr
    from octo.cli.why import argument
    from octo.core.errors import ConfigError
    from octo.expr import ExprError
    from octo.expr.values import kind_of

    try:
        build = _build(path, expression)
    except ConfigError as error:
        return {"ok": False, "error": {**error.problems[0].as_json(), "line": 0, "column": 0}}
    scope = build.scope(None if names is None else tuple(names), expression)
    seen = _message(message) or Message()
    arguments = [argument(name, seen) for name in scope.parameters]
    told: Answer = {}
    try:
        if why:
            told["why"] = _part(expr.why(expression, scope, *arguments))
        value = expr.settle(expr.compile(expression, scope)(*arguments))
    except ExprError as error:
        place = {"line": error.line, "column": error.column, "hint": error.hint or ""}
        return {"ok": False, "error": {"code": error.code, "message": error.message, **place}, **told}
    shown = expr.to_json(value)
    is_large = len(codec.write(shown)) > MOST_VALUE
    return {"ok": True, "value": cut(shown, 2_000, 100) if is_large else shown, "kind": kind_of(value), **told}


MOST_VALUE = 256 << 10
"""Bytes of a value that is shown whole."""
MOST_PARTS = 2_000
"""Parts of an expression whose values are told."""


def _part(why: Any, left: list[int] | None = None) -> Answer:
    """A part of an expression, what it came to, and the same of its own parts."""
    from octo.expr.sketch import sketch

    left = [MOST_PARTS] if left is None else left
    children = []
    for each in why.children:
        left[0] -= 1
        if left[0] < 0:
            break
        children.append(_part(each, left))
    return {
        "text": why.text[:MOST_TEXT],
        "state": why.state,
        "value": sketch(why.value) if why.state in ("value", "step") else "",
        "error": str(why.error) if why.error else "",
        "decides": why.decides,
        "children": children,
    }


MOST_TEXT = 2_000


def _build(path: str, expression: str) -> Build:
    """What an expression may use besides a message: the environment and templates, if it asks for any."""
    if not re.search(r"\benv\b|templateResource", expression):
        return Build({})
    from octo.builtin import plugins
    from octo.config.outline import read
    from octo.config.report import Report

    found = read(Path(path), plugins(), os.environ, Report())
    return found.context.build if found.context else Build({})


def _message(given: Mapping[str, Any] | None) -> Message | None:
    return None if given is None else Message(given.get("body"), given.get("vars") or {})


VERBS: Mapping[str, Callable[..., Answer]] = {
    "check": check,
    "again": trying.again,
    "complete": complete,
    "environment": environment,
    "evaluate": evaluate,
    "recorded": trying.recorded,
    "together": together,
    "values": trying.values,
}

_PARTS = (
    *("octo.cli.project", "octo.cli.named", "octo.config.outline", "octo.cli.suites", "octo.suite", "octo.cli.why"),
    *("octo.engine.invoke", "octo.debug", "octo.trace.values", "octo.core.json_schema", "octo.expr.reasons"),
    *("octo.config.inference", "octo.cli.editing.completing", "octo.config.unfinished", "octo.cli.authoring.fixes"),
)
_USUAL = """
connectors: [{name: web, type: http, settings: {port: 1}}]
flows:
  - name: a
    source: {connector: web, type: http, settings: {path: /}}
    process: [{type: set-payload, value: body}, {type: log}, {type: set-variable, settings: {name: a, value: body.b}}]
"""


def main() -> None:
    """Answer questions, with all components of Octo at hand: to import them takes longer than to check a project."""
    from octo.builtin import BLOCKS, CONNECTORS, plugins
    from octo.config.load import parse

    for name in _PARTS:
        importlib.import_module(name)
    for target in (*CONNECTORS.values(), *BLOCKS.values()):
        with suppress(ImportError):  # of a package that is not installed
            importlib.import_module(target.partition(":")[0])
    parse(_USUAL, plugins(), {})
    serve(_said)


def _said(question: Mapping[str, Any], tell: Tell) -> bytes:
    verb, given = question["verb"], question["given"]
    if verb == "test":
        given = {**given, "tell": lambda line: tell(codec.write(secrets(line)) + b"\n")}
    return codec.write(secrets(answered({**VERBS, "test": trying.test}, verb, given)))


if __name__ == "__main__":
    main()
