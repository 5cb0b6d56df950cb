"""Traces as OpenTelemetry spans: OTLP over HTTP, in its JSON encoding.

The format is that of https://opentelemetry.io/docs/specs/otlp/ (1.x): ids in hexadecimal, 64-bit numbers as text.
Octo does not send bodies and variables: a collector learns who called whom, how long it took and how it ended, and gets
the ids to find the rest in Octo's own store.

Environment variables, as OpenTelemetry defines them: OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME; for the address see
`octo.cli.observers`.
"""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import os
import re
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

import orjson

from octo import __version__
from octo.core.errors import OctoError, Transient
from octo.core.log import fields
from octo.core.secrets import mask
from octo.trace import codes
from octo.trace.record import Record

if TYPE_CHECKING:
    from octo.trace.encode import Encoded

log = logging.getLogger("octo.trace")

SECONDS = 10.0
"""How long a collector may take to answer: OpenTelemetry's default."""
SHOWN = 200
"""Characters of what a collector says in an error."""
LARGE = 4096
"""Bytes of a request above which it is compressed."""

INTERNAL, SERVER, CLIENT = 1, 2, 3
FAILED = 2


class Otlp:
    """A sink that sends every trace to a collector.

    endpoint: the collector's URL, e.g. `http://localhost:4318/v1/traces`. headers: sent with each request, mostly
        credentials. service: `service.name` of the spans. instance: tells the processes of a service apart.
    Raises `OctoError` for an endpoint that is not an HTTP address, and for headers that cannot be sent.

    place: the endpoint without its credentials.
    """

    name = "otlp"

    def __init__(
        self, endpoint: str, *, headers: Mapping[str, str] | None = None, service: str = "octo", instance: str = ""
    ) -> None:
        parts = _checked(endpoint)
        headers = {**_credentials(parts), **_written(headers or {})}
        for value in (parts.password or "", *_arguments(parts.query), *headers.values()):
            mask(value)
        self.place = _place(endpoint)
        self._endpoint = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._headers = {"Content-Type": "application/json", "User-Agent": f"octo/{__version__}", **headers}
        self._resource = {"service.name": service, "service.instance.id": instance, "telemetry.sdk.name": "octo"}
        self._opener = urllib.request.build_opener(_NoRedirects)

    def write(self, traces: Sequence[Encoded]) -> int:
        """Send them in one request; return how many traces were refused. Raises `Transient` if the request failed.

        The collector says how many spans it refused, not which: each counts as a trace, up to the number of traces.
        """
        from octo.trace.packed import records

        data = orjson.dumps(request((record for trace in traces for record in records(trace.data)), self._resource))
        headers = self._headers
        if len(data) > LARGE:
            data, headers = gzip.compress(data, 1), {**headers, "Content-Encoding": "gzip"}
        asked = urllib.request.Request(self._endpoint, data, headers, method="POST")  # noqa: S310  checked above
        return min(self._post(asked), len(traces))

    def close(self) -> None:
        pass

    def _post(self, asked: urllib.request.Request) -> int:
        """Send the request; return how many spans the collector refused."""
        where = urlsplit(self._endpoint).netloc
        try:
            with self._opener.open(asked, timeout=SECONDS) as answer:
                return _refused(answer.read(1 << 16))
        except urllib.error.HTTPError as error:
            with error:
                raise Transient(f"the collector at {where} answered {error.code}", code=codes.OTLP) from None
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a redirect to no address
            reason = " ".join(str(getattr(error, "reason", None) or error).split())[:SHOWN]
            raise Transient(f"the collector at {where} cannot be reached: {reason}", code=codes.OTLP) from None


def _checked(endpoint: str) -> SplitResult:
    """The parts of the endpoint, if it is an HTTP address. The error does not show its credentials."""
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")  # raises for what cannot be sent, and so does the next
        (parts.path + parts.query).encode("ascii")
    except ValueError:
        usable = False
    if not usable:
        shown = _place(endpoint)
        raise OctoError(f"{shown!r} is not the address of a collector; write http://HOST:4318", code=codes.OTLP)
    return parts


