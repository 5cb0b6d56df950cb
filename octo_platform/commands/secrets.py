"""`octo secrets` at a platform: what its `--workspace` leads to. Values are written, and never read."""

from __future__ import annotations

import click

from octo.cli.terminal import say
from octo_platform.commands import asking
from octo_platform.commands.address import workspace_of
from octo_platform.commands.client import Client, Refused


@click.group("secrets")
def command() -> None:
    """Secrets of a workspace or of one of its environments."""


@command.command("list")
@asking.place_options
@asking.format_option
def list_(server: str | None, workspace: str | None, environment: str | None, form: str) -> None:
    """List the names."""
    with asking.client(server) as client:
        found = list(client.pages(_path(workspace, environment)))
    if form == "json":
        asking.show(found)
        return
    if not found:
        say(f"no secrets in {'/'.join(filter(None, (workspace, environment)))}", err=True)
    for each in found:
        say(f"{each['name']}  changed {each['updatedAt'][:19]}")


@command.command("set")
@click.argument("name")
@click.argument("value")
@asking.place_options
def set_(name: str, value: str, server: str | None, workspace: str | None, environment: str | None) -> None:
    """Write a secret. Deployments that use it take the new value at once."""
    path = f"{_path(workspace, environment)}/{name}"
    with asking.client(server) as client:
        answer, is_new = _written(client, path, value)
    say(f"{name}: {'added' if is_new else 'replaced'}")
    if rolled := answer.get("rolled"):
        say(f"  taken at once by {', '.join(rolled)}")


def _written(client: Client, path: str, value: str) -> tuple[dict[str, list[str]], bool]:
    try:
        answer = client.send("PUT", path, json={"value": value}, headers={"If-None-Match": "*"})
    except Refused as refused:
        if refused.code != "exists":
            raise
        answer = client.send("PUT", path, json={"value": value}, headers={"If-Match": "*"})
    return answer.json(), answer.status_code == 201


@command.command("rm")
@click.argument("names", nargs=-1, required=True)
@asking.place_options
def rm(names: tuple[str, ...], server: str | None, workspace: str | None, environment: str | None) -> None:
    """Remove secrets that no deployment uses."""
    path = _path(workspace, environment)
    with asking.client(server) as client:
        for name in names:
            client.send("DELETE", f"{path}/{name}", headers={"If-Match": "*"})
            say(f"{name}: removed")


def _path(workspace: str | None, environment: str | None) -> str:
    place = f"/workspaces/{workspace_of(workspace)}"
    return f"{place}/environments/{workspace_of(environment)}/secrets" if environment else f"{place}/secrets"
