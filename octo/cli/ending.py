"""Run one flow for a verb: print how it ended, and return the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from octo.cli import exits
from octo.cli.project import refuse, show
from octo.cli.terminal import give, say
from octo.config.documents import Config
from octo.core import codec, content
from octo.core.charsets import NotText
from octo.core.errors import OctoError, Problem, Timeout
from octo.core.flow import Drop, Ending, Failure
from octo.core.message import Message
from octo.core.spool import Content
from octo.services.container import Services

if TYPE_CHECKING:
    from octo.engine.observe import Observer


def check_flow(config: Config, flow: str) -> None:
    """Raise a usage error that lists the flows if this flow does not exist."""
    if flow in config.flows:
        return
    from octo.expr import nearest

    guess = nearest(flow, config.flows)
    names = ", ".join(config.flows) or "none"
    raise click.UsageError(
        f"there is no flow {flow!r}." + (f" Did you mean {guess!r}?" if guess else "") + f" Flows: {names}"
    )


async def attempt(
    config: Config,
    flow: str,
    message: Message,
    seconds: float,
    observer: Observer | None = None,
    services: Services | None = None,
) -> Ending | Exception:
    """How the flow ended, or the error that it ended with. services: closed in the end; by default those in memory."""
    from octo.engine.invoke import invoke
    from octo.engine.observe import NOBODY

    try:
        async with services or Services() as opened:
            return await invoke(config, flow, message, seconds, observer or NOBODY, opened)
    except (Failure, OctoError) as error:
        return error


def report(outcome: Ending | Exception, *, whole: bool, raw: bool = False) -> int:
    """Print how the flow ended. Return the exit code. With `raw`, raw content is written as other systems get it."""
    if isinstance(outcome, Message):
        return _pour(outcome) if raw and outcome.raw else _printed(outcome.as_json() if whole else outcome.body)
    if isinstance(outcome, Drop):
        say(f"flow dropped the message{f': {outcome.reason}' if outcome.reason else ''}", err=True)
        return exits.DROPPED
    if isinstance(outcome, Failure):
        _explain(outcome)
    elif isinstance(outcome, OctoError):
        refuse(outcome)
    return exits.LATE if isinstance(outcome, Timeout) else exits.FAILED


def _printed(value: object) -> int:
    write(value)
    return exits.DONE


def _pour(message: Message) -> int:
    try:
        _, data = content.out(message.body)
    except NotText as error:
        say(str(error), err=True)
        return exits.FAILED
    for piece in data.stream() if isinstance(data, Content) else (data,):
        give(piece)
    return exits.DONE


def write(value: object, *, indent: bool = False) -> None:
    """Print a value as JSON, on one line unless `indent` is true."""
    give(encode(value, indent=indent), json=True)


def encode(value: object, *, indent: bool = False) -> bytes:
    """A value as JSON, with a line break at the end."""
    return codec.write(value, indent=indent) + b"\n"


def _explain(failure: Failure) -> None:
    """Show the failure with the line of the flow file that it is about."""
    if failure.at is not None:
        code = str(failure.as_value("")["code"])
        show(Problem(code, failure.at, str(failure), f"`octo explain {code}` tells more"))