def _written(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, if they can be written. The error does not show the value, which may be a key."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            raise OctoError(f"{name[:SHOWN]!r} is not the name of a header for the collector", code=codes.OTLP)
        if not _VALUE.fullmatch(value):
            raise OctoError(f"the header {name} for the collector is not one line of Latin-1", code=codes.OTLP)
    return headers


_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


def _place(endpoint: str) -> str:
    """The endpoint without user, password and query, also if it is no valid address."""
    start, mark, rest = endpoint.partition("?")[0].rpartition("@")
    return f"{start.partition('://')[0]}://{rest}" if mark and "://" in start else rest


def _arguments(query: str) -> Iterator[str]:
    """The values in a query, which may be API keys: as they are written, and decoded."""
    for pair in query.split("&"):
        value = pair.partition("=")[2] or pair
        yield from (value, unquote(value))


def _credentials(parts: SplitResult) -> dict[str, str]:
    """The header for the user and password in an address."""
    if not parts.username:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse: credentials must go only to the configured address."""


def _refused(answer: bytes) -> int:
    """The number of refused spans in the answer: a collector may accept some and refuse others, with a reason."""
    try:
        partial = json.loads(answer or b"{}").get("partialSuccess") or {}
        spans = max(0, int(partial.get("rejectedSpans") or 0))
    except (ValueError, AttributeError, TypeError, OverflowError):  # the traces have arrived, however odd the answer is
        return 0
    if spans:
        log.warning("the collector refused spans", extra=fields(spans=spans, reason=partial.get("errorMessage", "")))
    return spans


def at(endpoint: str, environ: Mapping[str, str] = os.environ) -> Otlp:
    """The collector at a full address, with headers and service name from the environment."""
    return Otlp(
        endpoint,
        headers=dict(_pairs(environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""))),
        service=environ.get("OTEL_SERVICE_NAME") or "octo",
        instance=environ.get("POD_NAME") or f"{os.uname().nodename}-{os.getpid()}",
    )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for pair in text.split(","):
        name, found, value = pair.partition("=")
        if found:
            yield unquote(name.strip()), unquote(value.strip())


# --- the format --------------------------------------------------------------------------------------------------


def request(recorded: Iterable[Record], resource: Mapping[str, object]) -> dict[str, Any]:
    """The body of an export request (`ExportTraceServiceRequest`)."""
    spans = [_span(record) for record in recorded if "span" in record]
    scope = {"name": "octo", "version": __version__}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [{"scope": scope, "spans": spans}],
            }
        ]
    }


def _span(record: Record) -> dict[str, Any]:
    found = {
        "traceId": record["trace"],
        "spanId": record["span"],
        "parentSpanId": record.get("parent", ""),
        "name": record["path"],
        "kind": _kind(record),
        "startTimeUnixNano": str(record["at"]),
        "endTimeUnixNano": str(record["at"] + record["duration"]),
        "attributes": _attributes(_facts(record)),
        "events": [_event(effect) for effect in record.get("effects", ())],
    }
    if record["outcome"] in ("failed", "cancelled"):
        found["status"] = {"code": FAILED, "message": record.get("error", {}).get("message", record["outcome"])}
    return found


def _kind(record: Record) -> int:
    """The kind of span: a server if nothing in this trace called the flow, a client if the block made a call."""
    if record["kind"] == "flow":
        return INTERNAL if "from" in record else SERVER
    return CLIENT if record.get("effects") else INTERNAL


_NAMES = ("flow", "type", "connector", "generation", "outcome", "reason", "event", "correlation", "more")


def _facts(record: Record) -> dict[str, object]:
    facts = {f"octo.{name}": record[name] for name in _NAMES if name in record}
    error = record.get("error")
    if error:
        facts |= {"error.type": error.get("code"), "octo.at": error.get("at")}
    for effect in record.get("effects", ()):
        facts |= _conventional(effect)
    return facts


_CONVENTIONS = {
    ("http", "method"): "http.request.method",
    ("http", "url"): "url.full",
    ("http", "status"): "http.response.status_code",
    ("sql", "query"): "db.query.text",
    ("sql", "rows"): "db.response.returned_rows",
}
"""https://opentelemetry.io/docs/specs/semconv/"""


def _conventional(effect: Mapping[str, object]) -> dict[str, object]:
    """The facts for which the semantic conventions have a name."""
    known = ((_CONVENTIONS.get((str(effect["kind"]), name)), value) for name, value in effect.items())
    return {name: value for name, value in known if name}


def _event(effect: Mapping[str, Any]) -> dict[str, Any]:
    facts = {f"octo.{name}": value for name, value in effect.items() if name not in ("kind", "at")}
    return {"timeUnixNano": str(effect["at"]), "name": effect["kind"], "attributes": _attributes(facts)}


def _attributes(facts: Mapping[str, object]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(each)} for name, each in facts.items() if each not in (None, "")]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if -(2**63) <= value < 2**63 else {"stringValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value, default=str)}
