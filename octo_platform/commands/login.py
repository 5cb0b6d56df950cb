"""`octo login` and `octo logout`: a key for this machine, which a person lets in, or that was made at the platform."""

from __future__ import annotations

import getpass
import socket
import sys
import time
from pathlib import Path
from typing import Any

import click

from octo.cli.help import Verb
from octo.cli.terminal import say
from octo_platform.commands import credentials
from octo_platform.commands.client import Client, Refused
from octo_platform.commands.credentials import Server

pause = time.sleep
"""How it waits between two questions."""
_STEP = 5.0
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


@click.command(
    "login",
    cls=Verb,
    epilog="""\b
Examples:
  octo login                                       the platform of this machine
  octo login https://octo.example.com
  octo login --scopes read                         a key that changes nothing
  octo login https://octo.example.com --key-file -  a key from standard input""",
)
@click.argument("url", required=False)
@click.option("--key-file", metavar="FILE", help="Use the API key in FILE, `-` for standard input.")
@click.option(
    "--scopes",
    metavar="SCOPES",
    help="What the key may, at most: `read`, `deploy`, or actions, e.g. `logs.read,traces.read`; default: all.",
)
def login(url: str | None, key_file: str | None, scopes: str | None) -> None:
    """Sign in at a platform, for all verbs that ask it: in a browser, where one types a short code.

    The key is kept in ~/.octo/credentials, which nobody else can read. It may what you may, or what --scopes says of
    it, for 90 days. It ends when you choose another password.
    """
    if scopes is not None and key_file is not None:
        raise click.UsageError("--scopes: what the key in a file may was said when it was made")
    server = credentials.server(url, {})
    if server.url.startswith("http:") and not server.url.startswith(_LOOPBACK):
        say("warning: without https others on the way can read the key", err=True, fg="yellow")
    if key_file is None and (name := _open_to_all(server.url)) is not None:
        credentials.store(server.url, None)
        say(f"{server.url} needs no sign-in: you are {name}")
        return
    key = _given(key_file) if key_file is not None else _let_in(server.url, scopes)
    with Client(Server(server.url, key)) as client:
        me = client.get("/session")
    credentials.store(server.url, key)
    roles = ", ".join(f"{role} in {'all workspaces' if place == '*' else place}" for place, role in me["roles"].items())
    say(f"signed in at {server.url} as {me.get('email') or me['name']}: {roles or 'without any rights yet'}")


@click.command("logout", cls=Verb, epilog="Example: octo logout https://octo.example.com")
@click.argument("url", required=False)
def logout(url: str | None) -> None:
    """Forget the key of a platform on this machine. To end it everywhere, revoke it at the platform."""
    server = credentials.server(url, {})
    if not credentials.forget(server.url):
        raise click.ClickException(f"nobody is signed in at {server.url} here")
    say(f"forgotten: the key of {server.url}")


def _open_to_all(url: str) -> str | None:
    """Who one is without a key, at a platform that lets in everybody."""
    try:
        with Client(Server(url, None)) as client:
            me = client.get("/session")
    except Refused as refused:
        if refused.code in ("not-signed-in", "not-found"):
            return None
        raise
    return str(me["name"])


def _given(file: str) -> str:
    if file != "-":
        return credentials.key_in(Path(file))
    return credentials.checked_key(sys.stdin.read(1000).strip(), "standard input")


def _let_in(url: str, scopes: str | None) -> str:
    """Show a code, and wait until a person has let this machine in."""
    with Client(Server(url, None)) as client:
        wanted = {} if scopes is None else {"scopes": _wanted(scopes)}
        waiting = client.post("/device", {"client": _name(), **wanted}).json()
        page, code = waiting["verification_uri_complete"], waiting["user_code"]
        say(f"\n  Open {page}\n  and compare the code:  {code}\n", err=True)
        return _key(client, waiting)


def _wanted(scopes: str) -> str | list[str]:
    """As the platform takes it: one name for many actions, or actions with commas between them."""
    if scopes in ("all", "read", "deploy"):
        return scopes
    # It is asked who signed in.
    return sorted({"session.read", *filter(None, (each.strip() for each in scopes.split(",")))})


def _key(client: Client, waiting: dict[str, Any]) -> str:
    """Ask again and again, as often as the platform allows (RFC 8628)."""
    interval = float(waiting.get("interval") or _STEP)
    end = time.monotonic() + float(waiting.get("expires_in") or 600)
    while time.monotonic() < end:
        pause(interval)
        try:
            answer = client.send("POST", "/device/token", json={"device_code": waiting["device_code"]})
        except Refused as refused:
            if refused.code == "slow-down":
                interval += _STEP
            elif refused.code != "authorization-pending":
                raise
        else:
            return str(answer.json()["key"])
    raise click.ClickException("nobody has let this machine in; type the command again")


def _name() -> str:
    try:
        who = getpass.getuser()
    except (OSError, KeyError):
        who = "somebody"
    return f"octo of {who} at {socket.gethostname()}"[:100]
