"""The test kit: what tests of flows, connectors and blocks need, in any package.

    running            run flows inside a test: YAML in, messages in, outcomes out
    Services, MEMORY   what `running` hands to whoever asks for a service, and the providers that it has by default
    virtual            a clock that jumps: an hour of retries in milliseconds
    Broker             a message broker with the verbs and the troubles of real ones; see octo/testing/broker.py
    check_connector    whether a connector keeps the promises that every connector makes
    check_key_value    whether a provider of a service does; also check_leases, check_queues, check_topics,
                       check_secrets and check_resources

This module is the only door for tests of packages: what is not named here may change without notice.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "octo.services.container": "MEMORY, Services",
    "octo.testing.broker": "Broker, broker_plugins, brokers",
    "octo.testing.clock": "settle, shift_wall, virtual",
    "octo.testing.conformance": "Feed, Nonconforming, check_connector",
    "octo.testing.harness": "App, running",
    "octo.testing.services": (
        "check_key_value, check_leases, check_queues, check_resources, check_secrets, check_topics"
    ),
}
"""What is behind the door, by module."""

_HOME = {name: module for module, names in _HOMES.items() for name in names.split(", ")}

__all__ = [*_HOME]  # noqa: PLE0604  a literal list would say everything twice

if TYPE_CHECKING:
    from octo.services.container import MEMORY as MEMORY, Services as Services
    from octo.testing.broker import Broker as Broker, broker_plugins as broker_plugins, brokers as brokers
    from octo.testing.clock import settle as settle, shift_wall as shift_wall, virtual as virtual
    from octo.testing.conformance import (
        Feed as Feed,
        Nonconforming as Nonconforming,
        check_connector as check_connector,
    )
    from octo.testing.harness import App as App, running as running
    from octo.testing.services import (
        check_key_value as check_key_value,
        check_leases as check_leases,
        check_queues as check_queues,
        check_resources as check_resources,
        check_secrets as check_secrets,
        check_topics as check_topics,
    )


def __getattr__(name: str) -> Any:
    """Import on first use: whoever needs the clock alone does not pay for the engine."""
    if name not in _HOME:
        raise AttributeError(f"module 'octo.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
