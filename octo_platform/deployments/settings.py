"""What people say of a deployment, and what its version must have for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from octo_platform.deploy.desired import Resources
from octo_platform.faults import meaning
from octo_platform.problem import Problem
from octo_platform.web.shapes import Shape

Facts = Mapping[str, Any]
"""What `octo check --facts` says of a version."""

RESERVED = ("HTTP_PORT", "HTTP_HOST")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def _variable(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a variable has letters, digits and `_`")
    if name.startswith("OCTO_") or name in RESERVED:
        raise ValueError(f"{name} is set by the platform")
    return name


Variable = Annotated[str, AfterValidator(_variable)]
Value = Annotated[str, StringConstraints(max_length=32_768, pattern=r"^[^\x00]*$")]
SubDomain = Annotated[
    str,
    StringConstraints(
        pattern=meaning(
            r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", "it has small letters, digits, and `-` between them, at most 63"
        )
    ),
]


class Settings(Shape):
    """How a version runs. variables: values that are no secrets. secrets: name in the flow → name of the secret here.

    expose: the name below the environment's base domain under which the outside reaches it; None for nobody outside.
    in_flight: what becomes of journalled messages at a roll to this, see `Desired`.
    """

    replicas: int = Field(1, ge=0, le=100)
    variables: dict[Variable, Value] = Field(default_factory=dict, max_length=200)
    secrets: dict[str, str] = Field(default_factory=dict, max_length=200)
    expose: SubDomain | None = None
    resources: Resources = Resources()
    in_flight: Literal["drain", "migrate"] = "drain"
    drain: float = Field(30.0, ge=0, le=3600)
    restart: Annotated[str, StringConstraints(max_length=40)] = ""


class SettingsChange(Shape):
    """What is changed of the settings; what is not sent stays."""

    replicas: int | None = Field(None, ge=0, le=100)
    variables: dict[Variable, Value] | None = Field(None, max_length=200)
    secrets: dict[str, str] | None = Field(None, max_length=200)
    expose: SubDomain | None = None
    resources: Resources | None = None
    in_flight: Literal["drain", "migrate"] | None = None
    drain: float | None = Field(None, ge=0, le=3600)

    def applied(self, before: Settings) -> Settings:
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        if "expose" not in changes:
            changes.pop("expose", None)
        kept = {name: value for name, value in changes.items() if value is not None or name == "expose"}
        return before.model_copy(update=kept)


def secrets_needed(facts: Facts, settings: Settings) -> dict[str, str]:
    """The secrets that a version reads: name in the flow → name of the secret here, the same unless settings say."""
    names = {each["name"] for each in facts.get("secrets", ())}
    return {name: settings.secrets.get(name, name) for name in sorted(names | settings.secrets.keys())}


def port_of(facts: Facts) -> int | None:
    """Where the flows serve HTTP; None if they do not."""
    for each in facts.get("listens", ()):
        port = each.get("default") or each.get("port")
        if isinstance(port, int) and port > 0:
            return port
        return 8080
    return None


def check_complete(facts: Facts, settings: Settings, secrets: set[str]) -> None:
    """Refuse a deployment that could not start: a secret or a variable is missing. Raises `Problem`.

    secrets: the names, here, of those that there are.
    """
    needed = secrets_needed(facts, settings)
    variables = {each["name"]: each for each in facts.get("variables", ())}
    asked = {each["name"]: variables.get(each.get("variable"), {}) for each in facts.get("secrets", ())}
    missing = [
        here
        for name, here in needed.items()
        if here not in secrets and (name in settings.secrets or asked[name].get("required", True))
    ]
    if missing:
        raise Problem("no-such-secret", f"set the secrets {', '.join(missing)} first", missing=missing)
    by_secret = {each.get("variable") for each in facts.get("secrets", ())}
    given = by_secret | settings.variables.keys() | {*RESERVED}
    unset = [name for name, each in variables.items() if each["required"] and not each["given"] and name not in given]
    if unset:
        raise Problem("invalid", f"variables: {', '.join(unset)} must be given", missing=unset)
