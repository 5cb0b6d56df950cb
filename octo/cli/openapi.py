"""`octo openapi`: print the OpenAPI document of the HTTP routes of a configuration, without running it."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from octo.cli import exits
from octo.cli.help import Verb
from octo.cli.named import named
from octo.cli.project import load, refuse
from octo.cli.terminal import give
from octo.core.errors import ConfigError


@click.command(
    "openapi",
    cls=Verb,
    epilog="""\b
Examples:
  octo openapi                          the flows of this folder
  octo openapi flow.yaml > api.json     one file
  octo openapi --connector web flows    the routes of one connector""",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--connector", help="Only the routes of this connector.")
def command(paths: tuple[Path, ...], connector: str | None) -> None:
    """Print the OpenAPI 3.1 document of all HTTP routes: paths, parameters, bodies from `input:`, credentials.

    A connector serves the same under its setting `openapi`, and a page of it under `docs`.
    """
    from octo.connectors.http import openapi
    from octo.connectors.http.settings import Server
    from octo.connectors.http.sources import Route, Static

    try:
        config = load(named(paths, "openapi"))
    except ConfigError as error:
        refuse(error)
        sys.exit(exits.USAGE)
    routes, version = [], "1.0.0"
    for flow in config.flows.values():
        given = flow.source.settings if flow.source is not None else None
        if flow.source is None or not isinstance(given, Route | Static):
            continue
        server = config.connectors[flow.source.connector].settings
        if connector not in (None, flow.source.connector) or not isinstance(server, Server):
            continue
        version = server.api_version
        route = given.route if isinstance(given, Static) else given
        routes.append(openapi.Described(server, route, flow.name, flow.description, flow.input))
    found = openapi.document(config.name, version, routes)
    give(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n", json=True)
