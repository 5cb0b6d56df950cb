"""How a deployment is named on the command line: `workspace/environment:slug`, with parts left out that are set."""

from __future__ import annotations

import re
from typing import NamedTuple

import click

_PART = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_FORM = re.compile(rf"(?:(?P<workspace>{_PART})/)?(?:(?P<environment>{_PART})(?::(?P<slug>{_PART}))?)?")


class Address(NamedTuple):
    """Where a deployment is. slug: "" where a command takes the name of the integration."""

    workspace: str
    environment: str
    slug: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.environment}" + (f":{self.slug}" if self.slug else "")

    @property
    def root(self) -> str:
        """The path of the workspace in the API."""
        return f"/workspaces/{self.workspace}"

    @property
    def path(self) -> str:
        return f"{self.root}/deployments/{self.environment}:{self.slug}"


def address(text: str, workspace: str | None, environment: str | None, *, deployment: bool = True) -> Address:
    """Read an address. deployment: whether it has to name one; then a word alone is its slug.

    `shop/dev:orders`, `dev:orders`, `orders`; without a deployment `shop/dev`, `dev`. Raises click.UsageError.
    """
    if deployment and re.fullmatch(_PART, text) and environment:
        text = f"{environment}:{text}"
    found = _FORM.fullmatch(text)
    form = "WORKSPACE/ENVIRONMENT:NAME" if deployment else "WORKSPACE/ENVIRONMENT"
    if not text and not (deployment or (workspace and environment)):
        raise click.UsageError(f"say where: --to {form}, such as shop/dev")
    if found is None:
        raise click.UsageError(f"{text[:100]!r} is no address: write {form}, such as shop/dev:orders")
    place = Address(
        found["workspace"] or workspace or "", found["environment"] or environment or "", found["slug"] or ""
    )
    if not place.workspace:
        raise click.UsageError(f"{text!r} names no workspace: write {form}, or set OCTO_WORKSPACE")
    if not place.environment:
        raise click.UsageError(f"{text!r} names no environment: write {form}, or set OCTO_ENVIRONMENT")
    if deployment and not place.slug:
        raise click.UsageError(f"{text!r} names no deployment: write {form}")
    return place


def workspace_of(text: str | None) -> str:
    """The workspace that an option or variable names. Raises click.UsageError."""
    if not text:
        raise click.UsageError("name the workspace: --workspace W, or OCTO_WORKSPACE")
    if not re.fullmatch(_PART, text):
        raise click.UsageError(f"{text[:100]!r} is no name of a workspace: small letters, digits and `-`")
    return text
