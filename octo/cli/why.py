"""`octo why`: how an expression in a flow file gets its value."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from octo.cli.project import load_or_exit
from octo.cli.reasons import tell
from octo.cli.terminal import say
from octo.config.documents import Config
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.secrets import masked
from octo.core.sockets import sockets
from octo.expr import Scope

_LONG = 6
"""Characters of a value that hardly occurs by chance."""
_TELLING = 3
"""Characters of a secret that is replaced inside of words, too."""


@click.command("why")
@click.argument("place", metavar="FILE:LINE")
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="Folder of the file, if it needs the other files in it."
)
@click.option("--data", "-d", help="Body as JSON; `@file` reads a file, `-` reads standard input.")
@click.option("--vars", "variables", help="Variables as a JSON object.")
@click.option("--env", help="Environment as a JSON object of strings; it overrides the configuration's.")
def command(place: str, config: Path | None, data: str | None, variables: str | None, env: str | None) -> None:
    """Evaluate the expression on a line of a flow file, and show the value of each of its parts.

    Parts that were not evaluated are marked, and so are parts that decided. Values of the environment are hidden unless
    --env gives them. Exit code 0 means that the expression has a value, 1 that it fails.
    """
    from octo.cli.given import read_body, read_object

    path, line = _split(place)
    loaded = load_or_exit(config or path)
    found = on_line(loaded, path, line)
    given = {name: str(value) for name, value in read_object(env, "--env").items()}
    message = Message(read_body(data), read_object(variables, "--vars"))
    hidden = {name: value for name, value in loaded.env.items() if name not in given}
    codes = []
    for number, each in enumerate(found):
        if len(found) > 1:
            say(f"{chr(10) if number else ''}{each.at}", bold=True)
        scope = with_env(each.program.scope, given)
        arguments = [argument(name, message) for name in scope.parameters]
        codes.append(tell(each.text, scope, arguments, concealing(hidden, loaded.secrets)))
    sys.exit(max(codes))


def concealing(environment: Mapping[str, str], secrets: Collection[str] = ()) -> Callable[[str], str]:
    """A function that replaces values of the environment by their names.

    Values of fewer than 6 characters occur by chance in other texts. They are kept, unless the variable is one of
    `secrets`: then at least 3 characters are replaced wherever they are, and fewer where they stand alone.
    """
    found = sorted(
        ((value, name) for name, value in environment.items() if len(value) >= (1 if name in secrets else _LONG)),
        key=_longest_first,
    )
    patterns = [(_pattern(value), f"«env:{name}»") for value, name in found]

    def conceal(text: str) -> str:
        for pattern, name in patterns:
            text = pattern.sub(lambda _, name=name: name, text)  # type: ignore[misc]
        return masked(text)  # it also finds a secret that an error quotes or escapes

    return conceal


def _pattern(value: str) -> re.Pattern[str]:
    text = re.escape(value)
    return re.compile(text if len(value) >= _TELLING else rf"(?<!\w){text}(?!\w)")


def _longest_first(secret: tuple[str, str]) -> int:
    return -len(secret[0])


def _split(place: str) -> tuple[Path, int]:
    path, _, line = place.rpartition(":")
    if not path or not line.isascii() or not line.isdigit():
        raise click.UsageError(f"{place!r} is not FILE:LINE, e.g. orders.yaml:14")
    return Path(path), int(line)


def argument(name: str, message: Message) -> object:
    """The value of a parameter of a scope: the message, or a value of --vars for expressions without a message."""
    if name == "message":
        return message
    if name == "now" and name not in message.vars:
        from octo.core.clock import timestamp

        return timestamp()
    return message.vars.get(name)


def with_env(scope: Scope, given: Mapping[str, str]) -> Scope:
    if not given or "env" not in scope.constants:
        return scope
    declared = scope.constants["env"]
    assert isinstance(declared, dict)
    return scope.having({**scope.constants, "env": {**declared, **given}})


# --- which expression --------------------------------------------------------------------------------------------


def on_line(config: Config, path: Path, line: int) -> list[Expr[Any]]:
    """The expressions that include this line. Raises a usage error if there are none."""
    ends = _ends(path)
    here = [each for each in _all(config) if each.at is not None and Path(each.at.file).resolve() == path.resolve()]
    spans = {
        each: range(each.at.line, ends.get((each.at.line, each.at.column), each.at.line) + 1)
        for each in here
        if each.at
    }
    found = [each for each, span in spans.items() if line in span]
    if found:
        return found
    lines = sorted({each.at.line for each in here if each.at}, key=lambda other: abs(other - line))[:5]
    nearest = f" There are some on line {', '.join(map(str, sorted(lines)))}." if lines else ""
    raise click.UsageError(f"no expression on line {line} of {path}.{nearest}")


def _all(config: Config) -> Iterator[Expr[Any]]:
    from octo.config.walk import blocks_of

    owners: list[Any] = [each.settings for each in config.connectors.values()]
    for flow in config.flows.values():
        owners += [flow.source.settings] if flow.source else []
        owners += [block.settings for block in blocks_of(flow)]
    for owner in owners:
        yield from (socket for _, socket in sockets(owner) if isinstance(socket, Expr))


def _ends(path: Path) -> dict[tuple[int, int], int]:
    """The last line of each YAML scalar, by the line and column where it starts."""
    import yaml

    ends: dict[tuple[int, int], int] = {}
    for event in yaml.parse(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader):
        start, end = event.start_mark, event.end_mark
        if isinstance(event, yaml.ScalarEvent) and start and end:
            last = end.line if end.column == 0 and end.line > start.line else end.line + 1
            ends[start.line + 1, start.column + 1] = last
    return ends
