"""What `octo test` does besides running cases: coverage, generated messages, faults, tests from recorded messages."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from octo.cli import exits
from octo.cli.progress import Tell, progress
from octo.cli.project import refuse, wants_colour, written
from octo.cli.terminal import give, say
from octo.core.errors import OctoError

if TYPE_CHECKING:
    from octo.suite import Case, Configs, Plan
    from octo.suite.chaos import Explored
    from octo.suite.console import Style
    from octo.suite.coverage import Coverage
    from octo.suite.recorded import Made

Echo = Callable[[str], None]


class Cover(NamedTuple):
    """The options about coverage."""

    table: bool
    least: float | None
    html: Path | None
    json: Path | None

    @property
    def is_wanted(self) -> bool:
        return self.table or self.least is not None or self.html is not None or self.json is not None


def covered(cover: Cover, coverage: Coverage) -> int:
    """Report the coverage. Return the exit code, which says whether it was enough."""
    from octo.suite.coverage import html, json, text
    from octo.suite.coverage.result import rounded

    result = coverage.result()
    say()
    say(text(result, colour=wants_colour()))
    code = exits.DONE
    if cover.least is not None and result.percent < cover.least:
        say(f"coverage is {rounded(result.percent)}, less than {cover.least:g}%", err=True)
        code = exits.FAILED
    if cover.html is not None and not written(cover.html, lambda path: say(f"\n{html(result, path)}")):
        code = exits.USAGE
    if cover.json is not None and not written(cover.json, lambda path: path.write_text(json(result))):
        code = exits.USAGE
    return code


def generated(plan: Plan, configs: Configs, examples: int, seed: int, echo: Echo, style: Style) -> int:
    """Search for messages that the flows of the suites handle wrongly. Return the exit code."""
    from octo.suite.generate.console import shown
    from octo.suite.generate.search import search

    code = exits.DONE
    echo("")
    for case in _one_per_flow(suite.blank for suite in plan.suites):
        with progress() as tell:
            tried = partial(_searching, tell, case.flow, examples)
            found = search(case, configs, examples=examples, seed=seed, tried=tried)
        for line in shown(found, style):
            echo(line)
        code = max(code, exits.USAGE if found.error else exits.FAILED if found.finding else exits.DONE)
    return code


def _searching(tell: Tell, flow: str, examples: int, count: int, is_wrong: bool) -> None:
    tell(f"{flow}: {count} messages, looking for the smallest" if is_wrong else f"{flow}: {count}/{examples} messages")


def _one_per_flow(cases: Iterable[Case]) -> list[Case]:
    return list({(case.config, case.flow): case for case in cases}.values())


def faulted(plan: Plan, configs: Configs, echo: Echo, style: Style) -> int:
    """Try every fault in every outside call that the cases make. Return the exit code."""
    from octo.suite.chaos import explore
    from octo.suite.chaos.console import shown, summary

    found: list[Explored] = []
    with progress() as tell:
        for case in plan.cases:
            tried = partial(_planting, tell, f"case {len(found) + 1}/{len(plan.cases)}, {case.title}")
            found.append(explore(case, configs, tried=tried))
    for explored in found:
        if explored.verdicts or explored.skipped:
            echo("")
            for line in shown(explored, style):
                echo(line)
    echo("")
    echo(summary(found, style))
    return exits.FAILED if any(verdict.is_wrong for each in found for verdict in each.verdicts) else exits.DONE


def _planting(tell: Tell, case: str, count: int, of: int) -> None:
    tell(f"{case}: {count}/{of} faults")


def from_trace(id: str, store: str, config: Path, configs: Configs, out: Path | None) -> int:  # noqa: A002
    """Write or print a test file that is made from a recorded message. Return the exit code."""
    from octo.cli.stored import find
    from octo.suite.recorded import made_of
    from octo.suite.yaml import dump
    from octo.trace.record import first

    if out is not None:
        _named_as_test(out)
    trace = find(store, id)
    try:
        with configs.lent(config, {}) as loaded:
            made = made_of(trace, loaded)
    except OctoError as error:
        refuse(error)
        return exits.USAGE
    text = f"# From the trace {first(trace)[-1]['trace']}.\n{remarks(made)}{dump(made.suite)}"
    if out is None:
        give(text.encode())
        return exits.DONE
    if not written(out, lambda path: _new(path, text)):
        return exits.USAGE
    # Always with --config: the folder may contain other configurations, now or later.
    say(f"{out}: run it with `{shlex.join(['octo', 'test', str(out), '--config', str(config)])}`")
    return exits.DONE


def remarks(made: Made) -> str:
    """What a reader of the test file must know, as comments."""
    lines = []
    if made.masked:
        lines += ["Masked in the trace, so the flow does not get the same values here:", *_indented(made.masked)]
        lines += ["If the flow depends on them, replace them by values for the test."]
    if made.unasserted:
        lines += ["Not asserted, because the trace does not contain it or it depends on the clock:"]
        lines += _indented(made.unasserted)
    return "".join(f"# {line}\n" for line in lines)


def _indented(places: Iterable[str]) -> list[str]:
    return [f"  {place}" for place in places]


def _named_as_test(out: Path) -> None:
    from octo.config.files import SUFFIXES, is_test

    if not is_test(out):
        suffix = out.suffix if out.suffix.lower() in SUFFIXES else SUFFIXES[0]
        name = shlex.quote(str(out.with_name(f"{out.stem}_test{suffix}")))
        raise click.BadParameter(f"`octo test` would not find {str(out)!r}; write {name}", param_hint="--out")


def _new(path: Path, text: str) -> None:
    with path.open("x") as file:
        file.write(text)
