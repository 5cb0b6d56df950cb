"""`octo secrets`: names and values in an encrypted file, and the keys that open it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octo.cli import exits
from octo.cli.help import Verb, Verbs
from octo.cli.project import counted, refusals
from octo.cli.terminal import give, is_terminal, say

if TYPE_CHECKING:
    from octo.core.secrets import Store
    from octo.services.secrets.encrypted import Encrypted

MOST_BYTES = 1 << 20
"""What is read of standard input, at most: as much as a secret may have."""
_NAME = re.compile(r"[^\s/.\x00-\x1f\x7f][^\s/\x00-\x1f\x7f]*")
"""A name that every place of secrets can have, so that a secret can move from one to another."""


@click.group("secrets", cls=Verbs, epilog="`octo secrets COMMAND --help` tells more.")
def command() -> None:
    """Keep secrets in an encrypted file, and rotate its keys; or, with --workspace, those of a platform.

    Which file it is, --store says, or OCTO_SERVICES=secrets=encrypted:FILE. Its keys are in OCTO_SECRETS_KEYS, or in
    the file that OCTO_SECRETS_KEY_FILE names; `octo secrets keygen` makes one.

    `list`, `set` and `rm` with --workspace W, and --environment E for one of its environments, ask the platform where
    `octo login` was. A platform tells no value, so there is no `get`.
    """
    from octo.core import log

    log.configure("error")
    log.reserve_stdout()


def _store_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--store", metavar="FILE", help="The encrypted file; default: that of $OCTO_SERVICES, secrets=encrypted:FILE."
    )(verb)


def _platform_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """What names the secrets of a platform. No variable does: one that was set long ago must send no secret away."""
    for each in (
        click.option("--server", metavar="URL", help="With --workspace: the platform; default: where one signed in."),
        click.option("--environment", "-e", metavar="E", help="With --workspace: only of this environment."),
        click.option("--workspace", "-w", metavar="W", help="The secrets of this workspace of a platform."),
    ):
        verb = each(verb)
    return verb


def _is_of_platform(
    verb: str, store: str | None, place: dict[str, str | None], given: Callable[[], dict[str, Any]]
) -> bool:
    """Whether the secrets of a platform are meant. Then the verb of an installed package has done it.

    given: what it is told, beside the place.
    """
    if place["workspace"] is None:
        if named := [f"--{name}" for name in ("environment", "server") if place[name] is not None]:
            raise click.UsageError(f"{named[0]} needs --workspace, which says that a platform is meant")
        return False
    if store is not None:
        raise click.UsageError("--store means a file, and --workspace a platform: name one of them")
    from octo.cli import further

    group = further.command("secrets")
    if not isinstance(group, click.Group):
        raise click.UsageError("no package that is installed knows a platform: pip install 'octo-flows[platform]'")
    click.get_current_context().invoke(group.commands[verb], **given(), **place)
    return True


@command.command("list", cls=Verb, epilog="Example: octo secrets list --store secrets.json")
@_store_option
@_platform_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(store: str | None, form: str, **place: str | None) -> None:
    """List the names, never a value; in an encrypted file each with its key."""
    if _is_of_platform("list", store, place, lambda: {"form": form}):
        return
    with refusals(exits.FAILED):
        listed = _place(store).listed()
    if form == "json":
        say(json.dumps([{"name": name, "note": note} for name, note in listed], indent=2, ensure_ascii=False))
        return
    for name, note in listed:
        say(f"{name}  {note}" if note else name)


@command.command(
    "set",
    cls=Verb,
    epilog="Example: octo secrets set DB_PASSWORD <password.txt",
    context_settings={"allow_extra_args": True},
)
@click.argument("name")
@_store_option
@_platform_options
@click.pass_context
def set_(ctx: click.Context, /, name: str, store: str | None, **place: str | None) -> None:
    """Write a secret, over the one that is there. Its value is read from standard input, or asked for without echo.

    The line end after a single line is no part of it. The file is made if there is none.
    """
    if ctx.args or "=" in name:  # neither is quoted: one of them is the value
        raise click.UsageError("a value is no argument, as all users see those: write only the name, and type it then")
    if not _NAME.fullmatch(name):
        raise click.UsageError(f"{name[:80]!r} cannot name a secret: no blank, no `/`, and no `.` at the beginning")
    if _is_of_platform("set", store, place, lambda: {"name": name, "value": _value(name)}):
        return
    with refusals(exits.FAILED):
        is_new = _encrypted(store).set(name, _value(name))
        say(f"{name}: {'added' if is_new else 'replaced'}")


def _value(name: str) -> str:
    from octo.services.secrets.store import trimmed

    if is_terminal(sys.stdin):
        return str(click.prompt(name, hide_input=True, confirmation_prompt=True, err=True))
    data = sys.stdin.buffer.read(MOST_BYTES + 2)
    try:
        value = trimmed(data.decode())
    except UnicodeDecodeError:
        raise click.UsageError("a secret is text in UTF-8; encode bytes, e.g. with base64") from None
    if not value:  # what was to write it has failed, perhaps; the value that is there must not go with it
        raise click.UsageError(f"the value of {name} is empty: nothing came on standard input")
    return value


@command.command("get", cls=Verb, epilog="Example: octo secrets get DB_PASSWORD | pbcopy")
@click.argument("name")
@click.option("--show", is_flag=True, help="Print it on a terminal, too.")
@_store_option
def get(name: str, store: str | None, *, show: bool) -> None:
    """Write the value of a secret to standard output, as it is. On a terminal only with --show."""
    if is_terminal(sys.stdout) and not show:
        raise click.UsageError("it would be seen on the terminal; --show prints it all the same")
    from octo.services.ports import Missing

    with refusals(exits.FAILED):
        found = _place(store)
        text = found.find(name)
        if text is None:
            raise Missing(f"there is no secret {name[:80]!r} in {found.place}{_meant(name, found)}")
    give(text.encode())


@command.command("rm", cls=Verb, epilog="Example: octo secrets rm OLD_TOKEN")
@click.argument("names", nargs=-1, required=True)
@_store_option
@_platform_options
def rm(names: tuple[str, ...], store: str | None, **place: str | None) -> None:
    """Remove secrets. None of that name is an error, and the others are removed all the same."""
    if _is_of_platform("rm", store, place, lambda: {"names": names}):
        return
    from octo.services.ports import Missing

    with refusals(exits.FAILED):
        encrypted = _encrypted(store)
        missing = [name for name in names if not encrypted.remove(name)]
        if missing:
            told = ", ".join(map(repr, missing))
            raise Missing(f"there is no secret {told} in {encrypted.place}{_meant(missing[0], encrypted)}")
    say(f"{counted(len(names), 'secret')} removed")


@command.command("rotate", cls=Verb, epilog="Example: octo secrets keygen keys.txt && octo secrets rotate")
@_store_option
def rotate(store: str | None) -> None:
    """Encrypt every secret anew, with the newest key. The others are not needed afterwards.

    All are replaced at once: if it is interrupted, the file is as it was.
    """
    with refusals(exits.FAILED):
        count, key = _encrypted(store).rotate()
    say(f"{counted(count, 'secret')} written with the key {key}")


@command.command("keygen", cls=Verb, epilog="Example: octo secrets keygen keys.txt")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def keygen(file: Path | None) -> None:
    """Make a key: print it, or put it before the keys of FILE, which then writes with it.

    A new FILE can be read by its owner alone.
    """
    from datetime import UTC, datetime

    from octo.core.clock import now_ns
    from octo.services.secrets import keys

    made = keys.made(datetime.fromtimestamp(now_ns() // 10**9, UTC).date())
    if file is None:
        give(f"{made}\n".encode())
        return
    with refusals(exits.FAILED):
        keys.add(file, made)
    say(f"{file}: the newest key is {made.partition(':')[0]}")


# --- places ------------------------------------------------------------------------------------------------------


def _place(store: str | None) -> Store:
    """The place of secrets that is chosen."""
    from octo.services.places import secrets

    places = os.environ.get("OCTO_SERVICES", "")
    if store:
        places = f"secrets=encrypted:{store.removeprefix('encrypted:').replace(',', '%2C')}"
    found = secrets(places, os.environ)
    if found is None:
        text = "name the file: --store FILE, or OCTO_SERVICES=secrets=encrypted:FILE"
        raise click.UsageError(f"{text}; those of a platform: --workspace W")
    return found


def _meant(name: str, store: Store) -> str:
    from octo.expr import nearest

    close = nearest(name, [known for known, _ in store.listed()])
    return f"; did you mean {close!r}?" if close else ""


def _encrypted(store: str | None) -> Encrypted:
    from octo.services.secrets.encrypted import Encrypted

    found = _place(store)
    if not isinstance(found, Encrypted):
        raise click.UsageError(f"{found.place} is only read here: change it where it is made")
    return found
