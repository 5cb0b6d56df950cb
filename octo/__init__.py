"""Octo: flows in YAML, expressions in CEL, one command to run them.

This module is the only door for authors of connectors and blocks: what is not named here may change without notice.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "octo.core.block": ("Block", "Pool", "Site", "block"),
    "octo.core.connector": ("Healthy", "connector"),
    "octo.core.delivery": ("Delivery", "Done", "Idle", "Reject", "Retry", "Verdict"),
    "octo.core.durations": ("Duration",),
    "octo.core.errors": (
        "Bug",
        "ConfigError",
        "Disconnected",
        "OctoError",
        "Overloaded",
        "Permanent",
        "Timeout",
        "Transient",
    ),
    "octo.core.expressions": ("Expr", "Names"),
    "octo.core.flow": ("Drop", "Failure", "Outcome", "Result"),
    "octo.core.message": ("Message",),
    "octo.core.partial": ("Receiver", "is_streaming", "partial"),
    "octo.core.settings": ("Secret", "Settings"),
    "octo.core.sockets": ("FlowRef", "Steps"),
    "octo.core.source": ("Inlet", "source"),
    "octo.core.state": ("State",),
    "octo.expr": ("ExprError",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604  a literal list would say everything twice
    *_HOME,
    "__version__",
]

if TYPE_CHECKING:
    from octo.core.block import Block, Pool, Site, block
    from octo.core.connector import Healthy, connector
    from octo.core.delivery import Delivery, Done, Idle, Reject, Retry, Verdict
    from octo.core.durations import Duration
    from octo.core.errors import (
        Bug,
        ConfigError,
        Disconnected,
        OctoError,
        Overloaded,
        Permanent,
        Timeout,
        Transient,
    )
    from octo.core.expressions import Expr, Names
    from octo.core.flow import Drop, Failure, Outcome, Result
    from octo.core.message import Message
    from octo.core.partial import Receiver, is_streaming, partial
    from octo.core.settings import Secret, Settings
    from octo.core.sockets import FlowRef, Steps
    from octo.core.source import Inlet, source
    from octo.core.state import State
    from octo.expr import ExprError


def __getattr__(name: str) -> Any:
    """Import on first use: `octo version` and shell completion must not pay for the engine."""
    if name not in _HOME:
        raise AttributeError(f"module 'octo' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
