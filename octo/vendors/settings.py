"""Settings that all connectors of vendors have."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from octo.core.durations import Duration
from octo.core.settings import Advanced, Secret, Settings
from octo.core.tls import ClientTls


class Called(Settings):
    timeout: Duration = timedelta(seconds=30)
    """How long one attempt may take, up to the last byte of the answer."""
    max_attempts: Annotated[int, Field(ge=1, le=10), Advanced] = 3
    """At most this many attempts, if the connection breaks, or the answer is 429, 500, 502, 503, 504 or 529. Between
    them is the pause that the vendor asks for (`Retry-After`), else one that doubles. None begins that cannot end
    before the deadline of the flow."""
    tls: Annotated[ClientTls, Advanced] = ClientTls()
    """Checks of the server's certificate. By default the machine's authorities are trusted."""


def _given(key: Secret) -> Secret:
    text = key.get_secret_value()
    if not text.strip() or not text.isascii() or not text.isprintable():
        raise PydanticCustomError("key", "it is empty, or has a line break or another character that no key has")
    return key


Key = Annotated[Secret, AfterValidator(_given)]
"""A key that a vendor has given."""


def _address(address: str) -> str:
    scheme, _, rest = address.partition("://")
    if scheme not in ("http", "https") or not rest or "@" in rest or "?" in rest or "#" in rest:
        raise PydanticCustomError("address", "write e.g. `https://api.example.com`, without user and query")
    return address.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]
"""Where an API begins."""
