"""The facts of a configuration: what one must know of it to deploy it, and to see what a new version of it changes.

They are read from its files alone. Whatever the environment is, the same files have the same facts. Nothing in them is
run: who asks for the facts may trust their author less than who runs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from octo.config.components import Component, components, services
from octo.config.digests import digest, flow_digest
from octo.config.load import Draft, check, config_files, draft, read_bytes
from octo.config.reaching import Listening, Reached, listening, reached
from octo.config.report import Report
from octo.config.supposed import respelled
from octo.config.unfinished import read_partly
from octo.config.used import NamedSecret, Variable, secret_ones, secrets, texts_of, uses, variables
from octo.config.yaml import File
from octo.core.errors import ConfigError, Problem
from octo.core.plugins import Plugins
from octo.core.secrets import masked
from octo.core.source import Serving
from octo.core.unrun import only_read

VERSION = 1
"""The version of the form of `as_json`. It grows when a reader of the old form would misread the new one."""


class Served(NamedTuple):
    """A path that a flow answers. method: `*` for all."""

    connector: str
    method: str
    path: str
    flow: str


class Facts(NamedTuple):
    """What the files say, in their order, and what is wrong with them."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    components: tuple[Component, ...] = ()
    routes: tuple[Served, ...] = ()
    listens: tuple[Listening, ...] = ()
    reaches: tuple[Reached, ...] = ()
    variables: tuple[Variable, ...] = ()
    secrets: tuple[NamedSecret, ...] = ()
    resources: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "ok": not self.problems,
            "problems": [_problem(each) for each in self.problems],
            "warnings": [_problem(each) for each in self.warnings],
            "flows": _flows(self.components),
            "blocks": [
                {"address": each.name, "flow": each.flow, "type": each.type or None, "digest": digest(each)}
                for each in self._of("block")
            ],
            "connectors": [
                {"name": each.name or None, "type": each.type or None, "digest": digest(each)}
                for each in self._of("connector")
            ],
            "routes": [each._asdict() for each in self.routes],
            "listens": [each.as_json() for each in self.listens],
            "reaches": [each.as_json() for each in self.reaches],
            "variables": [each.as_json() for each in self.variables],
            "secrets": [each.as_json() for each in self.secrets],
            "services": services(self.components),
            "resources": list(self.resources),
        }

    def _of(self, kind: str) -> Iterator[Component]:
        return (each for each in self.components if each.kind == kind)


def facts(path: Path, plugins: Plugins) -> Facts:
    """The facts of a configuration file or folder, as far as it can be read."""
    report = Report()
    try:
        paths = config_files(path)
    except ConfigError as error:
        return Facts(tuple(error.problems))
    found = (read_partly(data, str(each), report) for each in paths if (data := read_bytes(each, report)) is not None)
    files = [file for file in found if file is not None]
    # The missing part of an unfinished file may define what the rest refers to, so further problems are dropped.
    rest = Report() if report.problems else report
    root = path if path.is_dir() else path.parent
    with only_read(root.resolve()):
        read = _read(files, root, plugins, rest)
        told = Facts() if read is None else _facts(read, files, root)
    return told._replace(problems=tuple(report.problems), warnings=tuple(report.warnings))


def _read(files: list[File], root: Path, plugins: Plugins, report: Report) -> Draft | None:
    found: Draft | None = None
    try:
        found = draft(files, root, plugins, None, report)
        check(found)
    except ConfigError:
        pass  # there were too many problems to go on; the report has them
    return found


def _facts(found: Draft, files: list[File], root: Path) -> Facts:
    parts = components(found.context)
    used = uses((*texts_of(files), *(each.text for each in found.resources.texts.values())))
    given = frozenset(name for names in found.given.values() for name in names)
    connectors = [each for each in parts if each.kind == "connector"]
    return Facts(
        components=tuple(parts),
        routes=tuple(_routes(parts, found)),
        listens=tuple(each for one in connectors for each in listening(one, found.environment)),
        reaches=tuple(each for one in parts for each in reached(one, found.environment)),
        variables=tuple(variables(found.environment, used, given, secret_ones(parts))),
        secrets=tuple(secrets(found.environment, parts)),
        resources=tuple(_resources(found, root)),
    )


def _resources(found: Draft, root: Path) -> list[str]:
    asked = found.named.asked if found.named is not None else ()
    return sorted({each.relative_to(root).as_posix() for each in (*found.resources.templates.values(), *asked)})


def _routes(parts: Iterable[Component], found: Draft) -> Iterator[Served]:
    connectors = found.context.connectors.all()
    unknown = found.environment.missing | found.environment.unset
    for part in parts:
        source = None if part.entry is None else part.entry.source
        server = connectors.get(part.connector)
        if source is None or server is None or not isinstance(source.settings, Serving):
            continue
        for method, path in source.settings.served(server.settings):
            yield Served(part.connector, method, respelled(path, unknown), part.flow)


# --- the form ----------------------------------------------------------------------------------------------------


def _problem(problem: Problem) -> dict[str, object]:
    return {key: masked(value) if isinstance(value, str) else value for key, value in problem.as_json().items()}


def _flows(parts: Iterable[Component]) -> list[dict[str, object]]:
    inside: dict[str, list[Component]] = {}
    flows: list[Component] = []
    for each in parts:
        if each.kind == "flow":
            flows.append(each)
        elif each.flow:
            inside.setdefault(each.flow, []).append(each)
    return [_flow(each, inside.get(each.name, [])) for each in flows]


def _flow(flow: Component, parts: list[Component]) -> dict[str, object]:
    source = next((each for each in parts if each.kind == "source"), None)
    return {
        "name": flow.name,
        "source": None if source is None else {"type": source.type or None, "connector": source.connector or None},
        "durability": "journal" if _said(flow, "durability") == "journal" else None,
        "callable": bool(_said(flow, "name")),
        "digest": flow_digest(flow, parts),
    }


def _said(flow: Component, key: str) -> object:
    place = flow.entries.get(key)
    return None if place is None else place.value
