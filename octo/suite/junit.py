"""The report for build servers: JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from octo.core.errors import Problem
from octo.core.secrets import masked
from octo.suite.case import Suite
from octo.suite.outcome import Mismatch, Outcome

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LONGEST = 160
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(
    suites: Sequence[Suite], outcomes: Sequence[Outcome], seconds: float, problems: Iterable[Problem] = ()
) -> bytes:
    """Return the report of all suites as XML. problems: why nothing ran; each becomes a case that errored."""
    from xml.etree.ElementTree import Element, indent, tostring

    by_case = {outcome.case.id: outcome for outcome in outcomes}
    problems = list(problems)
    root = Element("testsuites", {"name": "dolphin", **_counts(outcomes, seconds, len(problems))})
    for suite in suites:
        of_suite = [by_case[case.id] for case in suite.cases]
        total = sum(outcome.seconds for outcome in of_suite)
        element = Element("testsuite", {"name": str(suite.file), **_counts(of_suite, total)})
        element.extend(_case(outcome) for outcome in of_suite)
        root.append(element)
    root.extend(_refused(problem) for problem in problems)
    indent(root)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _counts(outcomes: Sequence[Outcome], seconds: float, problems: int = 0) -> dict[str, str]:
    found = [*(outcome.status for outcome in outcomes), *["errored"] * problems]
    return {
        "tests": str(len(found)),
        "failures": str(found.count("failed")),
        "errors": str(found.count("errored")),
        "skipped": str(found.count("skipped") + found.count("not-run")),
        "time": f"{seconds:.3f}",
    }


def _case(outcome: Outcome) -> Element:
    from xml.etree.ElementTree import Element

    name, flow = _text(outcome.case.name), _text(outcome.case.flow)
    element = Element("testcase", name=name, classname=flow, time=f"{outcome.seconds:.3f}")
    if outcome.status == "failed":
        first = Element("failure", type="assertion", message=_flat(outcome.failures[0]))
        first.text = _text("\n".join(_whole(mismatch) for mismatch in outcome.failures))
        element.append(first)
    elif outcome.status == "errored":
        error = Element("error", type="run", message=_cut(_text(outcome.reason)))
        error.text = _text(outcome.reason)
        element.append(error)
    elif outcome.status != "passed":
        element.append(Element("skipped", message=_text(outcome.reason or "not run")))
    if outcome.reproduce:
        told = Element("system-out")
        told.text = _text(outcome.reproduce)
        element.append(told)
    return element


def _refused(problem: Problem) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    suite = Element("testsuite", {"name": _text(problem.at.file), **_counts((), 0.0, problems=1)})
    case = SubElement(suite, "testcase", name=_text(f"{problem.at}: {problem.code}"), classname="octo", time="0.000")
    error = SubElement(case, "error", type="load", message=_cut(_text(problem.message)))
    error.text = _text(str(problem))
    return suite


def _flat(mismatch: Mismatch) -> str:
    return _cut(" ".join(_text(_whole(mismatch)).split()))


def _whole(mismatch: Mismatch) -> str:
    return f"{mismatch.summary}\n{mismatch.detail}" if mismatch.detail else mismatch.summary


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _text(text: str) -> str:
    """The text without secrets and without characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", masked(text))
