"""The test kit: what tests of flows, connectors and blocks need, in any package.

    running            runs flows inside a test: YAML in, messages in, outcomes out
    Services, MEMORY   the services that `running` gives to components, and the providers that it uses by default
    virtual            a clock that jumps: an hour of retries in milliseconds
    Broker             a message broker with the verbs and the failures of real ones; see octo/testing/broker.py
    check_connector    checks that a connector keeps the promises that every connector makes
    check_key_value    checks a provider of a service; also check_leases, check_queues, check_topics, check_secrets
                       and check_resources

Tests of packages import from this module only: what it does not name may change without notice.
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
"""The public names, by the module that defines them."""

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
    """Import on first use: a test that needs only the clock does not load the engine."""
    if name not in _HOME:
        raise AttributeError(f"module 'octo.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
