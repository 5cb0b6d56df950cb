"""The stubs of test files, in place of the connectors of flows that run outside of a test.

Of a test file count its `env` and its `stubs`, and those of one case if it is named. Mocks, clock and messages do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from octo.config.documents import Config
from octo.config.part import stubbed
from octo.config.reader import did_you_mean
from octo.config.report import Report
from octo.core.connector import ConnectorType
from octo.core.settings import Settings
from octo.suite import codes
from octo.suite.bind import bound_stubs, written_env
from octo.suite.cassettes import Cassettes
from octo.suite.rules import Draft, read_draft

Load = Callable[[Mapping[str, str]], Config]
"""Reads and checks the configuration; takes the variables that replace those of the process. Raises `ConfigError`."""

_MOST_NAMED = 10


class Asked(NamedTuple):
    """A test file, and the title of one of its cases or a part of it; "" for what the file sets for all cases."""

    file: Path
    case: str = ""

    @classmethod
    def parse(cls, text: str) -> Asked:
        """What `FILE` or `FILE::CASE` asks for."""
        file, _, case = text.partition("::")
        return cls(Path(file), case.strip())


def with_stubs(asked: Sequence[Asked], load: Load) -> Config:
    """Return the configuration in which the stubs replace connectors; of two for one connector, the later one does.

    A connector that feeds flows and needs no server stays real if its stub is `{}`: without it nothing would come in.
    Raises `ConfigError` with the problems of the test files, or of the configuration.
    """
    report = Report()
    drafts = [(each, read_draft(each.file, report)) for each in asked]
    report.raise_if_any()
    chosen = [(draft, _index(draft, each.case, report)) for each, draft in drafts if draft is not None]
    report.raise_if_any()
    config = load({name: value for draft, index in chosen for name, value in written_env(draft, index).items()})
    found: dict[str, Settings] = {}
    cassettes = Cassettes()
    for draft, index in chosen:
        found |= _of(draft, index, config, report, cassettes)
    report.raise_if_any()
    return stubbed(config._replace(watched=(*config.watched, *sorted(cassettes.files))), found)


def _index(draft: Draft, case: str, report: Report) -> int | None:
    """The index of the case of this title, or of the only one whose title contains the text; None for no case."""
    titles = [each.name for each in draft.entry.cases]
    if not case:
        return None
    found = [index for index, title in enumerate(titles) if title == case]
    found = found or [index for index, title in enumerate(titles) if case.lower() in title.lower()]
    if len(found) == 1:
        return found[0]
    problem = f'no case of the file is named "{case}"' if not found else f'"{case}" is in the names of several cases'
    named = [titles[index] for index in found] or titles
    report.error(codes.STUBS, draft.at("cases"), problem, did_you_mean(case, titles) if not found else _listed(named))
    return None


def _of(draft: Draft, index: int | None, config: Config, report: Report, cassettes: Cassettes) -> dict[str, Settings]:
    bound = bound_stubs(draft, index, config, report, cassettes)
    if not bound and not report.problems:
        with_some = [each.name for each in draft.entry.cases if each.stubs]
        hint = "write `stubs:` with an entry per connector; mocks replace blocks, in tests only"
        if index is None and with_some:
            hint = f"cases have some: name one, as in `{draft.file}::{with_some[0]}`; {_listed(with_some)}"
        report.error(codes.STUBS, draft.at("cases"), "the file has no `stubs` that could answer", hint)
    feeding = {doc.source.connector for doc in config.flows.values() if doc.source is not None}
    real = {name for name in feeding if not _needs_server(config.connectors[name].type)}
    return {name: stub for name, stub in bound.items() if name not in real or stub.model_fields_set}


def _needs_server(kind: ConnectorType) -> bool:
    """Whether it is a client: it sends, and not to Octo's own services."""
    return bool(kind.blocks) and not kind.services


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return "there are: " + ", ".join(f'"{each}"' for each in names[:_MOST_NAMED]) + more
