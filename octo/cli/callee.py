"""Which flow a verb calls: `octo invoke flow.yaml greet`, each as a word or as an option."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from octo.cli.named import is_path
from octo.cli.project import config_path, load_or_exit


def callee(words: Sequence[str], config: Path | None, flow: str | None, verb: str) -> tuple[Path, str]:
    """The configuration and the name of the flow. If none is named, the error lists the calls that there are."""
    rest = list(words)
    if flow is None and rest and not is_path(rest[-1]):
        flow = rest.pop()
    if len(rest) > 1:
        raise click.UsageError(f"what is {rest[-1]!r}? Name one flow file or folder, and one flow")
    path = config_path(config, Path(rest[0]) if rest else None)
    if flow is None:
        raise click.UsageError(_which(path, verb))
    return path, flow


def _which(path: Path, verb: str) -> str:
    names = [name for name in load_or_exit(path).flows if name]
    where = "" if path == Path() else f"{shlex.quote(str(path))} "
    calls = "".join(f"\n  octo {verb} {where}{shlex.quote(name)}" for name in names[:10])
    return f"name the flow{calls and f':{calls}'}"
