"""Octo: flows in YAML, expressions in CEL, one command to run them.

This module is the door for authors of connectors and blocks: what is not named here may change without notice.
Tests of theirs have another one, `octo.testing`; what has to do with models and with vectors is behind `octo.ai` and
`octo.vectors`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "octo.core": "charsets, codec, content, dates, deadline, hand, letter, wire",
    "octo.core.backoff": "Backoff",
    "octo.core.beside": "beside",
    "octo.core.block": "Block, Pool, Site, block",
    "octo.core.clock": "now, now_ns",
    "octo.core.connector": "connector",
    "octo.core.deadline": "Lift",
    "octo.core.delivery": "Delivery, Done, Idle, Reject, Retry, Verdict, settling",
    "octo.core.durations": "Duration, OrZero, parse_duration",
    "octo.core.errors": (
        "Bug, ConfigError, Disconnected, Explanation, NotConnected, OctoError, Overloaded, Permanent, Timeout, "
        "Transient"
    ),
    "octo.core.expressions": "Expr, Names",
    "octo.core.flow": "Drop, Ending, Failure, Outcome, Processor, Result, Stop, at_last, ending",
    "octo.core.idempotency": "idempotency_key",
    "octo.core.lanes": "Lanes",
    "octo.core.letter": "Letter",
    "octo.core.log": "fields",
    "octo.core.message": "Message",
    "octo.core.partial": "Receiver, is_streaming, partial",
    "octo.core.port": "port",
    "octo.core.powers": "Conflicting, Draining, Healthy, Replying, Stubbed, Triggered, Vetting, Witnessing",
    "octo.core.promise": "Guarantee, Guaranteeing, Idempotent, Promise, Step",
    "octo.core.schema": "JsonSchema",
    "octo.core.secrets": "MASKED, mask, masked",
    "octo.core.settings": (
        "WEB, Advanced, Advising, AnyCase, Effect, Effectful, Listens, Reaches, Secret, Settings, Worded"
    ),
    "octo.core.sockets": "Afterwards, Always, ConnectorRef, Deciding, FlowRef, Handler, Of, Repeating, Steps",
    "octo.core.source": "Inlet, Naming, Outlet, Serving, source",
    "octo.core.spool": "Content, Spool",
    "octo.core.state": "Shaped, State",
    "octo.core.tls": "ClientTls",
    "octo.core.trace": "effect, span_headers, with_tracestate",
    "octo.core.threads": "threads_of",
    "octo.expr": "ExprError, Timestamp, nearest",
    "octo.expr.values": "Exact",
    "octo.services.election": "campaign",
    "octo.services.ports": (
        "Conflict, Entry, Event, KeyValue, Lagged, Lease, Leases, Lost, Missing, Page, Queues, Received, Rejected, "
        "Resources, Secrets, Seen, Subscription, Topics"
    ),
}
"""What is behind the door, by module."""

_HOME = {name: module for module, names in _HOMES.items() for name in names.split(", ")}

__all__ = [  # noqa: PLE0604  a literal list would say everything twice
    *_HOME,
    "__version__",
]

if TYPE_CHECKING:
    # `as` the same name tells type checkers that a name may be imported from here.
    from octo.core import (
        charsets as charsets,
        codec as codec,
        content as content,
        dates as dates,
        deadline as deadline,
        hand as hand,
        letter as letter,
        wire as wire,
    )
    from octo.core.backoff import Backoff as Backoff
    from octo.core.beside import beside as beside
    from octo.core.block import Block as Block, Pool as Pool, Site as Site, block as block
    from octo.core.clock import now as now, now_ns as now_ns
    from octo.core.connector import connector as connector
    from octo.core.deadline import Lift as Lift
    from octo.core.delivery import (
        Delivery as Delivery,
        Done as Done,
        Idle as Idle,
        Reject as Reject,
        Retry as Retry,
        Verdict as Verdict,
        settling as settling,
    )
    from octo.core.durations import Duration as Duration, OrZero as OrZero, parse_duration as parse_duration
    from octo.core.errors import (
        Bug as Bug,
        ConfigError as ConfigError,
        Disconnected as Disconnected,
        Explanation as Explanation,
        NotConnected as NotConnected,
        OctoError as OctoError,
        Overloaded as Overloaded,
        Permanent as Permanent,
        Timeout as Timeout,
        Transient as Transient,
    )
    from octo.core.expressions import Expr as Expr, Names as Names
    from octo.core.flow import (
        Drop as Drop,
        Ending as Ending,
        Failure as Failure,
        Outcome as Outcome,
        Processor as Processor,
        Result as Result,
        Stop as Stop,
        at_last as at_last,
        ending as ending,
    )
    from octo.core.idempotency import idempotency_key as idempotency_key
    from octo.core.lanes import Lanes as Lanes
    from octo.core.letter import Letter as Letter
    from octo.core.log import fields as fields
    from octo.core.message import Message as Message
    from octo.core.partial import Receiver as Receiver, is_streaming as is_streaming, partial as partial
    from octo.core.port import port as port
    from octo.core.powers import (
        Conflicting as Conflicting,
        Draining as Draining,
        Healthy as Healthy,
        Replying as Replying,
        Stubbed as Stubbed,
        Triggered as Triggered,
        Vetting as Vetting,
        Witnessing as Witnessing,
    )
    from octo.core.promise import (
        Guarantee as Guarantee,
        Guaranteeing as Guaranteeing,
        Idempotent as Idempotent,
        Promise as Promise,
        Step as Step,
    )
    from octo.core.schema import JsonSchema as JsonSchema
    from octo.core.secrets import MASKED as MASKED, mask as mask, masked as masked
    from octo.core.settings import (
        WEB as WEB,
        Advanced as Advanced,
        Advising as Advising,
        AnyCase as AnyCase,
        Effect as Effect,
        Effectful as Effectful,
        Listens as Listens,
        Reaches as Reaches,
        Secret as Secret,
        Settings as Settings,
        Worded as Worded,
    )
    from octo.core.sockets import (
        Afterwards as Afterwards,
        Always as Always,
        ConnectorRef as ConnectorRef,
        Deciding as Deciding,
        FlowRef as FlowRef,
        Handler as Handler,
        Of as Of,
        Repeating as Repeating,
        Steps as Steps,
    )
    from octo.core.source import (
        Inlet as Inlet,
        Naming as Naming,
        Outlet as Outlet,
        Serving as Serving,
        source as source,
    )
    from octo.core.spool import Content as Content, Spool as Spool
    from octo.core.state import Shaped as Shaped, State as State
    from octo.core.threads import threads_of as threads_of
    from octo.core.tls import ClientTls as ClientTls
    from octo.core.trace import effect as effect, span_headers as span_headers, with_tracestate as with_tracestate
    from octo.expr import ExprError as ExprError, Timestamp as Timestamp, nearest as nearest
    from octo.expr.values import Exact as Exact
    from octo.services.election import campaign as campaign
    from octo.services.ports import (
        Conflict as Conflict,
        Entry as Entry,
        Event as Event,
        KeyValue as KeyValue,
        Lagged as Lagged,
        Lease as Lease,
        Leases as Leases,
        Lost as Lost,
        Missing as Missing,
        Page as Page,
        Queues as Queues,
        Received as Received,
        Rejected as Rejected,
        Resources as Resources,
        Secrets as Secrets,
        Seen as Seen,
        Subscription as Subscription,
        Topics as Topics,
    )


def __getattr__(name: str) -> Any:
    """Import on first use: `octo version` and shell completion must not pay for the engine."""
    if name not in _HOME:
        raise AttributeError(f"module 'octo' has no attribute {name!r}")
    home = _HOME[name]
    if home == "octo.core":
        return importlib.import_module(f"{home}.{name}")
    return getattr(importlib.import_module(home), name)
