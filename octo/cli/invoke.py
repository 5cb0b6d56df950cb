"""`octo invoke`: call one flow by name. No source starts, no port is bound."""

from __future__ import annotations

import asyncio
import stat
import sys
import threading
from pathlib import Path

import click
import orjson

from octo.cli import exits
from octo.cli.project import config_option, config_path, load_or_exit, refuse, show
from octo.config.documents import Config
from octo.core.errors import OctoError, Problem, Timeout
from octo.core.flow import Drop, Failure, Outcome
from octo.core.message import Message


@click.command("invoke")
@config_option
@click.option("--flow", "-f", required=True, help="Name of the flow to call.")
@click.option("--data", "-d", help="Body as JSON; `@file` reads a file, `-` reads standard input.")
@click.option("--vars", "variables", help="Variables as a JSON object.")
@click.option("--timeout", default="30s", show_default=True, help="How long the flow may take, e.g. 500ms, 30s.")
@click.option("--message", "whole", is_flag=True, help="Print the whole message, not just its body.")
def command(
    option: Path | None,
    argument: Path | None,
    flow: str,
    data: str | None,
    variables: str | None,
    timeout: str,
    whole: bool,
) -> None:
    """Call one flow and print the body of its result as one line of JSON.

    Without --data the body is read from standard input when that is a file or a pipe. Exit codes: 0 completed,
    1 failed, 2 bad usage or configuration, 3 the flow dropped the message, 4 the timeout passed.
    """
    from octo.core import log
    from octo.core.settings import parse_duration

    log.configure()
    log.reserve_stdout()
    try:
        seconds = parse_duration(timeout).total_seconds()  # type: ignore[attr-defined]
    except ValueError:
        raise click.BadParameter(
            f"{timeout!r} is not a duration; write e.g. 500ms or 30s", param_hint="--timeout"
        ) from None
    message = Message(read_body(data), read_object(variables, "--vars"))
    config = load_or_exit(config_path(option, argument))
    _known(config, flow)
    sys.exit(_report(asyncio.run(_invoke(config, flow, message, seconds)), whole=whole))


def _known(config: Config, flow: str) -> None:
    if flow in config.flows:
        return
    from octo.expr import nearest

    guess = nearest(flow, config.flows)
    names = ", ".join(config.flows) or "none"
    raise click.UsageError(
        f"there is no flow {flow!r}." + (f" Did you mean {guess!r}?" if guess else "") + f" Flows: {names}"
    )


async def _invoke(config: Config, flow: str, message: Message, seconds: float) -> Outcome | Exception:
    from octo.engine.invoke import invoke

    try:
        return await invoke(config, flow, message, seconds)
    except (Failure, OctoError) as error:
        return error


def _report(outcome: Outcome | Exception, *, whole: bool) -> int:
    if isinstance(outcome, Message):
        shown = outcome.as_json() if whole else outcome.body
        sys.stdout.buffer.write(orjson.dumps(shown) + b"\n")
        sys.stdout.buffer.flush()
        return exits.DONE
    if isinstance(outcome, Drop):
        click.echo(f"flow dropped the message{f': {outcome.reason}' if outcome.reason else ''}", err=True)
        return exits.DROPPED
    if isinstance(outcome, Failure):
        _explain(outcome)
    elif isinstance(outcome, OctoError):
        refuse(outcome)
    return exits.LATE if isinstance(outcome, Timeout) else exits.FAILED


def _explain(failure: Failure) -> None:
    """The failure with the line of the flow file it is about."""
    if failure.at is not None:
        code = str(failure.as_value("")["code"])
        show(Problem(code, failure.at, str(failure), f"`octo explain {code}` tells more"))


def read_body(data: str | None) -> object:
    """The body that `--data` or standard input gives, or None."""
    if data is None:
        mode = stat.S_IFMT(_stdin_mode())
        if mode not in (stat.S_IFREG, stat.S_IFIFO):
            return None
        data = "-"
    if data == "-":
        raw, origin = _stdin(), "standard input"
    elif data.startswith("@"):
        raw, origin = _file(Path(data[1:])), data[1:]
    else:
        raw, origin = data.encode(), "--data"
    return _json(raw, origin) if raw.strip() else None


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
    value = _json(text.encode(), option) if text else {}
    if not isinstance(value, dict):
        raise click.UsageError(f"{option} must be a JSON object")
    return value
