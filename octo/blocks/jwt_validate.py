"""jwt-validate: let only messages pass whose sender has a token of an issuer that is trusted."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from octo.core import tokens
from octo.core.block import block
from octo.core.errors import Permanent
from octo.core.expressions import build_of
from octo.core.flow import Outcome, Stop
from octo.core.log import fields
from octo.core.message import Message
from octo.core.settings import WEB, Advanced, Reaches, Settings
from octo.core.state import State

log = logging.getLogger("octo.jwt")
CHALLENGE = "WWW-Authenticate"


class JwtValidate(Settings):
    may_stop: ClassVar[bool] = True

    mode: Literal["discover", "jwks", "inline"] = "discover"
    """Where the key is: `discover` asks the issuer (OpenID Connect), `jwks` reads `jwksUrl`, `inline` has it here."""
    issuer: Annotated[str, Reaches(WEB, when=("mode", ("discover",)))] = Field(
        default="", examples=["https://login.example.com"]
    )
    """Who issues the tokens; their `iss` must be that. `discover` needs it."""
    audience: str = Field(default="", examples=["https://api.example.com/mcp"])
    """For whom tokens must be (`aud`). Empty: not checked, so tokens that were made for others are accepted, too."""
    algorithms: list[str] = Field(default_factory=lambda: [*tokens.ALGORITHMS], min_length=1)
    """Accepted signatures. Default: all by a private key; those by a shared secret never are."""
    jwks_url: Annotated[str, Reaches(WEB, when=("mode", ("jwks",)))] = Field(
        default="", examples=["https://login.example.com/keys"]
    )
    """Address of the keys, for `jwks`."""
    public_key: str = ""
    """For `inline`: the public key, the text of a PEM file."""
    public_key_resource: str = Field(default="", examples=["issuer.pem"])
    """For `inline`, instead of `publicKey`: the name of the PEM file, beside the configuration."""
    token_header: str = Field(default="Authorization", min_length=1)
    """The variable with the token, which may follow the word `Bearer`. List the header in the `http` source."""
    claims_var: str = Field(default="jwt", min_length=1)
    """Variable for what the token says of its bearer; `vars.sub` has its subject."""
    reject_status: int = Field(default=401, ge=200, le=599)
    """The HTTP status of the refusal."""
    resource_metadata_url: str = Field(default="", pattern=r"^[!#-\[\]-~]*$")
    """Address of a document about this resource (RFC 9728), which tells a client where to get a token."""
    disable_www_authenticate: Annotated[bool, Advanced] = False
    """Leave `vars["WWW-Authenticate"]` out."""
    _keys: tokens.Keys | None = PrivateAttr(None)

    @field_validator("algorithms")
    @classmethod
    def _are_safe(cls, algorithms: list[str]) -> list[str]:
        if unknown := sorted({*algorithms} - {*tokens.ALGORITHMS}):
            raise ValueError(f"{unknown[0]!r} is not accepted; known: {', '.join(tokens.ALGORITHMS)}")
        return algorithms

    @model_validator(mode="after")
    def _is_whole(self, info: ValidationInfo) -> Self:
        if self.public_key and self.public_key_resource:
            raise ValueError("a key has one place: write `publicKey` or `publicKeyResource`")
        inline = self.public_key or (self.public_key_resource and self._read(info))
        needed = {"discover": self.issuer, "jwks": self.jwks_url, "inline": inline}[self.mode]
        if not needed:
            key = {"discover": "issuer", "jwks": "jwksUrl", "inline": "publicKey"}[self.mode]
            raise ValueError(f"mode {self.mode!r} needs `{key}`")
        if self.mode != "inline" and not tokens.is_safe(needed):
            raise ValueError(f"{needed!r} is not https: whoever is on the way could give keys of their own")
        self._keys = self._source(needed)
        return self

    def _read(self, info: ValidationInfo) -> str:
        read = build_of(info).file
        if read is None:
            raise ValueError("there is no folder with files here: write the key itself under `publicKey`")
        return read(self.public_key_resource).decode("utf-8", "replace")

    def _source(self, needed: str) -> tokens.Keys:
        if not find_spec("jwt"):
            raise ValueError("it needs the package PyJWT: pip install 'octo-flows[mcp]'")
        if self.mode != "inline":
            return tokens.Fetched(needed, is_issuer=self.mode == "discover")
        try:
            return tokens.Fixed(needed)
        except Permanent as error:
            raise ValueError(str(error)) from None

    def shape_after(self, before: State) -> State:
        return before.without_var(self.claims_var).without_var("sub")


@block("jwt-validate")
async def jwt_validate(settings: JwtValidate, message: Message) -> Outcome:
    """Let a message pass whose token is signed by the issuer and has not expired; refuse any other.

    The refusal ends the flow: `{"error": "unauthorized"}`, with `vars.httpStatus` and `vars["WWW-Authenticate"]`; list
    that under `responseHeaders` of the source. If the issuer cannot be reached, that is an error, and no token passes.
    """
    token = tokens.bearer(str(message.vars.get(settings.token_header) or ""))
    if not token:
        return _refused(settings, message, is_invalid=False)
    assert settings._keys is not None  # noqa: SLF001  made when the settings were read
    trust = tokens.Trust(settings.issuer, settings.audience, tuple(settings.algorithms))
    try:
        claims = await tokens.claims(token, settings._keys, trust)  # noqa: SLF001  as above
    except tokens.Refused as error:
        log.info("a token was refused", extra=fields(reason=str(error), event_id=message.event_id))
        return _refused(settings, message, is_invalid=True)
    return message.with_vars({**message.vars, settings.claims_var: claims, "sub": claims.get("sub")})


def _refused(settings: JwtValidate, message: Message, *, is_invalid: bool) -> Stop:
    variables: dict[str, Any] = {**message.vars, "httpStatus": settings.reject_status}
    if not settings.disable_www_authenticate:
        variables[CHALLENGE] = tokens.challenge(settings.resource_metadata_url, is_invalid=is_invalid)
    return Stop(message.with_vars(variables).with_body({"error": "unauthorized"}))
