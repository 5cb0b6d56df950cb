"""The results of a search with generated messages, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from octo.core.secrets import masked
from octo.suite.compare import rendered
from octo.suite.console import Style, duration
from octo.suite.generate.search import Finding, Searched

_WIDEST = 400


def shown(searched: Searched, style: Style) -> Iterator[str]:
    """Yield one line for a flow without a finding, a few for one with a finding."""
    if searched.error:
        yield f"{style('ERROR', 'red')} {searched.flow}: {masked(searched.error)}"
    elif searched.finding is None:
        yield f"{style('ok', 'green')}    {searched.flow}: {searched.tried} messages  ({duration(searched.seconds)})"
    else:
        took = duration(searched.seconds)
        yield f"{style('FAIL', 'red')}  {searched.flow}: the smallest of {searched.tried} messages tried  ({took})"
        yield from _finding(searched.finding)


def _finding(finding: Finding) -> Iterator[str]:
    body = masked(rendered(finding.body))
    yield f"        {masked(finding.fault.text)}"
    if finding.fault.at is not None:
        yield f"        at {finding.fault.at}"
    yield f"        body: {body[:_WIDEST]}{'...' if len(body) > _WIDEST else ''}"
