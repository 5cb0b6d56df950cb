"""`octo check`: report everything that `run` would refuse, without running anything."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click
import orjson

from octo.cli import exits
from octo.cli.project import counted, import_beside, load, refuse, show
from octo.cli.terminal import give, say
from octo.config.documents import Config
from octo.config.files import is_test
from octo.core.errors import ConfigError

_CASES = re.compile(rb"^cases\s*:", re.MULTILINE)


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--outline", "outlined", is_flag=True, help="Print what the files contain, with addresses and places, as JSON."
)
def command(paths: tuple[Path, ...], form: str, *, outlined: bool) -> None:
    """Find every problem in flow files or folders without running them.

    Test files (`NAME_test.yaml` with `cases:`) are passed over; `octo test` reads them.
    Exit code 0 if all of them could run, else 2. `--format json` prints an object with `ok`, `problems` and `warnings`.
    """
    if outlined:
        sys.exit(_outline(paths))
    configurations = [path for path in paths if not _holds_tests(path)]
    if not configurations:
        raise click.UsageError(f"only test files are named; `octo test {paths[0]}` reads them")
    results = [(path, _check(path)) for path in configurations]
    good = all(isinstance(result, Config) for _, result in results)
    if form == "json":
        give(orjson.dumps(_as_json(results, ok=good)) + b"\n", json=True)
    else:
        for path, result in results:
            _tell(path, result)
    sys.exit(exits.DONE if good else exits.USAGE)


def _holds_tests(path: Path) -> bool:
    """Whether it is a test file, which a pattern such as `*.yaml` names too."""
    try:
        return is_test(path) and _CASES.search(path.read_bytes()) is not None
    except OSError:
        return False


def _outline(paths: tuple[Path, ...]) -> int:
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


def _check(path: Path) -> Config | ConfigError:
    try:
        return load(path)
    except ConfigError as error:
        return error


def _tell(path: Path, result: Config | ConfigError) -> None:
    if isinstance(result, ConfigError):
        refuse(result)
        return
    for warning in result.warnings:
        show(warning, "yellow")
    flows, connectors = counted(len(result.flows), "flow"), counted(len(result.connectors), "connector")
    warnings = f", {counted(len(result.warnings), 'warning')}" if result.warnings else ""
    say(f"{path}: ok, {flows}, {connectors}{warnings}")


def _as_json(results: list[tuple[Path, Config | ConfigError]], *, ok: bool) -> dict[str, object]:
    problems = [each for _, result in results if isinstance(result, ConfigError) for each in result.problems]
    warnings = [each for _, result in results if isinstance(result, Config) for each in result.warnings]
    return {
        "ok": ok,
        "problems": [each.as_json() for each in problems],
        "warnings": [each.as_json() for each in warnings],
    }
