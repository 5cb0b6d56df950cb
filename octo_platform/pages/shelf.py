"""The files of the pages, read once: each page within its frame, styles, scripts, and who may what."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from octo_platform.auth import policy

_MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
}


class Page(NamedTuple):
    """Where a page is, and what its tab is called. bare: without the navigation, for those who are not signed in."""

    path: str
    name: str
    title: str
    bare: bool = False


PAGES = (
    Page("/setup", "setup", "Set up", bare=True),
    Page("/login", "login", "Sign in", bare=True),
    Page("/", "workspaces", "Workspaces"),
    Page("/users", "users", "Users"),
    Page("/audit", "audit", "Audit"),
    Page("/keys", "keys", "Your account"),
    Page("/device", "device", "Let a program in"),
    Page("/w/{workspace}", "workspace", "Integrations"),
    Page("/w/{workspace}/integrations/{integration}", "integration", "Integration"),
    Page("/w/{workspace}/deployments", "deployments", "Deployments"),
    Page("/w/{workspace}/deployments/{deployment}", "deployment", "Deployment"),
    Page("/w/{workspace}/environments", "environments", "Environments"),
    Page("/w/{workspace}/secrets", "secrets", "Secrets"),
    Page("/w/{workspace}/members", "members", "Members"),
    Page("/w/{workspace}/audit", "audit", "Audit"),
)


class Item(NamedTuple):
    """A file as it is sent."""

    content: bytes
    media: str
    etag: str


def item(content: bytes, kind: str) -> Item:
    return Item(content, _MEDIA[kind], f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def pages() -> dict[str, Item]:
    """Path → page."""
    folder = files(__package__) / "html"
    frames = {bare: (folder / name).read_text("utf-8") for bare, name in ((True, "bare.html"), (False, "frame.html"))}
    shared = {each.name.removesuffix(".html"): each.read_text("utf-8") for each in (folder / "parts").iterdir()}
    found = {}
    for each in PAGES:
        body = (folder / "pages" / f"{each.name}.html").read_text("utf-8")
        parts = {"title": each.title, "name": each.name, "body": body, **shared}
        found[each.path] = item(_filled(frames[each.bare], parts).encode(), "html")
    return found


def _filled(text: str, parts: dict[str, str]) -> str:
    for name, value in parts.items():
        text = text.replace(f"[[{name}]]", value)
    return text


def static() -> dict[str, Item]:
    """Path below `/pages/` → file. What is not in it does not exist, whatever a path says."""
    found = dict(_all(files(__package__) / "static", ""))
    found["policy.json"] = item(_policy(), "json")
    return found


def _all(folder: Traversable, prefix: str) -> list[tuple[str, Item]]:
    found: list[tuple[str, Item]] = []
    for each in folder.iterdir():
        kind = each.name.rpartition(".")[2]
        if each.is_dir():
            found += _all(each, f"{prefix}{each.name}/")
        elif kind in _MEDIA:
            found.append((prefix + each.name, item(each.read_bytes(), kind)))
    return found


def _policy() -> bytes:
    """The one table of who may what, so that pages can say beforehand what the API would refuse."""
    roles = {action: sorted(allowed) for action, allowed in policy.POLICY.items()}
    table = {"roles": roles, "everybody": sorted(policy.OPEN | policy.OWN), "everywhere": sorted(policy.PLATFORM_WIDE)}
    return json.dumps(table).encode()
