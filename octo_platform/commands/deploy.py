"""`octo plan` and `octo deploy`: from flow files on this machine, or from a tag, to a deployment that runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from octo.cli.help import Verb
from octo.cli.terminal import say
from octo_platform.commands import asking, versions
from octo_platform.commands.address import Address, address
from octo_platform.commands.client import Client, Refused
from octo_platform.commands.files import Local, read
from octo_platform.commands.following import follow
from octo_platform.commands.shown import is_empty, show_plan

F = TypeVar("F", bound=Callable[..., Any])


def what_options(command: F) -> F:
    """What is deployed, where, and how it runs."""
    for each in (
        click.option("--drain", type=click.FloatRange(0, 3600), help="Seconds in which messages under way may finish."),
        click.option(
            "--in-flight",
            type=click.Choice(["drain", "migrate"]),
            help="Journalled messages: finish them with the old version, or go on with the new one.",
        ),
        click.option("--cpu", type=float, help="Cores of each instance."),
        click.option("--memory", type=int, metavar="MIB", help="Memory of each instance, at most."),
        click.option("--expose", metavar="NAME", help="Reach it from outside, below the environment's domain."),
        click.option(
            "--secret", "secrets", multiple=True, metavar="NAME=SECRET", help="A secret that has another name here."
        ),
        click.option("--set", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of its environment."),
        click.option("--replicas", type=click.IntRange(0, 100), help="How many instances; a new one has one."),
        click.option("--integration", "--name", "name", metavar="NAME", help="Default: the name of PATH."),
        click.option("--tag", help="The version; default: a name made of the content of the files."),
        click.option("--to", metavar="PLACE", default="", help="WORKSPACE/ENVIRONMENT or WORKSPACE/ENVIRONMENT:NAME."),
        click.argument("path", required=False, type=click.Path(path_type=Path)),
    ):
        command = each(command)
    return command


class Wish(NamedTuple):
    """What shall be deployed. local: None to take the tag as it is stored. settings: only what was given."""

    place: Address
    integration: str
    tag: str | None
    local: Local | None
    settings: dict[str, Any]


class Planned(NamedTuple):
    """A plan, and what it is made of. body: what confirms it. etag: of the deployment; None if there is none yet."""

    plan: dict[str, Any]
    body: dict[str, Any]
    etag: str | None


def wish(path: Path | None, to: str, tag: str | None, name: str | None, given: dict[str, Any]) -> Wish:
    """Read what is meant. Raises click.UsageError."""
    place = address(to, given.pop("workspace"), given.pop("environment"), deployment=False)
    local = read(path) if path is not None else None
    integration = name or (local.name if local else place.slug)
    if not integration:
        raise click.UsageError("name what to deploy: a PATH, or --integration NAME with --tag")
    if local is None and tag is None:
        raise click.UsageError("name a PATH to make a version of, or --tag TAG for one that there is")
    place = place._replace(slug=place.slug or integration)
    return Wish(place, integration, tag, local, _settings(given))


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    variables, secrets = (_pairs(given.pop(name), option) for name, option in _PAIRS)
    resources = {name: value for name in ("cpu", "memory") if (value := given.pop(name)) is not None}
    found = {"inFlight": given.pop("in_flight"), **given}
    found |= {"variables": variables or None, "secrets": secrets or None, "resources": resources or None}
    return {name: value for name, value in found.items() if value is not None}


_PAIRS = (("variables", "--set"), ("secrets", "--secret"))


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    for each in texts:
        if not each.partition("=")[0] or "=" not in each:
            raise click.UsageError(f"{option} {each.partition('=')[0]!r}: write NAME=VALUE")
    return {name: value for name, _, value in (each.partition("=") for each in texts)}


def planned(client: Client, wish: Wish, tag: str) -> Planned:
    """Ask for the plan: of a new deployment, or of rolling the one that is there."""
    try:
        return _planned(client, wish, tag)
    except Refused as refused:
        if not (missing := refused.problem.get("missing")):
            raise
        to = f"--workspace {wish.place.workspace} --environment {wish.place.environment}"
        is_secret = refused.code == "no-such-secret"
        lines = [f"  octo secrets set {name} {to}" if is_secret else f"  --set {name}=VALUE" for name in missing]
        raise Refused(refused.code, "\n".join([refused.message, *lines]), refused.problem) from None


def _planned(client: Client, wish: Wish, tag: str) -> Planned:
    found = client.found(wish.place.path)
    if found is None:
        body = {
            "environment": wish.place.environment,
            "integration": wish.integration,
            "tag": tag,
            "slug": wish.place.slug,
            "settings": wish.settings,
        }
        plan = client.post(f"{wish.place.root}/plans", body).json()
        return Planned(plan, {**body, "plan": plan["digest"]}, None)
    present = found.json()
    if present["integration"] != wish.integration:
        raise click.UsageError(f"{wish.place} runs {present['integration']}; name another: --to …:NAME")
    change = {
        name: {**present["settings"].get(name, {}), **value} if isinstance(value, dict) else value
        for name, value in wish.settings.items()
    }
    body = {"tag": tag, "settings": change}
    plan = client.post(f"{wish.place.path}/plan", body).json()
    return Planned(plan, {**body, "plan": plan["digest"]}, found.headers["etag"])


@click.command(
    "plan",
    cls=Verb,
    epilog="""\b
