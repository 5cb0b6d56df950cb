"""`octo invoke`: call one flow by name. No source starts, no port is bound."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import orjson

from octo.cli import exits
from octo.cli.project import config_option, config_path, load_or_exit, refuse, show
from octo.config.documents import Config
from octo.core.errors import OctoError, Problem, Timeout
from octo.core.flow import Drop, Failure, Outcome
from octo.core.message import Message

if TYPE_CHECKING:
    from octo.engine.observe import Observer


@click.command("invoke")
@config_option
@click.option("--flow", "-f", required=True, help="Name of the flow to call.")
@click.option("--data", "-d", help="Body as JSON; `@file` reads a file, `-` reads standard input.")
@click.option("--content-type", help="What the body is, if not JSON, e.g. text/csv: it is then raw content.")
@click.option("--vars", "variables", help="Variables as a JSON object.")
@click.option("--timeout", default="30s", show_default=True, help="How long the flow may take, e.g. 500ms, 30s.")
@click.option("--message", "whole", is_flag=True, help="Print the whole message, not just its body.")
@click.option("--break-at", metavar="ADDRESS", help="Stop behind this block and print the message there.")
@click.option("--spies", metavar="ADDRESSES", help="Show what goes in and out of these blocks; separate with commas.")
@click.option("--mocks", help='Answers in place of blocks: {"ADDRESS": {"body": ...}} as JSON, or `@file`.')
@click.option("--run-debug-config", metavar="FILE", help="Input, breakAt, spies and mocks from a YAML or JSON file.")
@click.option("--envelope", is_flag=True, help="Print how the flow ended and what spies saw as one JSON object.")
@click.option("--envelope-out", metavar="FILE", help="Write that object to a file instead.")
def command(
    option: Path | None,
    argument: Path | None,
    flow: str,
    data: str | None,
    content_type: str | None,
    variables: str | None,
    timeout: str,
    whole: bool,
    **debugging: Any,
) -> None:
    """Call one flow and print the body of its result as one line of JSON.

    Without --data the body is read from standard input when that is a file or a pipe. Exit codes: 0 completed,
    1 failed, 2 bad usage or configuration, 3 the flow dropped the message, 4 the timeout passed.

    Blocks are named by address: `flow.block`, `flow.composite[branch].block`, `flow[error].block`. A breakpoint that
    is reached exits with 0, one that is never reached with 3. With --envelope a flow that failed exits with 0 too:
    the envelope has the error. An option replaces its part of the --run-debug-config file.
    """
    from octo.core import log

    log.configure()
    log.reserve_stdout()
    seconds = _seconds(timeout)
    path = config_path(option, argument)
    given = Given(data, content_type, variables)
    if any(debugging.values()):
        from octo.cli.debugging import Options, debug

        sys.exit(debug(path, flow, given, seconds, Options(**debugging, whole=whole)))
    message = given.message()
    config = load_or_exit(path)
    check_flow(config, flow)
    sys.exit(report(asyncio.run(attempt(config, flow, message, seconds)), whole=whole))


def _seconds(timeout: str) -> float:
    from octo.core.settings import parse_duration

    try:
        return parse_duration(timeout).total_seconds()  # type: ignore[attr-defined,no-any-return]
    except ValueError:
        raise click.BadParameter(
            f"{timeout!r} is not a duration; write e.g. 500ms or 30s", param_hint="--timeout"
        ) from None


def check_flow(config: Config, flow: str) -> None:
    """End with what flows there are if this is none of them."""
    if flow in config.flows:
        return
    from octo.expr import nearest

    guess = nearest(flow, config.flows)
    names = ", ".join(config.flows) or "none"
    raise click.UsageError(
        f"there is no flow {flow!r}." + (f" Did you mean {guess!r}?" if guess else "") + f" Flows: {names}"
    )


async def attempt(
    config: Config, flow: str, message: Message, seconds: float, observer: Observer | None = None
) -> Outcome | Exception:
    """The outcome of the flow, or the error it ended with."""
    from octo.engine.invoke import invoke
    from octo.engine.observe import NOBODY

    try:
        return await invoke(config, flow, message, seconds, observer or NOBODY)
    except (Failure, OctoError) as error:
        return error


def report(outcome: Outcome | Exception, *, whole: bool) -> int:
    """Print how the flow ended; answers the exit code."""
    if isinstance(outcome, Message):
        write(outcome.as_json() if whole else outcome.body)
        return exits.DONE
    if isinstance(outcome, Drop):
        click.echo(f"flow dropped the message{f': {outcome.reason}' if outcome.reason else ''}", err=True)
        return exits.DROPPED
    if isinstance(outcome, Failure):
        _explain(outcome)
    elif isinstance(outcome, OctoError):
        refuse(outcome)
    return exits.LATE if isinstance(outcome, Timeout) else exits.FAILED


def write(value: object, *, indent: bool = False) -> None:
    """Print a value as JSON, on one line unless `indent` is true."""
    sys.stdout.buffer.write(encode(value, indent=indent))
    sys.stdout.buffer.flush()


def encode(value: object, *, indent: bool = False) -> bytes:
    """A value as JSON with a line break at its end."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0))
    except TypeError:  # integers beyond 64 bits, lone surrogates
        text = json.dumps(value, indent=2) if indent else json.dumps(value, separators=(",", ":"))
        return f"{text}\n".encode()


