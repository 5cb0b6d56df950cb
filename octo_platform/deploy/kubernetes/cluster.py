"""What an environment tells of its cluster: where deployments go there, and what all of their pods have in common."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv6Network, ip_network
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from octo_platform.options import Label, Network

RESERVED = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""Namespaces that are never for deployments."""


class Cluster(BaseModel):
    """Where deployments of an environment run. None of them reaches another namespace's objects.

    namespace: of the deployments, never the platform's own, `platform_namespace`. salt: makes the hashes in
    names, which cover secrets, useless to who guesses, and the tokens of operations ports; another restarts all pods.
    progress_deadline: seconds until a roll-out that does not get on has failed. history: ReplicaSets of before that
    are kept. state: MiB that a pod may keep beside its services. dns_namespace: where cluster DNS runs; dns_addresses:
    further resolvers, such as a node's own. forbidden: what no flow may ever reach. operators: who may reach the
    operations port beside the platform's namespace, e.g. API servers that pass requests on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    namespace: Label
    platform_namespace: Label = "octo"
    salt: SecretStr = Field(min_length=16)
    image: str = Field(min_length=1, max_length=500)
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    pull_secrets: tuple[Label, ...] = ()
    progress_deadline: int = Field(300, ge=10, le=3600)
    history: int = Field(2, ge=0, le=20)
    state: int = Field(1024, ge=16, le=1_048_576)
    dns_namespace: Label = "kube-system"
    dns_addresses: tuple[Network, ...] = ()
    forbidden: tuple[Network, ...] = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32")
    operators: tuple[Network, ...] = ()

    @model_validator(mode="after")
    def _keeps_apart(self) -> Self:
        if self.namespace in RESERVED | {self.platform_namespace}:
            raise ValueError(f"{self.namespace!r} is not for deployments; give them a namespace of their own")
        return self

    @property
    def installation(self) -> str:
        """Which platform made an object: others may use the same namespace, and what is theirs is no stray of ours."""
        return sha256(b"octo installation" + self.salt.get_secret_value().encode()).hexdigest()[:16]

    def except_for(self, block: str) -> list[str]:
        """What of a block of addresses no flow may reach."""
        whole = ip_network(block)
        kept_out = [ip_network(each) for each in self.forbidden]
        return [
            str(each)
            for each in kept_out
            if isinstance(each, IPv6Network) == isinstance(whole, IPv6Network)
            and each != whole
            and each.subnet_of(whole)  # type: ignore[arg-type]
        ]
