"""`octo invoke`: call one flow by name. No source starts, no port is bound."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from octo.cli.callee import callee
from octo.cli.ending import attempt, check_flow, report
from octo.cli.given import Given
from octo.cli.help import Verb
from octo.cli.named import Named
from octo.cli.places import MEMORY, services_of, services_option
from octo.cli.project import load_or_exit
from octo.cli.stubs import load_stubbed, stubs_option
from octo.config.documents import Config


@click.command(
    "invoke",
    cls=Verb,
    epilog="""\b
Examples:
  octo invoke greet --data '{"name": "Ada"}'     a flow of this folder
  octo invoke flow.yaml greet --data @body.json  a flow of this file
  octo invoke --config flow.yaml --flow hello --vars '{"name": "Ada"}'""",
)
@click.argument("words", nargs=-1, metavar="[CONFIG] [FLOW]")
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="Flow file or folder, as CONFIG; default: this folder."
)
@services_option(MEMORY)
@click.option("--flow", "-f", help="Name of the flow to call, as FLOW.")
@click.option("--data", "-d", help="Body as JSON; `@file` reads a file, `-` reads standard input.")
@click.option("--content-type", help="Media type of the body, if not JSON, e.g. text/csv. It is then raw content.")
@click.option("--vars", "variables", help="Variables as a JSON object.")
@stubs_option
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
    words: tuple[str, ...],
    config: Path | None,
    flow: str | None,
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
    path, name = callee(words, config, flow, "invoke")
    given = Given(data, content_type, variables)
    raw = debugging.pop("raw")
    places, stubs = debugging.pop("services"), debugging.pop("stubs")
    services = services_of(places, debugging.pop("storage_dir"), MEMORY)

    def read(path: Path) -> Config:
        return load_stubbed(Named((path,), services=places), stubs)

    if any(debugging.values()):
        from octo.cli.debugging import Options, debug

        sys.exit(debug(load_or_exit(path, read), name, given, seconds, Options(**debugging, whole=whole, raw=raw)))
    message = given.message()
    loaded = load_or_exit(path, read)
    check_flow(loaded, name)
    outcome = asyncio.run(attempt(loaded, name, message, seconds, services=services))
    sys.exit(report(outcome, whole=whole, raw=raw))


def _seconds(timeout: str) -> float:
    from octo.core.durations import parse_duration

    try:
        return parse_duration(timeout).total_seconds()  # type: ignore[attr-defined,no-any-return]
    except ValueError:
        raise click.BadParameter(
            f"{timeout!r} is not a duration; write e.g. 500ms or 30s", param_hint="--timeout"
        ) from None