Examples:
  octo plan --to shop/dev:orders --tag v2              what rolling to v2 would change
  octo plan orders.yaml --to shop/dev --tag v3 --push  store the files as v3 first""",
)
@what_options
@click.option("--push", is_flag=True, help="Store the files of PATH as a version first. It is not deployed.")
@asking.place_options
@asking.format_option
def plan(path: Path | None, to: str, tag: str | None, name: str | None, push: bool, form: str, **given: Any) -> None:
    """Show what `octo deploy` would change: blocks, routes, connectors, secrets, where it connects, settings.

    It changes nothing. Flow files that are no version yet are compared only with --push.
    """
    with asking.client(given.pop("server")) as client:
        wanted = wish(path, to, tag, name, given)
        found = planned(client, wanted, _tag(client, wanted, partial(_pushed, push=push)))
    if form == "json":
        asking.show(found.plan)
    else:
        show_plan(found.plan, str(wanted.place))


@click.command(
    "deploy",
    cls=Verb,
    epilog="""\b
Examples:
  octo deploy orders.yaml --to shop/dev            store, tag, show the plan, ask, deploy
  octo deploy flows --to shop/dev --tag v2 --yes   do not ask
  octo deploy --to shop/production:orders --tag v2  a version that there is""",
)
@what_options
@click.option("--create", is_flag=True, help="Make the workspace, and the environment on the platform's own machine.")
@asking.yes_option
@asking.wait_options
@asking.place_options
@asking.format_option
def deploy(  # noqa: PLR0913, PLR0917  one parameter per option
    path: Path | None,
    to: str,
    tag: str | None,
    name: str | None,
    create: bool,
    yes: bool,
    no_wait: bool,
    timeout: float,
    form: str,
    **given: Any,
) -> None:
    """Deploy flow files, or a version that there is, and wait until it runs.

    The files become a version, which never changes. What would change is shown, and must be confirmed. Exit code 1
    means that it did not become ready; then what ran before still runs.
    """
    quiet = form == "json"
    with asking.client(given.pop("server")) as client:
        wanted = wish(path, to, tag, name, given)
        versions.find_places(client, wanted.place, make=partial(asking.answerable, yes=yes) if create else None)
        found = planned(client, wanted, _tag(client, wanted, partial(asking.answerable, yes=yes), quiet=quiet))
        if not quiet:
            show_plan(found.plan, str(wanted.place))
        if found.etag is not None and is_empty(found.plan):
            answer = client.get(wanted.place.path)
        else:
            asking.confirm("Deploy it?", yes=yes)
            answer = _carry_out(client, wanted, found)
        if not no_wait:  # also where nothing changes: what is there may have failed
            answer = follow(client, wanted.place, answer["generation"], timeout, quiet=quiet)
    if quiet:
        asking.show({"plan": found.plan, "deployment": answer})
    else:
        tell(wanted.place, answer)


def _carry_out(client: Client, wanted: Wish, found: Planned) -> dict[str, Any]:
    if found.etag is None:
        answer: dict[str, Any] = client.post(f"{wanted.place.root}/deployments", found.body).json()
    else:
        answer = client.post(f"{wanted.place.path}/rollout", found.body, found.etag).json()
    return answer


def _pushed(*, push: bool) -> None:
    if not push:
        raise click.UsageError("these files are no version yet: --push stores them as one, and deploys nothing")


def _tag(client: Client, wanted: Wish, may_push: Callable[[], None], *, quiet: bool = False) -> str:
    """The tag of what is deployed; the files are stored under it first, if there are any.

    may_push: raises click.UsageError where nothing may be stored.
    """
    if wanted.local is None:
        assert wanted.tag is not None, "wish has seen to it"
        return wanted.tag
    stored = versions.Stored(client, wanted.place, wanted.integration)
    if (tag := stored.tag_of(wanted.local.files, wanted.tag)) is not None:
        return tag
    may_push()
    if wanted.local.left_out and not quiet:
        say(f"  left out: {', '.join(wanted.local.left_out[:10])}", err=True)
    return stored.push(wanted.local.files, wanted.tag)


def tell(place: Address, answer: dict[str, Any]) -> None:
    """Say where it is now."""
    url = answer.get("externalUrl") or answer.get("internalUrl")
    running = answer.get("runningTag") or answer["tag"]
    say(f"{place}  {running}  {answer['phase']}" + (f"  {url}" if url else ""))
