"""What an installation is told when it starts."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class Oidc(BaseModel):
    """The identity provider. roles_claim: where a token says what somebody may, e.g. `roles` or `realm_access.roles`.

    roles: value of the claim → role of ours, in all workspaces or, as `workspace:role`, in one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    issuer: str
    client_id: str
    client_secret: SecretStr | None = None
    scopes: str = "openid profile email offline_access"
    roles_claim: str = "roles"
    roles: dict[str, str] = {}
    title: str = "Single sign-on"
    leeway: int = 60


class Limits(BaseModel):
    """How much each workspace may have. versions: of each integration. megabytes: of its files, and of its versions."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    integrations: int = Field(1_000, ge=1)
    versions: int = Field(1_000, ge=1)
    environments: int = Field(100, ge=1)
    deployments: int = Field(500, ge=1)
    secrets: int = Field(2_000, ge=1)
    megabytes: int = Field(1_000, ge=1)


class Options(BaseModel):
    """How this installation is started.

    folder: of everything that is kept here. database: a place as `storage.database.url_of` takes it. keys: base64 of 32
    bytes each, for sealing; the newest first. public_url: where browsers reach it; its host is the only one answered,
    beside loopback names while it listens there. insecure_local: everybody who reaches it is an administrator.
    data_url: where deployments reach what they keep, for those that run elsewhere than on this machine. audit_days: how
    long the audit log keeps an entry. trusted_proxies: networks of proxies whose `X-Forwarded-For` is believed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    folder: Path
    database: str = ""
    keys: tuple[SecretStr, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8321
    data_host: str = "127.0.0.1"
    data_port: int = 8322
    data_url: str | None = None
    public_url: str | None = None
    insecure_local: bool = False
    passwords: bool = True
    oidc: Oidc | None = None
    targets: tuple[Literal["local", "kubernetes"], ...] = ("local",)
    runtime_image: str = "octo-runtime:latest"
    base_domain: str | None = None
    progress_deadline: float = 120.0
    hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    audit_days: int = Field(365, ge=1, le=36_500)
    limits: Limits = Limits()

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for each in given:
            try:
                ip_network(each, strict=False)
            except ValueError:
                raise ValueError(f"{each!r} is no network, such as 10.42.0.0/16") from None
        return given

    @property
    def place(self) -> str:
        return self.database or f"sqlite:{self.folder / 'platform.db'}"

    @property
    def url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"
