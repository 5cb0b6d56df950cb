"""The command `octo`. One file per verb; a verb is imported when it is used, so that each starts fast."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
import types
from contextlib import suppress
from typing import Any

import click

from octo.cli import exits

VERBS = {
    "run": "Run the flows of a configuration until stopped.",
    "invoke": "Call one flow and print its result.",
    "check": "Find every problem of a configuration without running it.",
    "test": "Run the cases of test files.",
    "eval": "Evaluate a CEL expression.",
    "top": "Show what a running Octo is doing, second by second.",
    "trace": "Watch messages of a running Octo as they happen.",
    "traces": "List kept traces, or show one.",
    "replay": "Run a recorded message against the current files.",
    "bench": "Measure one flow: throughput, latency, slowest blocks.",
    "why": "Show how an expression of a flow file comes to its value.",
    "new": "Write a first flow to start from.",
    "schema": "Print the JSON Schema of flow files, or the catalogue.",
    "explain": "Explain an error code.",
    "completion": "Print the completion script of a shell.",
    "version": "Print the version.",
}


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Command(click.Group):
    """What holds for every verb: whether there are colours, and what is said when nothing more can be written."""

    def invoke(self, ctx: click.Context) -> Any:
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        return super().invoke(ctx)

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            try:
                return super().main(*args, **extra)
            finally:
                if sys.stdout is not None:  # as it is for who was started without
                    sys.stdout.flush()
        except OSError as error:
            if error.errno not in _FULL or error.filename is not None:
                raise
            forget_output()
            with suppress(OSError):  # standard error may be just as full
                click.echo(f"cannot write the output: {error.strerror}", err=True)
            sys.exit(exits.USAGE)


def forget_output() -> None:
    """Let what could not be written go to nowhere: Python writes it again when it ends, and fails once more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Verbs(Command):
    """Commands that are imported on demand. `--help` lists them from `VERBS` without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"octo.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS:
            from octo.expr import nearest

            guess = nearest(args[0], VERBS)
            ctx.fail(f"there is no command {args[0]!r}." + (f" Did you mean {guess!r}?" if guess else ""))
        return super().resolve_command(ctx, args)


@click.group(
    cls=Verbs,
    epilog="A leading option means `run`: octo --config flows.yaml --watch",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def octo() -> None:
    """Octo runs integration flows: YAML with CEL expressions, one command to run, call, check and reload them."""


def main() -> None:
    """Entry point of the command."""
    _fill_standard()
    gc.disable()  # until a verb enables it: collecting while modules load finds nothing and takes a tenth of the start
    _without_pydantic_plugins()
    octo.main(args=meant(sys.argv[1:]), prog_name="octo")


def _fill_standard() -> None:
    """Let standard descriptors that we were started without lead to nowhere.

    Else the next sockets would get their numbers: whoever writes to standard output would write into one, and libuv
    ends the process when it is to close such a number.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)


def _without_pydantic_plugins() -> None:
    """Keep pydantic from searching the installed packages for plug-ins, which takes longer than our models do.

    Its own switch only skips the result of the search, not the import that makes it slow.
    """
    loader = types.ModuleType("pydantic.plugin._loader")
    loader.get_plugins = lambda: ()  # type: ignore[attr-defined]
    sys.modules.setdefault(loader.__name__, loader)


def meant(arguments: list[str]) -> list[str]:
    """The arguments with their verb: a leading option means `run`, nothing at all means help."""
    first = arguments[0] if arguments else "--help"
    if first in ("--version", "-version"):
        return ["version", *arguments[1:]]
    if first in ("help", "-h", "--help"):
        return ["--help"]
    if first.startswith("-"):
        return ["run", *arguments]
    return arguments
