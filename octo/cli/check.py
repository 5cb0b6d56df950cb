"""`octo check`: report everything that `run` and `test` would refuse, without running anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import orjson

from octo.cli import exits
from octo.cli.help import Verb
from octo.cli.named import STDIN, Named, expanded, holds_tests, named, told
from octo.cli.project import counted, import_beside, load, refuse, show
from octo.cli.terminal import give, say
from octo.config.documents import Config
from octo.config.files import is_test, yaml_files
from octo.core.errors import ConfigError, Problem


class Checked(NamedTuple):
    """What was found in one configuration, or in the test files of a path. content: what it has if it is right."""

    label: str
    content: str
    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()


@click.command(
    "check",
    cls=Verb,
    epilog="""\b
Examples:
  octo check                      the flows and tests of this folder
  octo check flow.yaml            one file
  octo check flows/*.yaml         each file for itself
  octo check --compat flow.yaml   a file written for the Go implementation
  octo check --guarantees         what may be lost, and what may happen twice
  octo check --facts flows        what it needs: routes, hosts, variables, services
  octo check --format json flows  for tools""",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--outline", "outlined", is_flag=True, help="Print what the files contain, with addresses and places, as JSON."
)
@click.option(
    "--facts",
    "told_facts",
    is_flag=True,
    help="Print what one configuration needs where it runs, and digests of its parts, as JSON.",
)
@click.option(
    "--compat", is_flag=True, help="Also warn of what means something else to the Go implementation, release 0.1.8."
)
@click.option(
    "--guarantees",
    "promised",
    is_flag=True,
    help="Print what is guaranteed of the messages of each flow, and its limits.",
)
def command(
    paths: tuple[Path, ...], form: str, *, outlined: bool, told_facts: bool, compat: bool, promised: bool
) -> None:
    """Find every problem in flow files, folders and test files without running them.

    Each path is a configuration of its own; a folder is one, with the tests in it. Without a path, it checks the
    folder one stands in. `-` reads a configuration from standard input. Exit code 0 if all of them could run, else 2.
    """
    given = expanded(paths) if paths else list(named((), "check").paths)
    if outlined:
        sys.exit(_outline(given))
    if told_facts:
        sys.exit(_facts(given))
    if promised:
        sys.exit(_guarantees(given, form))
    results = findings(given, compat=compat)
    good = not any(each.problems for each in results)
    if form == "json":
        give(orjson.dumps(as_json(results, ok=good)) + b"\n", json=True)
    else:
        for each in results:
            _tell(each)
        if len(given) == 1 and results[0].problems and (hint := told(ConfigError(results[0].problems), given, "check")):
            say(hint, err=True)
    sys.exit(exits.DONE if good else exits.USAGE)


def findings(paths: Sequence[Path], *, compat: bool) -> list[Checked]:
    """What is found in each configuration, and then in each test file that is named or in a named folder."""
    found = [_flows(path, compat=compat) for path in paths if not holds_tests(path)]
    known = {problem for each in found for problem in each.problems}
    tests = (_tests(path, known) for path in _suites(paths))
    return [*found, *(each for each in tests if each is not None)]


def _suites(paths: Sequence[Path]) -> list[Path]:
    """The test files among the paths and in the folders among them, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = [each for each in yaml_files(path) if is_test(each)] if path.is_dir() else [path]
        found |= dict.fromkeys(each for each in inside if holds_tests(each))
    return list(found)


def _flows(path: Path, *, compat: bool) -> Checked:
    configuration = named([path], "check") if path == STDIN else Named((path,))
    try:
        config = load(configuration)
    except ConfigError as error:
        return Checked(str(path), "", error.problems)
    content = f"{counted(len(config.flows), 'flow')}, {counted(len(config.connectors), 'connector')}"
    differences = _differences(config, configuration) if compat else []
    return Checked(str(path), content, (), [*config.warnings, *differences])


def _differences(config: Config, of: Named) -> list[Problem]:
    from octo.config.compat import compare
    from octo.config.load import config_files

    if of.text is not None:
        return compare(config, [("<standard input>", of.text)])
    return compare(config, [(str(file), file.read_bytes()) for path in of.paths for file in config_files(path)])


def _tests(path: Path, known: set[Problem]) -> Checked | None:
    """What is found in a test file; None if only that its flows are wrong, which is `known` already."""
    from octo.cli.suites import configurations
    from octo.suite import plan

    try:
        found = plan([path], configurations())
    except ConfigError as error:
        problems = [each for each in error.problems if each not in known]
        return Checked(str(path), "", problems) if problems else None
    return Checked(str(path), counted(len(found.cases), "case"))


def _tell(found: Checked) -> None:
    if found.problems:
        refuse(ConfigError(found.problems))
        return
    for warning in found.warnings:
        show(warning, "yellow")
    warnings = f", {counted(len(found.warnings), 'warning')}" if found.warnings else ""
    say(f"{found.label}: ok, {found.content}{warnings}")


def as_json(results: list[Checked], *, ok: bool) -> dict[str, object]:
    return {
        "ok": ok,
        "problems": [problem.as_json() for each in results for problem in each.problems],
        "warnings": [problem.as_json() for each in results for problem in each.warnings],
    }


def _guarantees(paths: Sequence[Path], form: str) -> int:
    from octo.config.guarantees import guarantees

    results = findings(paths, compat=False)
    if any(each.problems for each in results):
        for each in results:
            _tell(each)
        return exits.USAGE
    flows = [flow for path in paths if not holds_tests(path) for flow in guarantees(load(Named((path,))))]
    if form == "json":
        give(orjson.dumps([flow.as_json() for flow in flows]) + b"\n", json=True)
        return exits.DONE
    if not flows:
        say("no flow has a source or a journal, so there is nothing to guarantee")
    for flow in flows:
        journal = ", finished blocks once" if flow.durability == "journal" else ""
        origin = f"from `{flow.source}`" if flow.source else "once a call was accepted"
        say(f"{flow.flow}: {flow.guarantee}{journal}, {origin} ({flow.at})")
        say(f"    order: {', '.join(flow.steps)}")
        for effect in flow.effects:
            if effect.once:
                say(f"    once: {effect.address}, {effect.once} ({effect.at})")
        for limit in flow.limits:
            say(f"    {_KINDS[limit.kind]}: {limit.address} {limit.why} ({limit.at})")
    return exits.DONE


_KINDS = {"lost": "lost if the process ends", "twice": "may happen twice"}


def _outline(paths: Sequence[Path]) -> int:
    from octo import __version__
    from octo.builtin import plugins
    from octo.config.outline import VERSION, outline

    found = []
    for path in paths:
        import_beside(path)
        found.append((path, outline(path, plugins(), os.environ)))
    good = all(not each.problems for _, each in found)
    configurations = [{"path": str(path), **each.as_json()} for path, each in found]
    shown = {"version": VERSION, "octo": __version__, "ok": good, "configurations": configurations}
    give(orjson.dumps(shown) + b"\n", json=True)
    return exits.DONE if good else exits.USAGE


def _facts(paths: Sequence[Path]) -> int:
    from octo import __version__
    from octo.builtin import plugins
    from octo.config.facts import VERSION, facts

    if len(paths) != 1 or paths[0] == STDIN:
        raise click.UsageError("the facts are those of one configuration: name one flow file or folder")
    found = facts(paths[0], plugins())
    shown = {"version": VERSION, "octo": __version__, **found.as_json()}
    give(orjson.dumps(shown) + b"\n", json=True)
    return exits.DONE if not found.problems else exits.USAGE
