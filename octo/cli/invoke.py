"""`octo invoke`: call one flow by name. No source starts, no port is bound."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from octo.cli.ending import attempt, check_flow, report
from octo.cli.given import Given
from octo.cli.project import config_option, config_path, load_or_exit


@click.command("invoke")
@config_option
@click.option("--flow", "-f", required=True, help="Name of the flow to call.")
@click.option("--data", "-d", help="Body as JSON; `@file` reads a file, `-` reads standard input.")
@click.option("--content-type", help="Media type of the body, if not JSON, e.g. text/csv. It is then raw content.")
@click.option("--vars", "variables", help="Variables as a JSON object.")
@click.option("--timeout", default="30s", show_default=True, help="How long the flow may take, e.g. 500ms, 30s.")
@click.option("--message", "whole", is_flag=True, help="Print the whole message, not just its body.")
@click.option("--raw", is_flag=True, help="Write raw content as it is instead of as JSON: a picture, a CSV file.")
@click.option("--break-at", metavar="ADDRESS", help="Stop after this block and print the message.")
@click.option(
    "--spies", metavar="ADDRESSES", help="Show what goes into and out of these blocks; separate them with commas."
)
@click.option("--mocks", help='Results that replace blocks: {"ADDRESS": {"body": ...}} as JSON, or `@file`.')
@click.option(
    "--run-debug-config", metavar="FILE", help="Read input, breakAt, spies and mocks from a YAML or JSON file."
)
@click.option("--envelope", is_flag=True, help="Print how the flow ended and what the spies saw, as one JSON object.")
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

    Blocks are named by address: `flow.block`, `flow.composite[branch].block`, `flow[error].block`. The exit code is 0
    if a breakpoint is reached, 3 if it is not. With --envelope it is 0 even if the flow failed: the envelope holds the
    error. An option replaces its part of the --run-debug-config file.
    """
    from octo.core import log

    log.configure()
    log.reserve_stdout()
    seconds = _seconds(timeout)
    path = config_path(option, argument)
    given = Given(data, content_type, variables)
    raw = debugging.pop("raw")
    if any(debugging.values()):
        from octo.cli.debugging import Options, debug

        sys.exit(debug(path, flow, given, seconds, Options(**debugging, whole=whole, raw=raw)))
    message = given.message()
    config = load_or_exit(path)
    check_flow(config, flow)
    sys.exit(report(asyncio.run(attempt(config, flow, message, seconds)), whole=whole, raw=raw))


def _seconds(timeout: str) -> float:
    from octo.core.durations import parse_duration

    try:
        return parse_duration(timeout).total_seconds()  # type: ignore[attr-defined,no-any-return]
    except ValueError:
        raise click.BadParameter(
            f"{timeout!r} is not a duration; write e.g. 500ms or 30s", param_hint="--timeout"
        ) from None
