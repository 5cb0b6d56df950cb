"""Searches the messages that a flow accepts for the smallest one that shows a fault of the flow."""

from __future__ import annotations

import time
import warnings
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from octo.config.documents import FlowDoc
from octo.core.errors import Bug, OctoError, Position
from octo.core.flow import Failure, Outcome, Processor, Result
from octo.core.message import Message
from octo.engine.contracts import Contracts, Violation, broken
from octo.engine.observe import Build, Observer
from octo.expr import ExprError
from octo.suite.case import Case
from octo.suite.configs import Configs
from octo.suite.run import run_case
from octo.testing.clock import START

if TYPE_CHECKING:
    from octo.suite.generate.strategies import Strategy

EXAMPLES = 200
"""Messages tried per flow. Making a found message smaller takes as many more as needed."""


class Fault(NamedTuple):
    """What a flow did wrong. text: the clause that was broken, or the failure. at: its place in the file."""

    kind: str
    text: str
    at: Position | None


class Finding(NamedTuple):
    """The smallest message found that shows a fault. case: runs the flow with this message."""

    case: Case
    fault: Fault

    @property
    def body(self) -> object:
        return self.case.calls[0].data


class Searched(NamedTuple):
    """The result for one flow. tried: how many messages met its `requires`. error: why none could be tried, else "".

    seconds: how long the search took.
    """

    flow: str
    tried: int
    finding: Finding | None = None
    error: str = ""
    seconds: float = 0.0


def search(
    case: Case,
    configs: Configs,
    *,
    examples: int = EXAMPLES,
    seed: int = 0,
    tried: Callable[[int, bool], object] = lambda _, __: None,
) -> Searched:
    """Run the case with messages generated from the flow's `input:`, as the body of its only call.

    A flow has a fault if it breaks an `ensures` of its own, or a `requires` or `ensures` of a flow that it calls, or
    if it fails because of an expression that cannot be evaluated or a bug. A failure that a block raises on purpose,
    such as a refused request, is no fault.

    tried: called after each message with their number, and whether one showed a fault: then the search is for a
    smaller one.
    """
    began = time.perf_counter()
    with configs.lent(case.config, case.env) as config:
        doc = config.flows[case.flow]
    # In virtual time: a flow may wait, and the waits of hundreds of messages add up.
    trials = _Trials(case._replace(clock=case.clock or START), configs, doc, tried)
    try:
        _hypothesis(trials, doc, examples, seed)
    except _Wrong:
        assert trials.finding is not None
    except _Unusable as error:
        return Searched(case.flow, trials.count, error=str(error))
    return Searched(case.flow, trials.count, trials.finding, seconds=time.perf_counter() - began)


class _Wrong(Exception):
    """The current message shows a fault of the flow."""


class _Unusable(Exception):
    """No message can be tried."""


def _hypothesis(trials: _Trials, doc: FlowDoc, examples: int, seed: int) -> None:
    from hypothesis.errors import Unsatisfiable

    try:
        _draw(_bodies(doc), trials.attempt, examples, seed)
    except Unsatisfiable as error:
        raise _Unusable(_why_none(doc)) from error


def _draw(strategy: Strategy, attempt: Callable[[Any], None], examples: int, seed: int = 0) -> None:
    import hypothesis

    rules = hypothesis.settings(
        # Without `explain`: it tries hundreds of messages more, for a comment that nobody reads here.
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        max_examples=examples,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hypothesis.seed(seed)(rules(hypothesis.given(strategy)(attempt)))()


def _bodies(doc: FlowDoc) -> Strategy:
    from octo.suite.generate.strategies import anything, messages, patterned, text

    if doc.input is None:
        return anything()
    for where, schema in patterned(doc.input):
        try:
            text(schema)
        except ValueError as error:
            raise _Unusable(f"{_named(doc, where, schema)} is not supported: {error}") from error
    return messages(doc.input)


def _why_none(doc: FlowDoc) -> str:
    from octo.suite.generate.strategies import patterned, text

    for where, schema in patterned(doc.input):
        if not _has_any(text(schema)):
            return f"no text was found that fits {_named(doc, where, schema)}; write a simpler pattern"
    if doc.contract is not None and doc.contract.requires:
        return "no message was found that fits `input` and meets `requires`; describe `input` more closely"
    return "no message was found that fits `input`; does it contradict itself?"


def _named(doc: FlowDoc, where: str, schema: Mapping[str, Any]) -> str:
    return f"the pattern `{schema['pattern']}` ({doc.at}, `{where}`)"


def _has_any(strategy: Strategy) -> bool:
    from hypothesis.errors import Unsatisfiable

    try:
        _draw(strategy, lambda _: None, EXAMPLES)
    except Unsatisfiable:
        return False
    return True


class _Trials:
    """Runs one message after the other. finding: the last one that showed a fault; in the end, the smallest."""

    def __init__(self, case: Case, configs: Configs, doc: FlowDoc, tried: Callable[[int, bool], object]) -> None:
        self._demands = () if doc.contract is None else doc.contract.requires
        self._case = case
        self._configs = configs
        self.count = 0
        self.finding: Finding | None = None
        self._tried = tried

    def attempt(self, body: Any) -> None:
        from hypothesis import reject

        call = self._case.calls[0]._replace(data=body)
        if any(broken(demand, body, call.vars) is not None for demand in self._demands):
            reject()  # before anything runs: most messages do not meet narrow demands
        case = self._case._replace(calls=(call,))
        watch = _Watch(case.flow)
        outcome = run_case(case, self._configs, observers=[watch, Contracts(watch.violated)])
        if outcome.status == "errored":
            raise _Unusable(outcome.reason)
        self.count += 1
        if watch.fault is not None:
            self.finding = Finding(case, watch.fault)
        self._tried(self.count, self.finding is not None)
        if watch.fault is not None:
            raise _Wrong


class _Watch(Observer):
    """Notes the first fault of one run."""

    def __init__(self, flow: str) -> None:
        self._flow = flow
        self.fault: Fault | None = None

    def violated(self, violation: Violation) -> None:
        self.fault = self.fault or Fault(violation.kind, str(violation), violation.at)

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        process = build(self)
        return self._watched(process) if doc.name == self._flow else process

    def _watched(self, process: Processor) -> Processor:
        def run(message: Message) -> Result:
            try:
                result = process(message)
            except Failure as failure:
                self._failed(failure)
                raise
            return result if isinstance(result, Message) or not isinstance(result, Awaitable) else later(result)

        async def later(waiting: Awaitable[Outcome]) -> Outcome:
            try:
                return await waiting
            except Failure as failure:
                self._failed(failure)
                raise

        return run

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.cause, ExprError | Bug) or not isinstance(failure.cause, OctoError):
            self.fault = self.fault or Fault("fails", f'flow "{self._flow}" fails: {failure}', failure.at)