def _explain(failure: Failure) -> None:
    """The failure with the line of the flow file it is about."""
    if failure.at is not None:
        code = str(failure.as_value("")["code"])
        show(Problem(code, failure.at, str(failure), f"`octo explain {code}` tells more"))


class Given(NamedTuple):
    """The options that make up the message."""

    data: str | None
    content_type: str | None
    variables: str | None

    @property
    def vars(self) -> dict[str, object]:
        return read_object(self.variables, "--vars")

    def message(self) -> Message:
        if self.content_type is None or _is_json(self.content_type):
            return Message(read_body(self.data), self.vars)
        raw, origin = _raw(self.data)
        if not raw:
            return Message(None, self.vars)
        try:
            body = {"contentType": self.content_type, "rawData": raw.decode()}
        except UnicodeDecodeError:
            raise click.UsageError(f"{origin} is not UTF-8 text; a flow cannot carry it as raw content") from None
        return Message(body, self.vars, raw=True)


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind):
        raise click.BadParameter(f"{content_type!r} is no media type; write e.g. text/csv", param_hint="--content-type")
    return kind == "application/json" or kind.endswith("+json")


def read_body(data: str | None) -> object:
    """The body that `--data` or standard input gives, or None."""
    raw, origin = _raw(data)
    return _json(raw, origin) if raw.strip() else None


def _raw(data: str | None) -> tuple[bytes, str]:
    """What `--data` or standard input gives, and which it was; nothing if neither does."""
    if data is None:
        mode = stat.S_IFMT(_stdin_mode())
        if mode not in (stat.S_IFREG, stat.S_IFIFO):
            return b"", ""
        data = "-"
    if data == "-":
        return _stdin(), "standard input"
    return read_option(data, "--data")


def read_option(text: str, option: str) -> tuple[bytes, str]:
    """The bytes that an option holds, or the file that it names with `@`; and which it was."""
    return (_file(Path(text[1:])), text[1:]) if text.startswith("@") else (text.encode(), option)


def _stdin_mode() -> int:
    import os

    try:
        return os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return 0


def _stdin() -> bytes:
    notice = threading.Timer(
        2.0, lambda: click.echo("reading the body from standard input (--data gives it, </dev/null none)", err=True)
    )
    notice.daemon = True
    notice.start()
    try:
        return sys.stdin.buffer.read()
    finally:
        notice.cancel()


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None


def _json(raw: bytes, origin: str) -> object:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{origin} is not valid JSON: {error}") from None


def read_object(text: str | None, option: str) -> dict[str, object]:
    """The JSON object that an option holds; absent means empty."""
    return read_mapping(text.encode(), option) if text else {}


def read_mapping(raw: bytes, origin: str) -> dict[str, object]:
    """The JSON object in these bytes."""
    value = _json(raw, origin)
    if not isinstance(value, dict):
        raise click.UsageError(f"{origin} must be a JSON object")
    return value
