"""Where services keep what they hold: a URL for all of them, or one for each.

memory:                        nothing beyond the process
sqlite:///var/lib/octo/octo.db an absolute path; `sqlite:octo-store/octo.db` is below the working directory
postgresql://user:password@host/database?schema=octo
redis://user:password@host:6379/0?prefix=octo
nats://user:password@host:4222/octo?replicas=3, or tls://
platform:                      the data plane of the platform, for what it has deployed

env: env:PREFIX                secrets in environment variables
files:/run/secrets             secrets, or resources, in the files of a folder
encrypted:secrets.json         secrets in an encrypted file

`journal=sqlite:octo.db` keeps the journal of flows (`durability: journal`) elsewhere than keys and leases.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from octo.core.errors import Permanent
from octo.core.language import JOURNAL_SERVICES
from octo.core.secrets import Store
from octo.expr import nearest
from octo.services import codes
from octo.services.container import JOURNAL, MEMORY, Opener, of_journal

PROVIDERS = {
    "memory": "",
    "sqlite": "octo.services.embedded",
    "postgresql": "octo.services.postgres",
    "postgres": "octo.services.postgres",
    "redis": "octo.services.redis",
    "rediss": "octo.services.redis",
    "valkey": "octo.services.redis",
    "valkeys": "octo.services.redis",
    "env": "octo.services.secrets.environment",
    "files": "octo.services.files",
    "encrypted": "octo.services.secrets.encrypted",
    "nats": "octo.services.nats",
    "tls": "octo.services.nats",
    "platform": "octo.services.platform",
}
"""The module of each scheme. Its `openers(url)` returns the openers of the services that it provides; until one is
entered, it imports nothing heavy and connects to nothing."""


def openers(text: str) -> Mapping[str, Opener | str]:
    """The openers of all services for `URL`, or for `URL,service=URL,...`; what no URL provides is in memory.

    Raises `Permanent` for a text that is no such list. A URL may hold a password: no error quotes more of it than its
    scheme.
    """
    found = dict(MEMORY)
    for position, (name, url) in enumerate(_parts(text)):
        provided = _provided(url)
        if not name:
            if position:
                raise _refused("only the first URL is for all services; write e.g. `queues=sqlite:octo.db`")
            found |= provided
        elif name == JOURNAL and all(each in provided for each in JOURNAL_SERVICES):
            found |= {of_journal(each): provided[each] for each in JOURNAL_SERVICES}
        elif name not in provided:
            known = ", ".join(sorted(provided))
            raise _refused(f"`{_scheme(url)}` provides no service {name[:40]!r}; it provides: {known}")
        else:
            found[name] = provided[name]
    return found


def secrets(text: str, environ: Mapping[str, str]) -> Store | None:
    """The place of secrets in such a list, to be read at once; None if it names none. Raises `Permanent`."""
    found = None
    for name, url in _parts(text):
        if name in ("", "secrets") and "secrets" in _provided(url):
            module = PROVIDERS[_scheme(url)]
            found = importlib.import_module(module).store(url, environ) if module else None
    return found


def _parts(text: str) -> list[tuple[str, str]]:
    """The name of the service, "" for all of them, and the URL of each part."""
    return [_split(part) for part in filter(None, map(str.strip, text.split(",")))]


def _split(part: str) -> tuple[str, str]:
    """The name of a service, "" for all of them, and the URL."""
    name, equals, url = part.partition("=")
    return (name.strip(), url.strip()) if equals and ":" not in name else ("", part)


def _provided(url: str) -> Mapping[str, Opener | str]:
    scheme = _scheme(url)
    if scheme not in PROVIDERS:
        if "@" in url and "://" not in url:  # the rest of a password, perhaps
            raise _refused("what follows a comma is no URL; write a `,` in a name or a password as %2C")
        if not scheme and url.endswith((".db", ".sqlite", ".sqlite3")):
            raise _refused(f"{url[:80]!r} is no URL; did you mean `sqlite:{url[:80]}`?")
        if not scheme:  # quoted only if it is no part of a password
            word = f"`{url.lower()}` alone" if url.lower() in PROVIDERS else "a word without `:`"
            raise _refused(f"{word} is no place; write a URL, e.g. `sqlite:octo-store/octo.db` or `redis://host:6379`")
        guess = nearest(scheme, PROVIDERS)
        known = ", ".join(f"`{each}:`" for each in PROVIDERS)
        raise _refused(
            f"{scheme[:40]!r} is no kind of service" + (f"; did you mean `{guess}:`?" if guess else f"; known: {known}")
        )
    module = PROVIDERS[scheme]
    return importlib.import_module(module).openers(url) if module else MEMORY


def _scheme(url: str) -> str:
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon else ""


def _refused(text: str) -> Permanent:
    return Permanent(f"services: {text}", code=codes.PLACE)
