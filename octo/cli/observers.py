"""How `octo run` watches its flows: contracts and traces."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from octo.cli.stored import STORE
from octo.core.errors import OctoError
from octo.core.log import fields

if TYPE_CHECKING:
    from octo.engine.contracts import Violation
    from octo.engine.observe import Observer
    from octo.engine.service import Service
    from octo.trace.live import Live
    from octo.trace.otlp import Otlp
    from octo.trace.store import Sink, Store

log = logging.getLogger("octo.trace")


class Traces(NamedTuple):
    """The options about traces. store: None to keep none. otlp: the address of a collector, "" for none."""

    store: str | None = None
    sample: float = 1.0
    max_payload: int = 32 * 1024
    buffer: int = 1000
    otlp: str = ""
    whole_failures: bool = False
    follows: bool = False

    @property
    def are_wanted(self) -> bool:
        return self.store is not None or bool(self.otlp)


def otlp_address(option: str | None, environ: Mapping[str, str]) -> str:
    """The URL to send spans to, from the option or OpenTelemetry's environment variables; "" for none."""
    if not option and (whole := environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")):
        return whole
    base = option or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    place, mark, query = base.partition("?")
    place = place.rstrip("/")
    # Both accept the base address, but some authors write the whole one, e.g. http://localhost:4318/v1/traces. The path
    # is not appended a second time.
    return base if not base or place.endswith(_SPANS) else f"{place}{_SPANS}{mark}{query}"


_SPANS = "/v1/traces"


def contracts(share: float) -> Observer | None:
    """An observer that checks contracts on this share of the messages and logs broken clauses, or None."""
    if not share:
        return None
    from octo.engine.contracts import Contracts

    return Contracts(_violated, share)


def _violated(violation: Violation) -> None:
    logging.getLogger("octo.contract").error(
        "contract broken",
        extra=fields(flow=violation.flow, clause=violation.text, reason=violation.reason, at=str(violation.at or "")),
    )


@contextmanager
def recording(asked: Traces, service: Service) -> Iterator[Live | None]:
    """A context in which the service records traces as asked. Raises `OctoError` if the store cannot be used."""
    if not asked.are_wanted:
        yield None
        return
    from octo.trace.live import Live
    from octo.trace.writer import Writer

    store, collector = _sinks(asked)
    sinks: list[Sink] = [each for each in (store, collector) if each is not None]
    with Writer(sinks, most_traces=asked.buffer, most_bytes=asked.max_payload) as writer:
        live = Live(
            service.observe,
            service.observer,
            writer=writer,
            store=store,
            sample=asked.sample,
            follows=asked.follows,
            whole_failures=asked.whole_failures,
        )
        service.observer = live.observer  # before the service runs
        log.info(
            "keeping traces",
            extra=fields(store=asked.store or "", otlp=collector.place if collector else "", sample=asked.sample),
        )
        yield live


def _sinks(asked: Traces) -> tuple[Store | None, Otlp | None]:
    store = collector = None
    if asked.store is not None:
        from octo.trace.opening import open_store

        if asked.store == STORE:
            _make_folder()
        store = open_store(asked.store, write=True)
    if asked.otlp:
        from octo.trace.otlp import at

        collector = at(asked.otlp)
    return store, collector


def _make_folder() -> None:
    """Create the folder of the default store. Any other folder must exist: a typo must not create one."""
    try:
        Path(".octo").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise OctoError(f"cannot create the folder .octo for traces in {os.getcwd()}: {error.strerror}") from error  # noqa: PTH109
