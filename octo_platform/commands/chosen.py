"""What an installation is told when it starts: options of the command line, else variables, else a file in YAML.

Secrets come from variables or from files of their own, never from the command line, which every user of the machine can
read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from pydantic import BaseModel, ValidationError

from octo.config import yaml
from octo.config.report import Report
from octo.config.substitute import plain
from octo_platform import faults
from octo_platform.options import Clusters, Limits, Oidc, Options
from octo_platform.storage.database import url_of

KEYS = "OCTO_PLATFORM_KEYS"
CLIENT_SECRET = "OCTO_PLATFORM_OIDC_CLIENT_SECRET"  # noqa: S105  the name of a variable
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MOST_BYTES = 1 << 20
_SECRET = ("keys", "clientSecret", "client_secret")
_PARTS: dict[str, type[BaseModel]] = {"oidc": Oidc, "kubernetes": Clusters, "limits": Limits}


def options(given: Mapping[str, Any], file: Path | None, environ: Mapping[str, str] = os.environ) -> Options:
    """The options, checked. given: what flags and variables say, None for what they do not.

    Raises click.UsageError, which names what is wrong and never shows a secret.
    """
    written = read(file) if file is not None else {}
    values = {**written, **{name: value for name, value in given.items() if value not in (None, ())}}
    _group(values, "kubernetes")
    values.setdefault("folder", default_folder())
    if keys := secret(KEYS, environ):
        values["keys"] = tuple(keys.split())
    if "oidc" in values and (client_secret := secret(CLIENT_SECRET, environ)):
        values["oidc"] = {**values["oidc"], "client_secret": client_secret}
    try:
        found = Options(**values)
    except ValidationError as error:
        raise click.UsageError(_told(error, file)) from None
    _check(found)
    return found


def _group(values: dict[str, Any], part: str) -> None:
    """Make `kubernetes_images` of a flag `images` of the mapping `kubernetes`, whose others stay as they are."""
    flags = [name for name in values if name.startswith(f"{part}_")]
    of_flags = {name.removeprefix(f"{part}_"): values.pop(name) for name in flags}
    if of_flags and isinstance(values.setdefault(part, {}), dict):
        values[part] = {**values[part], **of_flags}


def default_folder() -> Path:
    """Where an installation is kept that was told nothing: `~/.octo/platform`."""
    return Path.home() / ".octo" / "platform"


def _check(found: Options) -> None:
    if found.insecure_local and (found.host not in _LOOPBACK or found.public_url):
        raise click.UsageError("--insecure-local lets in everybody, so it works only at a loopback host: 127.0.0.1")
    for name, url in (("--public-url", found.public_url), ("--data-url", found.data_url)):
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise click.UsageError(f"{name}: {url!r} is no address, such as https://octo.example.com")
    if found.port == found.data_port != 0 and found.host == found.data_host:
        raise click.UsageError(f"port {found.port} is needed for deployments: choose another --port, or --data-port")
    try:
        url_of(found.place)
    except ValueError as error:
        raise click.UsageError(f"--database: {error}") from None


def read(file: Path) -> dict[str, Any]:
    """What a file says, with the names that `Options` has. Raises click.UsageError."""
    report = Report()
    try:
        with file.open("rb") as stream:
            tree = yaml.read(stream.read(_MOST_BYTES), str(file), report)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None
    if report.problems or tree is None:
        raise click.UsageError("; ".join(str(each) for each in report.problems) or f"{file} cannot be read")
    content = plain(tree.root)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise click.UsageError(f"{file}: it must be a mapping, such as `port: 8321`")
    oidc = content.get("oidc") or {}
    if secrets := [name for name in _SECRET if name in content or (isinstance(oidc, dict) and name in oidc)]:
        raise click.UsageError(f"{file}: {secrets[0]}: secrets do not belong here: set {KEYS} or {CLIENT_SECRET}")
    values = {_snake(name): value for name, value in content.items()}
    for part in _PARTS.keys() & values.keys():
        if isinstance(values[part], dict):
            values[part] = {_snake(name): value for name, value in values[part].items()}
        elif values[part] is None:
            del values[part]
    return values


def secret(name: str, environ: Mapping[str, str]) -> str | None:
    """A secret from a variable, or from the file that the variable with `_FILE` at its end names."""
    if found := environ.get(name):
        return found
    path = environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{name}_FILE: {path} cannot be read: {getattr(error, 'strerror', 'no text')}") from None


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _told(error: ValidationError, file: Path | None) -> str:
    """Where and what, without the value: it may be a secret."""
    place = f"{file}: " if file is not None else ""
    lines = []
    for each in error.errors():
        where = ".".join(_camel(str(part)) for part in each["loc"])
        text = (
            f"there is no such option; there are {_names(each['loc'])}" if each["type"] == "extra_forbidden" else None
        )
        lines.append(f"{place}{where}: {text or faults.told(each)}")
    return "\n".join(lines)


def _names(place: tuple[int | str, ...]) -> str:
    model = _PARTS.get(str(place[0]), Options) if len(place) > 1 else Options
    return ", ".join(_camel(each) for each in model.model_fields if each not in _SECRET)


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
