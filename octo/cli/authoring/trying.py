"""Questions that need something to run: an expression, a flow, the cases of test files."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octo.cli.authoring import codes
from octo.cli.authoring.inspecting import drawn
from octo.cli.authoring.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from octo.config.documents import Config
    from octo.core.block import BlockType
    from octo.suite import Case, Configs, Outcome, Plan
    from octo.trace.recorder import Recorder

Answer = dict[str, object]

MOST_LINES = 50
"""Lines of the log in an answer."""
MOST_TRACED = 5
"""Cases that went wrong whose traces are in the answer."""


# --- expressions -------------------------------------------------------------------------------------------------


def evaluate(expression: str, body: object, vars: Mapping[str, Any], *, why: bool) -> Answer:  # noqa: A002
    """What `octo eval` says."""
    from octo import expr
    from octo.core.expressions import Build
    from octo.core.message import Message
    from octo.expr import ExprError

    message, scope = Message(body, vars), Build({}).scope()
    told: Answer = {}
    try:
        program = expr.compile(expression, scope)
        if why:
            told["why"] = expr.why(expression, scope, message).render()
        return {"ok": True, "result": expr.settle(program(message)), **told}
    except ExprError as error:
        return {"ok": False, "error": _of_expression(error), **told}


def _of_expression(error: Any) -> Answer:
    place = {"line": error.line, "column": error.column, "hint": error.hint or ""}
    return {"code": error.code, "message": error.message, **place}


def why(path: str, line: int, config: str, body: object, vars: Mapping[str, Any]) -> Answer:  # noqa: A002
    """What `octo why` says of each expression on a line. Raises `ConfigError`."""
    from octo import expr
    from octo.cli.project import load
    from octo.cli.why import argument, concealing, on_line
    from octo.core.message import Message
    from octo.expr import ExprError

    loaded = load(Path(config or path))
    message = Message(body, vars)
    conceal = concealing(loaded.env, loaded.secrets)
    found = []
    for each in on_line(loaded, Path(path), line):
        scope = each.program.scope
        told: Answer = {"at": str(each.at), "expression": each.text}
        try:
            tree = expr.why(each.text, scope, *(argument(name, message) for name in scope.parameters))
            found.append({**told, "state": tree.state, "why": tree.render(conceal)})
        except ExprError as error:
            found.append({**told, "state": "error", "error": _of_expression(error)})
    return {"expressions": found}


# --- flows -------------------------------------------------------------------------------------------------------


def invoke(  # noqa: PLR0913  what a call has
    path: str,
    flow: str,
    *,
    body: object,
    content_type: str,
    vars: Mapping[str, Any],  # noqa: A002
    stubs: Sequence[str],
    timeout: float,
    trace: bool,
    may_act: bool,
    services: str,
) -> Answer:
    """Call a flow as `octo invoke` does. Raises `ConfigError`."""
    from octo.cli.ending import attempt, check_flow
    from octo.cli.named import Named
    from octo.cli.places import MEMORY, services_of
    from octo.cli.stubs import load_stubbed
    from octo.core import log

    log.configure()
    log.reserve_stdout()
    loaded = load_stubbed(Named((Path(path),), services=services), stubs)
    check_flow(loaded, flow)
    if not may_act:
        _refuse_effects(loaded, flow)
    message = _message(body, content_type, vars)
    with _recorded() as traced, _logged() as lines:
        run = attempt(loaded, flow, message, timeout, traced.recorder, services_of(services, None, MEMORY))
        outcome = asyncio.run(run)
    answer = {**ended(outcome), "log": lines}
    if trace or not answer["ok"]:
        answer["trace"] = traced.drawn(loaded)
    return answer


def servers(path: str, stubs: Sequence[str], services: str) -> Answer:
    """The HTTP servers that a configuration opens, by connector. Raises `ConfigError`."""
    from octo.cli.named import Named
    from octo.cli.stubs import load_stubbed

    loaded = load_stubbed(Named((Path(path),), services=services), stubs)
    ports = {
        doc.name: getattr(doc.settings, "port", None) for doc in loaded.connectors.values() if doc.type.name == "http"
    }
    return {"ok": True, "flows": list(loaded.flows), "servers": ports}


def _message(body: object, content_type: str, vars: Mapping[str, Any]) -> Any:  # noqa: A002
    from octo.cli.given import Given
    from octo.core.message import Message

    if not content_type:
        return Message(body, vars)
    text = body if isinstance(body, str) else json.dumps(body)
    given = Given(text, content_type, None)
    return given.message().with_vars(vars)


def ended(outcome: Any) -> Answer:
    """How a flow ended."""
    from octo.core.flow import Drop, Failure
    from octo.core.message import Message

    if isinstance(outcome, Message):
        return {"ok": True, "outcome": "completed", "message": outcome.as_json()}
    if isinstance(outcome, Drop):
        return {"ok": True, "outcome": "dropped", "reason": outcome.reason or ""}
    if isinstance(outcome, Failure):
        error = outcome.as_value("")
    else:  # a connector did not open, or the time passed
        error = {"code": getattr(outcome, "code", ""), "message": str(outcome)}
    return {"ok": False, "outcome": "failed", "error": error, "at": str(getattr(outcome, "at", None) or "")}


# --- effects -----------------------------------------------------------------------------------------------------


def _refuse_effects(config: Config, flow: str) -> None:
    from octo.config.part import part, unfed

    if found := effects(part(unfed(config, ()), [flow])):
        hint = "name a test file with stubs for it under `stubs`, or let octo mcp author run with --allow-mutations"
        raise Refused(codes.EFFECTS, f"the flow {flow!r} is not run: {', '.join(found)}", hint)


def effects(config: Config, mocked: Iterable[object] = ()) -> list[str]:
    """What of this part of a configuration others could notice if it ran, but for the mocked blocks."""
    from octo.config.walk import blocks_of, inside

    gone = {id(each) for block in mocked for each in (block, *inside(block))}  # type: ignore[arg-type]
    found = {
        f"connector {doc.name!r} ({doc.type.name}) has no stub": None
        for doc in config.connectors.values()
        if doc.stub is None and doc.type.name not in _INSIDE and not _is_process_log(doc)
    }
    for flow in config.flows.values():
        for block in blocks_of(flow):
            if id(block) not in gone and block.connector is None and _is_foreign(block.type):
                found[f"block {block.address!r} ({block.type.name}) runs Python of others"] = None
    return list(found)


_INSIDE = ("mocked", "cron", "events", "queue")
"""Connectors that reach nothing but services, which are in memory here."""


def _is_foreign(type_: BlockType) -> bool:
    """Whether it runs what we know nothing of: a function of a flow, or a block of an installed package."""
    return type_.name == "python" or not type_.function.__module__.startswith("octo.")


def _is_process_log(doc: Any) -> bool:
    return doc.type.name == "logger" and getattr(doc.settings, "output", "") in (None, "stdout", "stderr")


# --- tests -------------------------------------------------------------------------------------------------------


def test(paths: Sequence[str], filter: str, config: str, *, trace: bool, may_act: bool) -> Answer:  # noqa: A002
    """What `octo test --report-json` says, with the traces of cases that went wrong. Raises `ConfigError`."""
    from octo.cli.suites import configurations
    from octo.core import log
    from octo.suite import Outcome, plan, run_all
    from octo.suite.choose import pattern
    from octo.suite.logs import quiet

    try:
        choice = pattern(filter) if filter else None
    except ValueError as error:
        raise Refused(codes.ARGUMENT, f"filter: {error}", "write words with and, or, not") from None
    log.reserve_stdout()
    log.check_lines()
    configs = configurations()
    found = plan([Path(each) for each in paths], configs, config=Path(config) if config else None, choice=choice)
    if not found.cases:
        raise Refused(codes.MISSING, "there is no such case", "test files are called NAME_test.yaml")
    left = {} if may_act else {case.id: why for case in found.cases if (why := _noticed(case, configs))}
    drawings: dict[str, str] = {}

    def run(case: Case) -> Outcome:
        if case.id in left:
            return Outcome(case, "skipped", reason=f"{codes.EFFECTS}: the server is read-only; {left[case.id]}")
        return _traced(case, configs, drawings if trace else None)

    with quiet():
        outcomes = run_all(found.cases, run, lambda _: None, parallel=os.cpu_count() or 1)
    return _judged(found, outcomes, drawings)


def _noticed(case: Case, configs: Configs) -> str:
    """What of a case others could notice, "" for nothing."""
    from octo.debug.addresses import resolve
    from octo.suite.run import needed

    with configs.lent(case.config, case.env) as config:
        part = needed(case, config)
        return ", ".join(effects(part, [resolve(config, address) for address in case.mocks]))


def _traced(case: Case, configs: Configs, drawings: dict[str, str] | None) -> Outcome:
    """Run a case. If it goes wrong, its trace is drawn, unless there are enough."""
    from octo.suite import run_case

    with _recorded() as traced:
        outcome = run_case(case, configs, observers=[traced.recorder])
    if outcome.is_wrong and drawings is not None and len(drawings) < MOST_TRACED:
        with configs.lent(case.config, case.env) as config:
            drawings[case.id] = traced.drawn(config)
    return outcome


def _judged(found: Plan, outcomes: Sequence[Outcome], drawings: Mapping[str, str]) -> Answer:
    from octo.suite.results import results

    report = json.loads(results(found.suites, outcomes, sum(each.seconds for each in outcomes)))
    for suite, told in zip(found.suites, report["suites"], strict=True):
        for case, case_told in zip(suite.cases, told["cases"], strict=True):
            case_told["at"] = str(case.at)
            if drawing := drawings.get(case.id):
                case_told["trace"] = drawing
            case_told["log"] = case_told.get("log", [])[-20:]
    good = not any(each.is_wrong for each in outcomes)
    return {"ok": good, "totals": report["totals"], "suites": report["suites"]}


@contextmanager
def _logged() -> Iterator[list[str]]:
    """The first lines that are logged."""
    from octo.core.log import Text

    lines: list[str] = []
    handler, text = logging.Handler(logging.INFO), Text()

    def emit(record: logging.LogRecord) -> None:
        if len(lines) < MOST_LINES:
            lines.append(text.format(record))

    handler.emit = emit  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


# --- traces ------------------------------------------------------------------------------------------------------


class _Traced:
    """The traces of what ran. recorder: watches it."""

    def __init__(self, recorder: Recorder, store: Any) -> None:
        self.recorder = recorder
        self._store = store

    def drawn(self, config: Config) -> str:
        """All of them, the oldest first, with the values of expressions. Call it after the context."""
        from octo.trace.values import with_values

        found = dict.fromkeys(each.trace for each in reversed(self._store.find(limit=20)))
        return "\n\n".join(drawn(with_values(self._store.get(each), config)) for each in found)


@contextmanager
def _recorded() -> Iterator[_Traced]:
    from octo.trace.memory import Memory
    from octo.trace.recorder import Recorder
    from octo.trace.writer import Writer

    store = Memory()
    with Writer([store]) as writer:
        yield _Traced(Recorder(writer.put), store)
