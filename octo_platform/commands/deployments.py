"""`octo deployments`: what is deployed, and the verbs that change how it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from octo.cli.help import Verb, Verbs
from octo.cli.terminal import say
from octo_platform.commands import asking
from octo_platform.commands.address import address, workspace_of
from octo_platform.commands.client import Client
from octo_platform.commands.deploy import tell
from octo_platform.commands.following import follow, follow_end

_PHASES = {"running": "green", "paused": "cyan", "failed": "red", "degraded": "yellow", "progressing": "yellow"}


@click.group("deployments", cls=Verbs, epilog="`octo deployments COMMAND --help` tells more.")
def command() -> None:
    """List deployments; show, scale, pause, resume, restart and remove one."""


@command.command("list", cls=Verb, epilog="Example: octo deployments list --workspace shop")
@click.option("--integration", help="Only those of this integration.")
@click.option("--phase", type=click.Choice([*_PHASES]), help="Only those in this phase.")
@asking.place_options
@asking.format_option
def list_(
    integration: str | None,
    phase: str | None,
    server: str | None,
    workspace: str | None,
    environment: str | None,
    form: str,
) -> None:
    """List the deployments of a workspace, the newest first."""
    space = workspace_of(workspace)
    query = {"environment": environment, "integration": integration, "phase": phase}
    given = {name: value for name, value in query.items() if value}
    with asking.client(server) as client:
        found = list(client.pages(f"/workspaces/{space}/deployments", **given))
    if form == "json":
        asking.show(found)
        return
    if not found:
        given.pop("environment", None)
        say(f"no deployment{' like this' if given else ''} in {'/'.join(filter(None, (space, environment)))}", err=True)
    rows = [
        (f"{space}/{each['environment']}:{each['slug']}", each["tag"], each["phase"], _ready(each), _url(each))
        for each in found
    ]
    asking.table(rows, head=("DEPLOYMENT", "TAG", "PHASE", "READY", "URL"))


@command.command("show", cls=Verb, epilog="Example: octo deployments show shop/dev:orders")
@click.argument("deployment")
@asking.place_options
@asking.format_option
def show(deployment: str, server: str | None, form: str, **given: Any) -> None:
    """Show a deployment: its version, its instances, and why it is not as it shall be."""
    place = address(deployment, given["workspace"], given["environment"])
    with asking.client(server) as client:
        found = client.get(place.path)
    if form == "json":
        asking.show(found)
        return
    tell(place, found)
    if found.get("runningTag") not in (None, found["tag"]):
        say(f"  wanted: {found['tag']}")
    say(f"  {_ready(found)} ready, generation {found['generation']}")
    for each in found["reasons"]:
        say(f"  {each['code']}: {each['text']}", fg="yellow")
    asking.table([_instance(each) for each in found["instances"]])


def _instance(each: Mapping[str, Any]) -> tuple[str, ...]:
    restarts = f"{each['restarts']} restarts" if each.get("restarts") else ""
    return f"  {each['name']}", each["tag"], each["phase"], restarts


def _ready(found: Mapping[str, Any]) -> str:
    return f"{found['ready']}/{found['settings'].get('replicas', found['wanted'])}"


def _url(found: Mapping[str, Any]) -> str:
    return found.get("externalUrl") or found.get("internalUrl") or ""


@command.command("releases", cls=Verb, epilog="Example: octo deployments releases shop/dev:orders")
@click.argument("deployment")
@asking.place_options
@asking.format_option
def releases(deployment: str, server: str | None, form: str, **given: Any) -> None:
    """List what was wanted of a deployment, the newest first, and what became of it."""
    place = address(deployment, given["workspace"], given["environment"])
    with asking.client(server) as client:
        found = list(client.pages(f"{place.path}/releases"))
    if form == "json":
        asking.show(found)
        return
    rows = [
        (str(each["generation"]), each["tag"], each["cause"], _outcome(each, found[0]), each["createdAt"][:19])
        for each in found
    ]
    asking.table(rows, head=("GENERATION", "TAG", "CAUSE", "OUTCOME", "AT"))
    if found and found[0]["reason"]:
        say(f"  {found[0]['reason']}", fg="yellow")


def _outcome(release: Mapping[str, Any], newest: Mapping[str, Any]) -> str:
    return release["outcome"] or ("under way" if release is newest else "overtaken")


@command.command("scale", cls=Verb, epilog="Example: octo deployments scale shop/dev:orders 3")
@click.argument("deployment")
@click.argument("replicas", type=click.IntRange(0, 100))
@asking.wait_options
@asking.place_options
@asking.format_option
def scale(deployment: str, replicas: int, **given: Any) -> None:
    """Run more or fewer instances."""
    _change(deployment, "scale", {"replicas": replicas}, given)


@command.command("pause", cls=Verb, epilog="Example: octo deployments pause shop/dev:orders")
@click.argument("deployment")
@asking.wait_options
@asking.place_options
@asking.format_option
def pause(deployment: str, **given: Any) -> None:
    """Stop all instances, and keep everything else."""
    _change(deployment, "pause", None, given)


@command.command("resume", cls=Verb, epilog="Example: octo deployments resume shop/dev:orders")
@click.argument("deployment")
@asking.wait_options
@asking.place_options
@asking.format_option
def resume(deployment: str, **given: Any) -> None:
    """Run again what was paused."""
    _change(deployment, "resume", None, given)


@command.command("restart", cls=Verb, epilog="Example: octo deployments restart shop/dev:orders")
@click.argument("deployment")
@asking.wait_options
@asking.place_options
@asking.format_option
def restart(deployment: str, **given: Any) -> None:
    """Start all instances anew, one after the other."""
    _change(deployment, "restart", None, given)


@command.command("rm", cls=Verb, epilog="Example: octo deployments rm shop/dev:orders")
@click.argument("deployment")
@asking.yes_option
@asking.wait_options
@asking.place_options
@asking.format_option
def rm(deployment: str, yes: bool, **given: Any) -> None:
    """Remove a deployment, and wait until nothing of it is left. What its flows kept stays."""
    place = address(deployment, given["workspace"], given["environment"])
    with asking.client(given["server"]) as client:
        etag, found = _read(client, place.path)
        asking.confirm(f"Remove {place}, which runs {found['tag']}?", yes=yes)
        answer = client.send("DELETE", place.path, headers={"If-Match": etag}).json()
        if not given["no_wait"]:
            follow_end(client, place, answer["id"], given["timeout"])
    if given["form"] == "json":
        asking.show({"deployment": answer, "gone": not given["no_wait"]})
    else:
        say(f"{place}: {'is being removed' if given['no_wait'] else 'removed'}")


def _change(deployment: str, verb: str, body: object, given: Mapping[str, Any]) -> None:
    place = address(deployment, given["workspace"], given["environment"])
    with asking.client(given["server"]) as client:
        etag, _ = _read(client, place.path)
        answer = client.post(f"{place.path}/{verb}", body, etag).json()
        if not given["no_wait"]:
            quiet = given["form"] == "json"
            answer = follow(client, place, answer["generation"], given["timeout"], quiet=quiet)
    if given["form"] == "json":
        asking.show(answer)
    else:
        tell(place, answer)


def _read(client: Client, path: str) -> tuple[str, dict[str, Any]]:
    """The ETag of a deployment, and the deployment."""
    found = client.send("GET", path)
    return found.headers["etag"], found.json()
