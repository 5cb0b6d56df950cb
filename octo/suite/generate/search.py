"""Searching the messages that a flow accepts for the smallest one that it treats wrongly."""

from __future__ import annotations

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
"""Messages that are tried per flow; what is found is then made smaller with as many more as that takes."""


class Fault(NamedTuple):
    """What a flow did wrong. text: the clause, or the failure. at: where in the file that is."""

    kind: str
    text: str
    at: Position | None


class Finding(NamedTuple):
    """The smallest message found that a flow treats wrongly, and the call to try it with."""

    case: Case
    fault: Fault

    @property
    def body(self) -> object:
        return self.case.calls[0].data


class Searched(NamedTuple):
    """tried: how many messages kept the flow's `requires`. error: why none could be tried, "" if some were."""

    flow: str
    tried: int
    finding: Finding | None = None
    error: str = ""


def search(case: Case, configs: Configs, *, examples: int = EXAMPLES, seed: int = 0) -> Searched:
    """Try messages made from the flow's `input:` on a case whose single call they take the body of.

    A flow is wrong if it breaks an `ensures` of its own, or a `requires` or `ensures` of a flow it calls, or fails for
    a reason that lies in the flow: an expression that cannot be evaluated, or a defect. A failure that a block raised
    on purpose, such as a refused request, is an answer.
    """
    with configs.lent(case.config, case.env) as config:
        doc = config.flows[case.flow]
    # In virtual time, for a flow may wait, and the waits of hundreds of messages add up.
    trials = _Trials(case._replace(clock=case.clock or START), configs, doc)
    try:
        _hypothesis(trials, doc, examples, seed)
    except _Wrong:
        assert trials.finding is not None
    except _Unusable as error:
        return Searched(case.flow, trials.count, error=str(error))
    return Searched(case.flow, trials.count, trials.finding)


class _Wrong(Exception):
    """The message at hand is treated wrongly."""


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
            raise _Unusable(f"{_named(doc, where, schema)} cannot be read here: {error}") from error
    return messages(doc.input)


def _why_none(doc: FlowDoc) -> str:
    from octo.suite.generate.strategies import patterned, text

    for where, schema in patterned(doc.input):
        if not _has_any(text(schema)):
            return f"no text was found that fits {_named(doc, where, schema)}; say it more simply"
    if doc.contract is not None and doc.contract.requires:
        return "no message that fits `input` was found to keep `requires`; say more in `input`"
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
    """Runs one message after the other. finding: the last one treated wrongly, which in the end is the smallest."""

    def __init__(self, case: Case, configs: Configs, doc: FlowDoc) -> None:
        self._demands = () if doc.contract is None else doc.contract.requires
        self._case = case
        self._configs = configs
        self.count = 0
        self.finding: Finding | None = None

    def attempt(self, body: Any) -> None:
        from hypothesis import reject

        call = self._case.calls[0]._replace(data=body)
        if any(broken(demand, body, call.vars) is not None for demand in self._demands):
            reject()  # before anything runs: of narrow demands most messages fall short
        case = self._case._replace(calls=(call,))
        watch = _Watch(case.flow)
        outcome = run_case(case, self._configs, observers=[watch, Contracts(watch.violated)])
        if outcome.status == "errored":
            raise _Unusable(outcome.reason)
        self.count += 1
        if watch.fault is not None:
            self.finding = Finding(case, watch.fault)
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
