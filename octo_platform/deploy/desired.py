"""What shall run, as a document: everything that a target needs, and nothing that is the platform's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Resources(_Part):
    """What each instance may use. cpu: cores that it is given; memory: MiB that it may use at most."""

    cpu: float = Field(0.25, gt=0, le=64)
    memory: int = Field(256, ge=64, le=65_536)


class Egress(_Part):
    """Somewhere that the flows connect to. host: None where only the environment of the process tells."""

    connector: str
    host: str | None
    port: int = Field(ge=1, le=65_535)


class Exposure(_Part):
    """How the outside reaches it. host: of its URL. tls: where the certificate comes from.

    issuer: the cluster issuer of cert-manager. secret: the name of a secret with a wildcard certificate.
    """

    host: str
    way: Literal["ingress", "gateway"] = "ingress"
    ingress_class: str | None = None
    gateway: str | None = None
    tls: Literal["none", "cert-manager", "secret"] = "none"
    issuer: str | None = None
    secret: str | None = None


class DataPlane(_Part):
    """Where the deployment reaches what it keeps, and the token that opens only that."""

    url: str
    token: SecretStr


class Desired(_Part):
    """A deployment as it shall be.

    deployment: its id, from which targets derive all names. generation: grows with every change. tag, hash: the
    version. files: path → content. variables: of the environment; secrets: name → value, which reach the flows as
    files (`secrets=files:`). port: where the flows serve HTTP, None if they do not. listens: all ports that they name,
    None if that is not known. replicas: 0 while it is paused. restart: another text restarts it. drain: seconds that an
    instance which is replaced has to finish its messages. in_flight: what becomes of journalled messages of the version
    before: "drain" lets its instances finish them, and goes on with what is left in the files that they began with;
    "migrate" takes them over at once, in the new files. Both need a journal that outlives instances: see `services`,
    which may have a password.
    """

    deployment: str
    workspace: str
    environment: str
    integration: str
    slug: str
    generation: int
    tag: str
    hash: str
    files: Mapping[str, bytes]
    variables: Mapping[str, str] = {}
    secrets: Mapping[str, SecretStr] = {}
    port: int | None = None
    listens: tuple[int, ...] | None = None
    replicas: int = Field(1, ge=0, le=100)
    restart: str = ""
    in_flight: Literal["drain", "migrate"] = "drain"
    drain: float = 30.0
    resources: Resources = Resources()
    egress: tuple[Egress, ...] = ()
    exposure: Exposure | None = None
    data: DataPlane | None = None
    services: str | None = Field(None, repr=False)
    traces: bool = True
