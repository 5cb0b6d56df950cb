"""Questions of the editor that run something: a message again, the cases of test files."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octo.cli.authoring import codes
from octo.cli.authoring.refusal import Refused
from octo.core.message import Message
from octo.engine.observe import Observer
from octo.engine.step import Step

if TYPE_CHECKING:
    from octo.config.documents import BlockDoc, Config
    from octo.core.flow import Ending
    from octo.suite import Case, Outcome
    from octo.trace.record import Record, SpanState

Answer = dict[str, Any]


# --- a message again ---------------------------------------------------------------------------------------------


def again(
    path: str,
    root: str,
    store: str,
    id: str,  # noqa: A002  everybody's word
    *,
    span: str,
    message: Mapping[str, Any] | None,
    calls: str,
    timeout: float,
) -> Answer:
    """Run a recorded message through the files as they are, and keep what happens beside it.

    root: the copy of the project. span: the step to begin with, "" for the first. message: what comes to it, instead of
    what came. calls: `recorded` for blocks that return what other systems answered then, `real` to call them.
    """
    from octo.cli.ending import attempt
    from octo.cli.project import load
    from octo.debug import Debug, mocks
    from octo.engine.observe import Observers
    from octo.suite.recorded import suite_of
    from octo.trace.opening import open_store
    from octo.trace.recorder import Recorder
    from octo.trace.writer import Writer

    os.chdir(root)
    config = load(Path(path))
    trace = open_store(store).get(id)
    state = _at(trace, span)
    flow, address = state.record["flow"], state.record["path"]
    if flow not in config.flows:
        raise Refused(codes.MISSING, f"there is no flow {flow!r} any more")
    standins: Mapping[str, Any] = suite_of(trace, config)["mocks"] if calls == "recorded" else {}
    made = {each: mocks.parse(spec, each, config.env) for each, spec in standins.items()}
    debug = Debug(config, flow, mocks=made)
    begin = [] if state.record["kind"] == "flow" else [_From(_before(config, flow, address))]
    sent = _message(state, message)
    with Writer([open_store(store, write=True)]) as writer:
        # The outermost at last: what is passed unseen is not recorded.
        observer = Observers([debug, Recorder(writer.put), *begin])
        outcome = asyncio.run(attempt(debug.config, flow, sent, timeout, observer))
    return {"id": sent.event_id, **_ended(outcome)}


def _at(trace: Sequence[Record], span: str) -> SpanState:
    from octo.trace.record import first, states

    found = [each for each in states(first(trace)) if each.record["span"] == span or not span]
    if not found:
        raise Refused(codes.MISSING, f"the message has no step {span!r}")
    return found[0]


def _message(state: SpanState, given: Mapping[str, Any] | None) -> Message:
    """The message to send: the one that came, or what is given of another."""
    body, variables, raw = state.before.body, state.before.vars, state.before.raw
    if given is not None:
        raw = raw and "body" not in given
        body, variables = given.get("body", body), given.get("vars", variables)
    return Message(body, dict(variables), raw=raw)


def _before(config: Config, flow: str, address: str) -> frozenset[str]:
    """The blocks that run before one, in its chain and in those around it. Raises `Refused` if it is in none."""
    found = _way(config.flows[flow].process, address)
    if found is None:
        hint = "begin with a block of the flow's own chain: an error chain runs when something fails"
        raise Refused(codes.MISSING, f"the flow has no block {address!r} to begin with", hint)
    return frozenset(found)


def _way(blocks: Iterable[BlockDoc], address: str) -> list[str] | None:
    from octo.core.sockets import Steps, sockets

    passed: list[str] = []
    for block in blocks:
        if block.address == address:
            return passed
        for _, socket in sockets(block.settings):
            if isinstance(socket, Steps) and (found := _way(socket.blocks, address)) is not None:
                return [*passed, *found]
        passed.append(block.address)
    return None


class _From(Observer):
    """Lets messages pass these blocks unseen."""

    def __init__(self, skipped: frozenset[str]) -> None:
        self._skipped = skipped

    def step(self, step: Step) -> Step:
        return step._replace(call=lambda message: message) if step.address in self._skipped else step


def _ended(outcome: Ending | Exception) -> Answer:
    from octo.cli.authoring.trying import ended

    found = ended(outcome)
    return {"outcome": found["outcome"], "error": found.get("error"), "reason": found.get("reason", "")}


# --- a message as it was -----------------------------------------------------------------------------------------


def values(path: str, store: str, id: str) -> Answer:  # noqa: A002  everybody's word
    """The values of the expressions of each step of a message, by span."""
    from octo.cli.project import load
    from octo.expr import to_json
    from octo.trace.opening import open_store
    from octo.trace.values import with_values

    records = with_values(open_store(store).get(id), load(Path(path)))
    return {"values": {each["span"]: to_json(each["values"]) for each in records if "values" in each}}


def recorded(path: str, store: str, id: str) -> Answer:  # noqa: A002
    """A recorded message as a case of the test file of its flow: the whole text of that file, with it at the end."""
    from octo.cli.exploration import remarks
    from octo.cli.project import load
    from octo.suite.recorded import made_of
    from octo.trace.opening import open_store

    config = load(Path(path))
    made = made_of(open_store(store).get(id), config)
    flow = made.suite["flow"]
    file = Path(config.flows[flow].at.file)
    file = file.with_name(f"{file.stem}_test{file.suffix}")
    before = file.read_bytes().decode() if file.is_file() else ""
    [case] = made.suite["cases"]
    more = {name: made.suite[name] for name in ("clock", "mocks") if made.suite[name]}
    called = {"flow": flow, **{name: case[name] for name in ("input", "expect")}}
    entry = {"name": case["name"], **more, "calls": [called]}
    text = _appended(before, entry) if before.strip() else _fresh(flow, {**case, **more})
    notes = [line.removeprefix("# ") for line in remarks(made).splitlines()]
    return {"path": file.as_posix(), "text": text, "isNew": not before, "case": case["name"], "remarks": notes}


def _fresh(flow: str, case: Mapping[str, Any]) -> str:
    from octo.suite.yaml import dump

    return dump({"flow": flow, "cases": [dict(case)]})


def _appended(text: str, case: Mapping[str, Any]) -> str:
    """A test file with one more case at the end of its list; no other byte of it changes."""
    from octo.suite.yaml import dump

    lines = text.splitlines(keepends=True)
    start = next((number for number, line in enumerate(lines) if line.rstrip() == "cases:"), None)
    if start is None:
        hint = "write `cases:` on a line of its own, and each case below it"
        raise Refused(codes.ARGUMENT, "the cases of the test file are not a list of lines", hint)
    end = start + 1
    for number in range(start + 1, len(lines)):
        line = lines[number]
        if line.strip() and not line.startswith((" ", "-", "#", "\t")):
            break
        if line.strip() and not line.lstrip().startswith("#"):
            end = number + 1
    first = next((line for line in lines[start + 1 : end] if line.lstrip().startswith("-")), "  - ")
    margin = first[: len(first) - len(first.lstrip())]
    newline = "\r\n" if lines[start].endswith("\r\n") else "\n"
    if end and not lines[end - 1].endswith("\n"):
        lines[end - 1] += newline
    added = [f"{margin}{line}{newline}" if line else newline for line in dump([dict(case)]).splitlines()]
    return "".join([*lines[:end], *added, *lines[end:]])


# --- tests -------------------------------------------------------------------------------------------------------


def test(path: str, root: str, *, only: Sequence[str] | None, tell: Callable[[object], None]) -> Answer:
    """Run the cases of a configuration's test files. Each is told when it ends; the answer has what they covered.

    root: the copy of the project. only: the ids of some cases.
    """
    from octo.cli.suites import configurations
    from octo.core import log
    from octo.suite import plan, run_all, run_case
    from octo.suite.coverage import Coverage, json as exported
    from octo.suite.logs import quiet

    os.chdir(root)
    log.reserve_stdout()
    log.check_lines()
    coverage = Coverage()
    configs = configurations(coverage)
    choice = None if only is None else set(only).__contains__
    found = plan(_files(Path(path)), configs, choice=choice)
    tell({"kind": "plan", "cases": [{"id": each.id, **_place(each)} for each in found.cases]})
    began = time.perf_counter()

    def done(outcome: Outcome) -> None:
        tell({"kind": "case", **_result(outcome)})

    with quiet():
        outcomes = run_all(
            found.cases,
            lambda case: run_case(case, configs, observers=[coverage]),
            done,
            parallel=max(1, (os.cpu_count() or 2) // 2),
        )
    counts = {status: sum(each.status == status for each in outcomes) for status in _STATUSES}
    return {
        "ok": not any(each.is_wrong for each in outcomes),
        "totals": {"cases": len(outcomes), **counts, "elapsedMs": round((time.perf_counter() - began) * 1000)},
        "coverage": _covered(json.loads(exported(coverage.result()))),
    }


_STATUSES = ("passed", "failed", "errored", "skipped")


def _files(path: Path) -> list[Path]:
    from octo.config.files import is_test, yaml_files

    if path.is_dir():
        return [each for each in yaml_files(path) if is_test(each)] or [path]
    return [path]


def _place(case: Case) -> Answer:
    return {"name": case.name, "flow": case.flow, "file": str(case.file), "line": case.at.line}


def _result(outcome: Outcome) -> Answer:
    from octo.suite.results import case_of

    found: Mapping[str, Any] = case_of(outcome)
    failures = [{"summary": each["summary"], "detail": each.get("detail", "")} for each in found.get("failures", ())]
    return {
        "id": outcome.case.id,
        **_place(outcome.case),
        "status": outcome.status,
        "elapsedMs": found["elapsedMs"],
        "summary": found.get("summary", ""),
        "failures": failures,
        "log": list(outcome.log)[-50:],
    }


def _covered(result: Mapping[str, Any]) -> Answer:
    """How often each block, branch, error path and decision occurred, by address."""
    items = [item for file in result["files"] for flow in file["flows"] for item in flow["items"]]
    known = ("kind", "address", "text", "file", "line", "column", "hits", "outcomes", "missed")
    return {
        "percent": result["percent"],
        "covered": result["covered"],
        "total": result["total"],
        "items": [{name: item[name] for name in known} for item in items],
    }
