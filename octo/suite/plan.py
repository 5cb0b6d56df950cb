"""Turns paths into suites that are ready to run, or reports everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from octo.config.report import Report
from octo.core.cassette import Replayed
from octo.suite.bind import bind
from octo.suite.case import Case, Suite
from octo.suite.cassettes import Cassettes
from octo.suite.choose import Choice
from octo.suite.configs import Configs
from octo.suite.discover import discover
from octo.suite.rules import read_draft


class Plan(NamedTuple):
    """The suites in the order of their paths. watched: the test files and the files that they test."""

    suites: tuple[Suite, ...]
    watched: tuple[Path, ...]

    @property
    def cases(self) -> list[Case]:
        return [case for suite in self.suites for case in suite.cases]


def plan(
    paths: Iterable[Path],
    configs: Configs,
    *,
    config: Path | None = None,
    env: Mapping[str, str] | None = None,
    choice: Choice | None = None,
    cassettes: Cassettes | None = None,
) -> Plan:
    """Return the suites of these paths. Raises `ConfigError` with every problem of every file, before anything runs.

    config: what all of them test, whatever flow file stands beside them.
    env: variables that replace those of the process.
    choice: says by the `file::name` of a case whether it is kept; a suite without cases is left out.
    cassettes: take up those that the test files name.
    """
    report, env, cassettes = Report(), env or {}, cassettes or Cassettes()
    suites = []
    for target in discover(paths, config, configs, env, report):
        draft = read_draft(target.file, report)
        suite = None if draft is None else bind(draft, target.config, configs, env, report, cassettes)
        suites += [] if suite is None else [suite]
    report.raise_if_any()
    chosen = (_chosen(suite, choice) for suite in suites)
    watched = {*configs.watched, *(suite.file for suite in suites), *cassettes.files}
    return Plan(tuple(suite for suite in chosen if suite.cases), tuple(sorted(watched)))


def repeating(found: Plan) -> Plan:
    """The plan whose stubs give again what they have given: for runs that call more often than the author thought."""
    return found._replace(suites=tuple(map(_repeating, found.suites)))


def _repeating(suite: Suite) -> Suite:
    return suite._replace(cases=tuple(map(_lenient, suite.cases)), blank=_lenient(suite.blank))


def _lenient(case: Case) -> Case:
    stubs = {
        name: stub.model_copy(update={"repeat": True}) if isinstance(stub, Replayed) else stub
        for name, stub in case.stubs.items()
    }
    return case._replace(stubs=stubs)


def _chosen(suite: Suite, choice: Choice | None) -> Suite:
    return suite if choice is None else suite._replace(cases=tuple(case for case in suite.cases if choice(case.id)))
