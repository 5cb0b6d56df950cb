"""What a provider says of itself (OpenID Connect Discovery)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from octo_platform.auth.oidc.web import is_safe

SAFE = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signatures that only the provider can make: none of them is `none` or made with a secret that we share."""


@dataclass(frozen=True)
class Metadata:
    """Addresses, and what is to be expected there. names_issuer: whether the way back says the issuer (RFC 9207)."""

    issuer: str
    authorize: str
    token: str
    keys: str
    userinfo: str | None
    end: str | None
    algorithms: frozenset[str]
    client_auth: str
    names_issuer: bool


def read(found: object, issuer: str) -> Metadata:
    """Raises ValueError if it is not what the provider of this issuer says."""
    if not isinstance(found, Mapping) or found.get("issuer") != issuer:
        raise ValueError("its metadata is of another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not _is_safe(found.get(name), issuer):
            raise ValueError(f"its metadata has no safe {name!r}")
    algorithms = SAFE & set(_texts(found, "id_token_signing_alg_values_supported", ["RS256"]))
    return Metadata(
        issuer=issuer,
        authorize=found["authorization_endpoint"],
        token=found["token_endpoint"],
        keys=found["jwks_uri"],
        userinfo=_address(found, "userinfo_endpoint", issuer),
        end=_address(found, "end_session_endpoint", issuer),
        algorithms=frozenset(algorithms),
        client_auth=_client_auth(found),
        names_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(found: Mapping[str, Any], name: str, issuer: str) -> str | None:
    value = found.get(name)
    return value if _is_safe(value, issuer) else None


def _is_safe(url: object, issuer: str) -> bool:
    """A provider elsewhere must not send us to what listens on this machine without TLS."""
    return is_safe(url) and (str(url).startswith("https:") or issuer.startswith("http:"))


def _client_auth(found: Mapping[str, Any]) -> str:
    methods = _texts(found, "token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return next((each for each in ("client_secret_basic", "client_secret_post") if each in methods), "none")


def _texts(found: Mapping[str, Any], name: str, otherwise: list[str]) -> list[str]:
    value = found.get(name, otherwise)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else otherwise
