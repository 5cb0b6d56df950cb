"""How a client proves a server, and itself to it. Certificates are PEM files."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from octo.core.errors import Permanent, system_reason
from octo.core.settings import Settings


class ClientTls(Settings):
    """The certificates of a TLS connection. The server's certificate and its name are checked."""

    ca: Path | None = None
    """PEM file with the certificates of the authorities to trust, instead of the machine's own."""
    cert: Path | None = None
    """PEM file with the certificate of this client, if the server asks for one."""
    key: Path | None = None
    """PEM file with the certificate's private key, unencrypted."""
    insecure_skip_verify: bool = False
    """Trust any certificate. Anyone on the network path can then read and change everything: for tests only."""

    @model_validator(mode="after")
    def _are_a_pair(self) -> Self:
        if (self.cert is None) is not (self.key is None):
            raise PydanticCustomError("tls", "`cert` and `key` belong together: set both, or none")
        return self

    def context(self) -> ssl.SSLContext:
        """Return what the standard library and most clients take; it reads files. Raises `Permanent`."""
        with _using("ca", self.ca):
            made = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        if self.cert is not None:
            with _using("cert", self.cert):
                made.load_cert_chain(self.cert, self.key)
        if self.insecure_skip_verify:
            made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        return made


def reason(error: BaseException) -> str:
    """What the error of a connection says: TLS, the system, or else the error itself. It may have secrets."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {getattr(error, 'verify_message', '') or getattr(error, 'reason', '') or error}"
    return system_reason(error) if isinstance(error, OSError) else str(error) or type(error).__name__


@contextmanager
def _using(name: str, file: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # `SSLError` is one
        text = f"`tls.{name}`: cannot use {file}: {system_reason(error)}; correct the path or the file"
        raise Permanent(text) from error
