"""What an installation is told when it starts."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from octo_platform.faults import meaning


def _network(text: str) -> str:
    return str(ip_network(text))


Label = Annotated[
    str,
    StringConstraints(
        pattern=meaning(
            r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", "it has small letters, digits, and `-` between them, at most 63"
        )
    ),
]
"""A DNS label, as names of namespaces are."""

Network = Annotated[str, AfterValidator(_network)]
"""A range of addresses, e.g. `10.0.0.0/8`."""

Pattern = Annotated[
    str, StringConstraints(pattern=meaning(r"^\S+$", "it is one word, in which `*` stands for anything"))
]

Namespaces = Annotated[
    str,
    StringConstraints(
        pattern=meaning(
            r"^(?:[a-z0-9][a-z0-9-]*:)?[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?$",
            "it is a pattern of namespaces, such as octo-*, or WORKSPACE:PATTERN",
        )
    ),
]


class Oidc(BaseModel):
    """The identity provider. roles_claim: where a token says what somebody may, e.g. `roles` or `realm_access.roles`.

    roles: value of the claim → role of ours, in all workspaces or, as `workspace:role`, in one. leeway: seconds by
    which its clock may differ from ours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    issuer: str
    client_id: str
    client_secret: SecretStr | None = None
    scopes: str = "openid profile email offline_access"
    roles_claim: str = "roles"
    roles: dict[str, str] = {}
    title: str = "Single sign-on"
    leeway: Annotated[int, Field(ge=0, le=600)] = 60


class Clusters(BaseModel):
    """What environments may name of Kubernetes, as patterns with `*`, and what clusters are like.

    namespaces: `shop:octo-shop` keeps what fits for the workspace `shop`. contexts: of the kubeconfig, beside its
    current one. images: beside `runtime_image`. domains: beside `base_domain` and all below it. services: URLs of where
    queues, keys and leases are. dns_namespace: where cluster DNS runs; dns_addresses: further resolvers, by default the
    usual one on each node. operators: who may reach operations ports of deployments beside the platform's namespace,
    e.g. an API server that passes the questions of a platform on that runs outside.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    namespaces: tuple[Namespaces, ...] = ("octo-*",)
    contexts: tuple[Pattern, ...] = ()
    images: tuple[Pattern, ...] = ()
    domains: tuple[Pattern, ...] = ()
    services: tuple[Pattern, ...] = ()
    dns_namespace: Label = "kube-system"
    dns_addresses: tuple[Network, ...] = ("169.254.20.10/32",)
    operators: tuple[Network, ...] = ()


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
    data_url: where deployments reach what they keep, for those that run elsewhere than on this machine.
    local_isolation: whether deployments of this machine are closed in; "required" if nothing starts where they cannot.
    audit_days: how long the audit log keeps an entry. trusted_proxies: networks of proxies whose
    `X-Forwarded-For` is believed.
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
    kubernetes: Clusters = Clusters()
    local_isolation: Literal["required", "preferred", "off"] = "preferred"
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
    def kept(self) -> tuple[str, ...]:
        """The folder and the files in which everything is kept."""
        found = [self.folder.absolute()]
        if "://" not in self.place:
            file = Path(self.place.removeprefix("sqlite:")).absolute()
            found += [file.with_name(f"{file.name}{end}") for end in ("", "-wal", "-shm", "-journal")]
        return tuple(map(str, found))

    @property
    def url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"
