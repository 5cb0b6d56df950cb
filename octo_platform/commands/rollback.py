"""`octo rollback`: back to what ran before, its version and its settings."""

from __future__ import annotations

from typing import Any

import click

from octo.cli.help import Verb
from octo_platform.commands import asking
from octo_platform.commands.address import Address, address
from octo_platform.commands.client import Client
from octo_platform.commands.deploy import tell
from octo_platform.commands.following import follow
from octo_platform.commands.shown import show_plan

_PLANNED = ("replicas", "variables", "secrets", "expose", "resources", "inFlight", "drain")


@click.command("rollback", cls=Verb, epilog="Example: octo rollback shop/dev:orders")
@click.argument("deployment")
@click.option(
    "--generation",
    type=click.IntRange(1),
    help="Which one, see `octo deployments releases`; default: the newest that was ready, and another than now.",
)
@asking.yes_option
@asking.wait_options
@asking.place_options
@asking.format_option
def command(
    deployment: str,
    generation: int | None,
    yes: bool,
    no_wait: bool,
    timeout: float,
    server: str | None,
    form: str,
    **given: Any,
) -> None:
    """Go back to what ran before, and wait until it runs: its version and its settings. The plan must be confirmed."""
    place = address(deployment, given["workspace"], given["environment"])
    quiet = form == "json"
    with asking.client(server) as client:
        found = client.send("GET", place.path)
        release = _release(client, place, generation)
        change = {name: release["settings"][name] for name in _PLANNED if name in release["settings"]}
        plan = client.post(f"{place.path}/plan", {"tag": release["tag"], "settings": change}).json()
        if not quiet:
            show_plan(plan, str(place))
        asking.confirm(f"Go back to {release['tag']}?", yes=yes)
        body = {"generation": release["generation"]}
        answer = client.post(f"{place.path}/rollback", body, found.headers["etag"]).json()
        if not no_wait:
            answer = follow(client, place, answer["generation"], timeout, quiet=quiet)
    if quiet:
        asking.show({"plan": plan, "deployment": answer})
    else:
        tell(place, answer)


def _release(client: Client, place: Address, generation: int | None) -> dict[str, Any]:
    """The release to go back to: a certain one, or the newest that became ready and was another. Raises UsageError.

    A restart or a pause makes a release as well, with nothing in it to go back to.
    """
    present: dict[str, Any] | None = None
    for each in client.pages(f"{place.path}/releases"):
        present = present or each
        if each["generation"] == generation:
            return each
        if generation is None and each["outcome"] in ("ready", "replaced") and _what(each) != _what(present):
            return each
    text = f"{place} has no generation {generation}" if generation else f"{place}: nothing else ran before this"
    raise click.UsageError(f"{text}; see `octo deployments releases {place}`")


def _what(release: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return release["tag"], {name: release["settings"].get(name) for name in _PLANNED}
