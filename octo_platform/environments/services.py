"""`services` of an environment: where queues, keys and leases of its deployments are kept.

Everybody who sees the environment sees the address. So a password in it is a secret that it names, `${NAME}`:
`nats://octo:${NATS_PASSWORD}@nats.shared:4222`. Only what runs there gets its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from pydantic import SecretStr

_NAME = re.compile(r"\$\{([A-Za-z0-9_][A-Za-z0-9_.-]{0,252})\}")
_LOGIN = re.compile(r"(?:[a-z]+=)?(?P<scheme>[a-z]+)://(?:(?P<login>[^/?#]*)@)?")
_HIDDEN = re.compile(r"[?&](?:\w*password|token)=([^&#]*)", re.IGNORECASE)
_TOKENS = ("nats", "tls")
"""Schemes whose login without a colon is a token."""


def names(settings: Mapping[str, object]) -> list[str]:
    """The secrets that the address in the settings of an environment names."""
    return sorted({*_NAME.findall(str(settings.get("services") or ""))})


def filled(text: str, values: Mapping[str, SecretStr]) -> str:
    """The address with the values of its secrets, escaped as a URL has them."""
    return _NAME.sub(lambda found: quote(values[found[1]].get_secret_value(), safe=""), text)


def check(text: str) -> None:
    """Raises ValueError if it has a password that is no secret."""
    if any(_NAME.sub("", each) for each in _passwords(text)):
        example = "nats://octo:${NATS_PASSWORD}@nats:4222"
        raise ValueError(f"everybody would see the password in it: name a secret, such as {example}, and set that")


def masked(text: str) -> str:
    """The address without passwords that stand in it all the same, from before they were refused."""
    for each in _passwords(text):
        if _NAME.sub("", each):
            text = text.replace(each, "***")
    return text


def _passwords(text: str) -> Iterator[str]:
    for url in text.split(","):
        yield from _HIDDEN.findall(url)
        found = _LOGIN.match(url.strip())
        if found is None or not (login := found["login"]):
            continue
        _, colon, password = login.partition(":")
        if colon or found["scheme"] in _TOKENS:
            yield password if colon else login
