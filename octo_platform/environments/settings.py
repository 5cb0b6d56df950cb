"""What each kind of target is told by an environment."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from octo_platform.environments import services
from octo_platform.faults import meaning, told
from octo_platform.options import Label
from octo_platform.problem import Problem
from octo_platform.web.shapes import Shape

Host = Annotated[
    str,
    StringConstraints(
        max_length=253, pattern=meaning(r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$", "it is a host, such as octo.example.com")
    ),
]


class LocalSettings(Shape):
    """The machine of the platform. services: a URL for queues, keys and leases of the deployments.

    `platform:` keeps them in the data plane, where they outlive the deployment. Without one they are in a file of the
    deployment, which all its instances share and which goes with it.
    """

    services: str | None = Field(None, max_length=500)


class KubernetesSettings(Shape):
    """A cluster. namespace: where the deployments are. context: of the kubeconfig; None inside of the cluster.

    base_domain: deployments that are exposed get a host below it. services: a URL for queues, keys and leases of the
    deployments, e.g. `nats://nats.octo:4222`, see `services`; without one they are in the data plane of the platform.
    """

    namespace: Label
    context: str | None = Field(None, max_length=200)
    image: str | None = Field(None, max_length=500)
    image_pull_secrets: list[Label] = Field(default_factory=list, max_length=10)
    base_domain: Host | None = None
    way: Literal["ingress", "gateway"] = "ingress"
    ingress_class: str | None = Field(None, max_length=253)
    gateway: str | None = Field(None, max_length=253)
    tls: Literal["none", "cert-manager", "secret"] = "none"
    issuer: str | None = Field(None, max_length=253)
    tls_secret: str | None = Field(None, max_length=253)
    services: str | None = Field(None, max_length=500)


KINDS: dict[str, type[Shape]] = {"local": LocalSettings, "kubernetes": KubernetesSettings}


def checked(target: str, settings: dict[str, Any]) -> Shape:
    """The settings of a target. Raises `Problem`."""
    try:
        found = KINDS[target].model_validate(settings)
        if isinstance(found, KubernetesSettings):
            services.check(found.services or "")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("settings", *first["loc"])))
        raise Problem("invalid", f"{where}: {told(first)}") from None
    except ValueError as error:
        raise Problem("invalid", f"settings.services: {error}") from None
    return found
