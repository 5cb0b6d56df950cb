"""The command `octo`. Each verb has a file, which is imported only when the verb is used, so that each starts fast."""

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
from octo.cli.terminal import say
from octo.core.printable import calm

VERBS = {
    "new": "Create a first flow to start from.",
    "run": "Run the flows of a configuration until stopped.",
    "invoke": "Call one flow and print its result.",
    "check": "Find every problem in a configuration without running it.",
    "test": "Run the cases of test files.",
    "edit": "Open the editor on a folder in the browser.",
    "mcp": "Offer flows, or their folder, to clients of MCP.",
    "eval": "Evaluate a CEL expression.",
    "top": "Show what a running Octo does, second by second.",
    "trace": "Watch messages of a running Octo as they happen.",
    "traces": "List kept traces, or show one.",
    "replay": "Run a recorded message against the current files.",
    "cluster": "Show which processes use the same services, and who leads what.",
    "dlq": "List, show, replay and purge dead letters.",
    "secrets": "Keep secrets in an encrypted file, and rotate its keys.",
    "bench": "Measure one flow: throughput, latency, slowest blocks.",
    "why": "Show how an expression in a flow file gets its value.",
    "list": "List the connectors, sources, blocks and functions there are.",
    "doc": "Show one of them: settings, defaults, an example.",
    "openapi": "Print the OpenAPI document of the HTTP routes.",
    "doctor": "Check this machine: Python, packages, ports, folders.",
    "schema": "Print the JSON Schema of flow files, or the catalogue.",
    "explain": "Explain an error code.",
    "completion": "Print the completion script for a shell.",
    "version": "Print the version.",
}


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Command(click.Group):
    """What all verbs have in common: NO_COLOR, and a message when the output cannot be written."""

    def invoke(self, ctx: click.Context) -> Any:
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            raise _suggesting(error) from None
        except click.ClickException as error:
            error.message = calm(error.message)  # type: ignore[misc] # it may name what is in a file
            raise

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            try:
                return super().main(*args, **extra)
            finally:
                if sys.stdout is not None:  # it is None when the process was started without one
                    sys.stdout.flush()
        except OSError as error:
            if error.errno not in _FULL or error.filename is not None:
                raise
            forget_output()
            with suppress(OSError):  # standard error may be just as full
                say(f"cannot write the output: {error.strerror}", err=True)
            sys.exit(exits.USAGE)


def _suggesting(error: click.NoSuchOption) -> click.UsageError:
    """The error, naming the option that does here what this one does in other programs."""
    from octo.cli import guesses

    verb = error.ctx.command_path.partition(" ")[2] if error.ctx else ""  # without the name of the program
    option = calm(error.option_name)
    if meant := guesses.of_option(verb, option):
        return click.UsageError(f"No such option: {option}. Did you mean {meant}?", error.ctx)
    return click.NoSuchOption(option, possibilities=error.possibilities, ctx=error.ctx)


def forget_output() -> None:
    """Send the unwritten output to /dev/null: Python would try to write it again when it ends, and fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Verbs(Command):
    """Commands that are imported on demand. `--help` lists them from `VERBS` without importing any.

    Those of installed packages come after Octo's own, and take the name of none of them.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return [*VERBS, *_further()]  # `list` is the verb here, once it is imported

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name in VERBS:
            command: click.Command = importlib.import_module(f"octo.cli.{name}").command
            return command
        if name not in _further():
            return None
        from octo.cli import further

        return further.command(name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([*VERBS.items(), *_further().items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and args[0] not in _further():
            from octo.cli import guesses

            hint = guesses.of_command(args[0], args[1:], self.list_commands(ctx))
            ctx.fail(f"there is no command {args[0]!r}. {hint or 'Try: octo --help'}")
        name, command, rest = super().resolve_command(ctx, args)
        return name, command, rest if command is None else doubled(command, rest)


def _further() -> dict[str, str]:
    """The verbs of installed packages, and what each does; looked for only where none of Octo's own is meant."""
    from octo.cli import further

    return {name: does for name, does in further.listed().items() if name not in VERBS}


def doubled(command: click.Command, arguments: list[str]) -> list[str]:
    """The arguments with two dashes before each long option of the command: `-config F` is what Go's flags accept."""
    options = {name: each for each in command.params if isinstance(each, click.Option) for name in _names(each)}
    result: list[str] = []
    is_value = False
    for position, each in enumerate(arguments):
        if each == "--":
            return result + arguments[position:]
        name, equals, _ = each.partition("=")
        is_long = not is_value and _is_long(name) and (f"-{name}" in options or name[:2] not in options)
        name = f"-{name}" if is_long else name
        result.append(f"-{each}" if is_long else each)
        option = None if is_value else options.get(name)
        is_value = option is not None and not equals and not option.is_flag and not option.count
    return result


def _is_long(name: str) -> bool:
    """Whether it is a word with one dash: no `-v`, no `--config`, and no number."""
    return len(name) > 2 and name[0] == "-" and name[1].isalpha()


def _names(option: click.Option) -> list[str]:
    return [*option.opts, *option.secondary_opts]


@click.group(
    cls=Verbs,
    epilog="A path in place of the command means `run`: octo flow.yaml --watch",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def octo() -> None:
    """Octo runs integration flows written in YAML and CEL. One command runs, calls, checks and reloads them."""


def main() -> None:
    """Entry point of the command."""
    _fill_standard()
    gc.disable()  # until a verb enables it: while modules load it finds nothing and takes a tenth of the start time
    _without_pydantic_plugins()
    octo.main(args=meant(sys.argv[1:]), prog_name="octo")


def _fill_standard() -> None:
    """Open /dev/null for each standard descriptor (0, 1, 2) that is closed.

    Otherwise the next sockets would get these numbers: code that writes to standard output would write into a socket,
    and libuv ends the process when it is asked to close such a number.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)


def _without_pydantic_plugins() -> None:
    """Stop pydantic from searching the installed packages for plug-ins, which takes longer than building our models.

    Its own switch skips only the result of the search, not the import that makes it slow.
    """
    loader = types.ModuleType("pydantic.plugin._loader")
    loader.get_plugins = lambda: ()  # type: ignore[attr-defined]
    sys.modules.setdefault(loader.__name__, loader)


def meant(arguments: list[str]) -> list[str]:
    """The arguments with their verb. A leading option or a path means `run`, no arguments mean help."""
    first, *rest = arguments or ["--help"]
    if first in ("--version", "-version", "-V") or arguments == ["-v"]:
        return ["version", *rest]
    if first in ("help", "-h", "-help", "--help"):
        return [rest[0], "--help"] if first == "help" and rest and rest[0] != "help" else ["--help"]
    if first.startswith("-") or (first not in VERBS and _is_path(first) and not _is_further(first)):
        return ["run", *arguments]
    return arguments


def _is_further(word: str) -> bool:
    """Whether it is a verb of an installed package, which wins over a path of its name as Octo's own verbs do."""
    return word.isalpha() and word in _further()


def _is_path(word: str) -> bool:
    """Whether somebody who types this means flow files: there is such a path, or it looks like one."""
    return word.lower().endswith((".yaml", ".yml")) or os.path.exists(word) or os.sep in word  # noqa: PTH110  first word
