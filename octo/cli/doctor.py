"""`octo doctor`: say what is wrong with this machine for these flows, and how to mend it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import orjson

from octo.cli import exits
from octo.cli.checkup import dotenv, drivers, folders, machine, ports
from octo.cli.named import Named, named, told
from octo.cli.project import coloured, counted, folder_of, load
from octo.cli.requirements import Finding, extras
from octo.cli.terminal import fitting, give, say
from octo.config.documents import Config
from octo.core.errors import ConfigError
from octo.core.secrets import masked

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(paths: tuple[Path, ...], form: str) -> None:
    """Check this machine: Python, packages, ports, drivers, folders, time zones, `.env`.

    With flow files, or in a folder with some, it checks what these flows need. Nothing is changed, and nothing outside
    this machine is asked. Exit code 0 if nothing failed, else 1; warnings do not count.
    """
    from octo.core import log

    log.reserve_stdout()
    found = _findings(_flows(paths))
    good = all(each.level != "fail" for each in found)
    if form == "json":
        checks = [each._asdict() for each in found]
        give(orjson.dumps({"ok": good, "checks": checks}, option=orjson.OPT_INDENT_2) + b"\n", json=True)
    else:
        _tell(found)
    sys.exit(exits.DONE if good else exits.FAILED)


def _flows(paths: tuple[Path, ...]) -> Named | None:
    """The flows that are named, or those of this folder; None if there are none."""
    try:
        return named(paths, "doctor")
    except click.UsageError:
        if paths:
            raise
        return None


def _findings(flows: Named | None) -> list[Finding]:
    found = [*machine()]
    config = None
    if flows is None:
        found.append(Finding("ok", "flows", "none in this folder"))
    else:
        finding, config = _loaded(flows)
        found.append(finding)
    found += extras(config)
    if config is not None:
        found += (*ports(config, os.environ), *drivers(config))
    found += folders(config, os.environ)
    found += dotenv(Path() if flows is None else folder_of(flows.place), os.environ)
    return [each._replace(text=masked(each.text), fix=masked(each.fix)) for each in found]


def _loaded(flows: Named) -> tuple[Finding, Config | None]:
    where = " ".join(map(str, flows.paths))
    try:
        config = load(flows)
    except ConfigError as error:
        text = f"{counted(len(error.problems), 'problem')} in {where}: ports and drivers were not looked at"
        _, single, path = told(error, flows.paths, "doctor").rpartition("octo doctor ")
        if single:  # files that do not belong together
            return Finding("fail", "flows", f"the files of {where} are no single configuration", single + path), None
        return Finding("fail", "flows", text, f"octo check {where}"), None
    text = f"{counted(len(config.flows), 'flow')}, {counted(len(config.connectors), 'connector')} in {where}"
    return Finding("ok", "flows", text), config


def _tell(found: list[Finding]) -> None:
    style = coloured()
    width = max(len(each.subject) for each in found)
    for each in found:
        text = f"{each.text}; fix: {each.fix}" if each.fix else each.text
        level = style(f"{each.level:4}", _COLOURS[each.level])
        say(f"{level}  {each.subject:<{width}}  {fitting(text, width + 8, sys.stdout)}")
    count = {level: sum(each.level == level for each in found) for level in _COLOURS}
    say(f"\n{count['ok']} ok, {counted(count['warn'], 'warning')}, {counted(count['fail'], 'failure')}")
