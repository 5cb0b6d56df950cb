"""Versions as they are stored: finds the one that has the same files, or makes one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import click

from octo_platform.commands.address import Address
from octo_platform.commands.client import Client, Refused
from octo_platform.flows.archive import content_hash, packed, unpacked

_TAG_DIGITS = 12


class Stored:
    """The files and versions of an integration at the platform."""

    def __init__(self, client: Client, place: Address, integration: str) -> None:
        self._client = client
        self._all = f"{place.root}/integrations"
        self._name = integration
        self._one = f"{self._all}/{integration}"

    def tag_of(self, files: Mapping[str, bytes], tag: str | None) -> str | None:
        """The tag of the version with these files; None if there is none. Raises click.UsageError if it has others."""
        hash_ = content_hash(files)
        if tag is None:
            tag = usual_tag(files)
        found = self._client.found(f"{self._one}/versions/{tag}")
        if found is None:
            return None
        if found.json()["hash"] != hash_:
            raise click.UsageError(f"{self._name} has a version {tag} with other files, and it never changes: --tag …")
        return tag

    def push(self, files: Mapping[str, bytes], tag: str | None) -> str:
        """Store the files, and tag them. Return the tag. Raises `Refused`, e.g. with the problems of the flows."""
        self._upload(files)
        chosen = tag or usual_tag(files)
        try:
            self._client.post(f"{self._one}/versions", {"tag": chosen})
        except Refused as refused:
            # Somebody may have made the same version in the meantime.
            if refused.code != "exists" or self.tag_of(files, chosen) is None:
                raise
        return chosen

    def _upload(self, files: Mapping[str, bytes]) -> None:
        found = self._client.found(f"{self._one}/archive")
        if found is None:
            self._client.post(self._all, {"name": self._name, **_divided(files)})
        elif unpacked(found.content) != dict(files):
            headers = {"If-Match": found.headers["etag"], "Content-Type": "application/zip"}
            self._client.send("PUT", f"{self._one}/archive", content=packed(files), headers=headers)


def usual_tag(files: Mapping[str, bytes]) -> str:
    """A tag that says which files it has: the same files have the same one."""
    return f"sha-{content_hash(files)[:_TAG_DIGITS]}"


def _divided(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The files as a request has them: those that are text as text."""
    texts: dict[str, str] = {}
    binary: dict[str, str] = {}
    for path, content in files.items():
        try:
            texts[path] = content.decode()
        except UnicodeDecodeError:
            binary[path] = base64.b64encode(content).decode()
    return {"files": texts, "binary": binary}


def find_places(client: Client, place: Address, make: Callable[[], None] | None) -> None:
    """Look for the workspace and the environment, before anything is stored for them. Raises `Refused` without one.

    make: lets them be made, the environment on the platform's own machine, or raises; None if they shall not be made.
    """
    kinds = (
        ("workspace", "/workspaces", place.workspace),
        ("environment", f"{place.root}/environments", place.environment),
    )
    for kind, path, name in kinds:
        if client.found(f"{path}/{name}") is not None:
            continue
        if make is None:
            raise Refused("not-found", f"not-found: there is no {kind} {name!r}; --create makes it")
        make()
        _make(client, path, name)


def _make(client: Client, path: str, name: str) -> None:
    try:
        client.post(path, {"name": name})
    except Refused as refused:
        if refused.code != "exists":
            raise
