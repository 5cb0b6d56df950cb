"""`octo mcp FILE`: offer flows as tools to clients of the Model Context Protocol."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click

from octo.cli import exits
from octo.cli.ending import check_flow
from octo.cli.help import Unnamed
from octo.cli.mcp_http import address_of, listening
from octo.cli.named import Named
from octo.cli.places import MEMORY, services_of, services_option
from octo.cli.project import config_option, config_path, load_or_exit, refuse
from octo.cli.stopping import on_standard_input
from octo.cli.stubs import load_stubbed, stubs_option
from octo.cli.terminal import say
from octo.config.documents import BlockDoc, Config
from octo.config.walk import blocks_of, reachable
from octo.core.errors import OctoError
from octo.services.container import Services


class Offering(NamedTuple):
    """The flows that are tools, how long a call of one may take, and after which time it becomes a task."""

    flows: list[str]
    seconds: float
    after: float


_DRAIN = 5.0
"""Seconds that calls have to end, when the command is asked to stop."""


@click.command(
    "publish",
    hidden=True,
    cls=Unnamed,
    epilog="""\b
Examples:
  octo mcp flow.yaml                   for a client that starts this command
  octo mcp flow.yaml --flows find,buy  only these flows
  octo mcp flow.yaml --http 8765       at http://127.0.0.1:8765/mcp
  octo mcp author --help               for an assistant that writes flows""",
)
@config_option
@click.option("--flows", metavar="NAMES", help="Only these flows; separate them with commas.")
@click.option("--http", "address", metavar="[HOST:]PORT", help="Serve over HTTP at /mcp; without a host, this machine.")
@click.option("--allow-host", multiple=True, metavar="HOST", help="A value of the header Host that is accepted, too.")
@click.option("--allow-origin", multiple=True, metavar="ORIGIN", help="Pages of this origin may call, too.")
@click.option("--resource", metavar="URL", default="", help="The address of the server as clients know it.")
@click.option("--jwt-issuer", metavar="URL", default="", help="Callers need a token (JWT) of this issuer.")
@click.option("--jwt-keys", metavar="URL", default="", help="Where its keys are (JWKS), if it does not say itself.")
@click.option("--jwt-audience", metavar="NAME", default="", help="For whom a token is; default: the --resource.")
@click.option("--jwt-scope", metavar="SCOPE", multiple=True, help="What each token must allow.")
@click.option(
    "--task-after",
    default="5s",
    show_default=True,
    help="A call that takes longer becomes a task, which the client asks for, if it knows tasks.",
)
@click.option("--timeout", default="1m", show_default=True, help="How long a call may take, e.g. 500ms, 5m.")
@stubs_option
@services_option(MEMORY)
def command(argument: Path | None, option: Path | None, flows: str | None, timeout: str, **given: Any) -> None:
    """Offer flows as tools to a client of the Model Context Protocol, such as a chat program or an agent.

    A flow is called with the arguments as its body, which must fit its `input:`; its `description:` is what the model
    reads. No source starts. Standard output carries the protocol alone, logs go to standard error.
    """
    from octo.core import log

    log.configure()
    log.reserve_stdout()
    seconds, after = _seconds(timeout, "--timeout"), _seconds(given["task_after"], "--task-after")
    if not find_spec("mcp"):
        raise click.UsageError("octo mcp needs the package mcp: pip install 'octo-flows[mcp]'")
    _check_tokens(given)
    listener = given["address"] and listening(given["address"])
    services = services_of(given["services"], given["storage_dir"], MEMORY)

    def read(path: Path) -> Config:
        return load_stubbed(Named((path,), services=given["services"]), given["stubs"])

    config = load_or_exit(config_path(option, argument), read)
    names = _names(config, flows)
    if not listener:
        on_standard_input("an agent or chat")
    try:
        offering = Offering(names, seconds, after)
        asyncio.run(_serve(config, offering, services, lambda server: _reached(server, listener, given)))
    except OctoError as error:
        refuse(error)
        sys.exit(exits.FAILED)


def _names(config: Config, flows: str | None) -> list[str]:
    """The flows to offer: those that are named, else all that have a name of their own."""
    if flows is None:
        names = [
            name
            for number, (name, doc) in enumerate(config.flows.items(), 1)
            if doc.source is None or name != f"flow-{number}"
        ]
    else:
        names = [each.strip() for each in flows.split(",") if each.strip()]
    for name in names:
        check_flow(config, name)
    if not names:
        raise click.UsageError("there is no flow with a name, so there is nothing to offer")
    return names


def _harmless(config: Config, names: list[str]) -> set[str]:
    """The flows that, with all that they call, change nothing outside of the process."""

    def changes(block: BlockDoc) -> bool:
        kind = block.type
        return kind.name == "python" or (kind.name != "log" and (bool(kind.promises) or kind.calls_outside))

    docs = {name: reachable(config, name) for name in names}
    return {name for name in names if not any(changes(block) for doc in docs[name] for block in blocks_of(doc))}


async def _serve(
    config: Config, offering: Offering, services: Services, reached: Callable[[Any], Awaitable[None]]
) -> None:
    import octo
    from octo.ai.mcp.serving.published import published
    from octo.ai.mcp.serving.server import server_of
    from octo.ai.mcp.serving.tasks import Tasks
    from octo.engine.opened import opened

    async with services as given, opened(config, offering.flows, given, _DRAIN) as flows:
        those = [flows[name] for name in offering.flows]
        harmless = _harmless(config, offering.flows)
        offer = published(config.name or "octo", octo.__version__, those, offering.seconds, harmless)
        async with Tasks.opened(offering.after) as tasks:
            await reached(server_of(offer, tasks))


async def _reached(server: Any, listener: socket.socket | None, given: Mapping[str, Any]) -> None:
    """Serve until the client leaves, or the command is asked to stop."""
    from octo.ai.mcp.serving import transports

    if listener is None:
        await transports.over_stdio(server)
        return
    host, port = listener.getsockname()[:2]
    entrance = transports.Entrance(
        hosts=given["allow_host"],
        origins=given["allow_origin"],
        issuer=given["jwt_issuer"],
        keys=given["jwt_keys"],
        audience=given["jwt_audience"],
        scopes=given["jwt_scope"],
        resource=given["resource"],
    )
    if not entrance.issuer and host not in ("127.0.0.1", "::1"):
        say("everybody who reaches this address may call the flows; --jwt-issuer asks for tokens", err=True)
    app = transports.application(server, host, port, entrance)
    say(f"serving at {address_of(listener)}", err=True)
    await transports.over_http(app, listener, _asked_to_stop())


def _check_tokens(given: Mapping[str, Any]) -> None:
    from octo.core import tokens

    for option in ("jwt_issuer", "jwt_keys"):
        if given[option] and not tokens.is_safe(given[option]):
            name = f"--{option.replace('_', '-')}"
            raise click.BadParameter("use https: whoever is on the way could give keys of their own", param_hint=name)
    if not given["jwt_issuer"] and (given["jwt_keys"] or given["jwt_audience"] or given["jwt_scope"]):
        raise click.UsageError("whose tokens? Name --jwt-issuer")


def _asked_to_stop() -> asyncio.Event:
    from octo.cli.stopping import GRACE, Stopping

    stop = asyncio.Event()
    Stopping(stop, _DRAIN + GRACE).listen()
    return stop


def _seconds(text: str, option: str) -> float:
    from octo.core.durations import parse_duration

    try:
        return max(0.001, float(parse_duration(text).total_seconds()))  # type: ignore[attr-defined]
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a duration; write e.g. 30s", param_hint=option) from None
