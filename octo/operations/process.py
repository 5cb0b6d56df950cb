"""The state of this process, read from its running service."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octo import __version__
from octo.config import codes
from octo.config.documents import Config, FlowDoc
from octo.config.walk import blocks_of
from octo.core.errors import ConfigError, Disconnected
from octo.core.log import LEVELS, fields
from octo.core.secrets import masked
from octo.core.threads import Threads, hanging
from octo.engine.generation import Generation
from octo.engine.metrics import Metrics, Series, Snapshot
from octo.engine.service import Refusal, Service
from octo.operations.figures import BORN, Lag, process, uptime
from octo.operations.health import Health
from octo.operations.status import moment
from octo.operations.subject import Facts
from octo.operations.thread import in_store_thread
from octo.operations.watchdog import Watchdog
from octo.operations.web import Refused

if TYPE_CHECKING:
    from octo.trace.live import Live
    from octo.trace.store import Store

Counts = Callable[[], Mapping[str, Series]]
"""Returns further measurements, under their names from `octo.engine.metrics.METRICS`."""


class ThisProcess:
    """The process as a `Subject` of the operations port.

    metrics: counts the events of the service. path: of the configuration. number: of this process among its siblings.
    more: further measurements, e.g. block metrics. live: records traces, None if none are recorded yet.
    watchdog: watches the loop.
    """

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        lag: Lag,
        path: Path | str,
        number: int = 0,
        more: Iterable[Counts] = (),
        live: Live | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._service = service
        self._metrics = metrics
        self._lag = lag
        self._path = path
        self._number = number
        self._more = tuple(more)
        self._live = live
        self._watchdog = watchdog
        self._health = Health(self._lost)
        self._services = Health()

    async def reasons(self) -> list[str]:
        generation = self._service.current
        if self._service.phase == "draining":
            return ["draining"]
        if generation is None:
            return [_starting(self._service.refusal)]
        sick = await self._health.reasons(generation.instances)
        return [
            *self._nothing(generation.config),
            *(() if self._watchdog is None else self._watchdog.reasons),
            *(f'the source of flow "{flow}" is broken: {masked(why)}' for flow, why in generation.broken.items()),
            *(f'flow "{flow}" does not move: {why}' for flow, why in generation.stalled.items()),
            *(f'connector "{name}" is unhealthy: {why}' for name, why in sick.items()),
            *_shared(await self._services.reasons(self._service.services.opened)),
            *(f"block {block} has no threads left: {each.lost} hang" for block, each in _hanging(full=True)),
        ]

    async def notes(self) -> list[str]:
        refusal = self._service.refusal if self._service.phase == "running" else None
        return [
            *([] if refusal is None else _missing(refusal)),
            *(_hang(each.lost, block) for block, each in _hanging(full=False)),
        ]

    def _nothing(self, config: Config) -> Iterable[str]:
        """A start from an empty file: if it counted as ready, a rollout would go on and end what still runs."""
        if not config.flows and not self._service.allows_empty:
            empty = (warning for warning in config.warnings if warning.code == codes.NO_CONTENT)
            yield from (f"nothing runs, {warning.at}: {warning.message}" for warning in empty)

    def _lost(self, connector: str, instance: Any, error: Disconnected) -> None:
        if self._service.current is not None:
            self._service.current.lose(connector, instance, error)

    # --- metrics -------------------------------------------------------------------------------------------------

    async def snapshot(self) -> Snapshot:
        generation = self._service.current
        ready = not await self.reasons()
        if generation is not None:
            self._metrics.expect(generation.flows)
        found: dict[str, Series] = {
            **self._metrics.snapshot(),
            "octo_ready": [((), int(ready))],
            "octo_reloads_total": [((result,), count) for result, count in self._service.reloads.items()],
            "octo_traces_dropped_total": [((), 0 if self._live is None else self._live.dropped)],
            "octo_threads_hanging": [((), sum(each.lost for each in hanging().values()))],
            **self._lag.snapshot(),
            **({} if self._watchdog is None else self._watchdog.snapshot()),
            **process(),
        }
        if generation is not None:
            found |= self._running(generation) | await self._connectors(generation)
        for more in self._more:
            found |= more()
        return found

    def _running(self, generation: Generation) -> dict[str, Series]:
        flows = generation.flows
        old = self._service.draining
        return {
            "octo_flow_in_flight": [
                ((name,), flow.in_flight + sum(each.flows[name].in_flight for each in old if name in each.flows))
                for name, flow in flows.items()
            ],
            "octo_flow_waiting": [((name,), flow.waiting) for name, flow in flows.items()],
            "octo_flow_workers": [((name,), flow.workers) for name, flow in flows.items()],
            "octo_flow_buffer": [((name,), flow.buffer) for name, flow in flows.items()],
            "octo_source_healthy": [
                ((name,), int(name not in generation.broken and name not in generation.stalled))
                for name in generation.fed
            ],
            "octo_flows": [((), len(flows))],
            "octo_connectors": [((), len(generation.instances))],
            "octo_generation": [((), generation.number)],
        }

    async def _connectors(self, generation: Generation) -> dict[str, Series]:
        sick = await self._health.reasons(generation.instances)
        docs = generation.config.connectors.values()
        return {"octo_connector_healthy": [((doc.name, doc.type.name), int(doc.name not in sick)) for doc in docs]}

    # --- status --------------------------------------------------------------------------------------------------

    async def facts(self) -> Facts:
        service, generation = self._service, self._service.current
        facts: Facts = {
            "version": __version__,
            "python": platform.python_version(),
            "name": "",
            "config": str(self._path),
            "started": _BORN,
            "uptime": uptime(),
            "generation": None,
            "refused": None if service.refusal is None else _refused(service.refusal),
            "flows": [],
            "connectors": [],
        }
        if generation is not None:
            facts |= await self._configuration(generation)
        return {**facts, "processes": [_process(self._number, await self.reasons(), facts["generation"])]}

    async def _configuration(self, generation: Generation) -> Facts:
        config = generation.config
        sick = await self._health.reasons(generation.instances)
        return {
            "name": config.name,
            "generation": {"number": generation.number, "since": moment(self._service.since)},
            "flows": [_fed(doc, generation) for doc in config.flows.values()],
            "connectors": [
                {
                    "name": doc.name,
                    "type": doc.type.name,
                    "stub": doc.stub is not None,
                    "healthy": doc.name not in sick,
                    "reason": sick.get(doc.name),
                }
                for doc in config.connectors.values()
            ],
        }

    async def flows(self) -> list[Mapping[str, object]]:
        generation = self._service.current
        if generation is None:
            return []
        return [_configured(doc, generation.instances) for doc in generation.config.flows.values()]

    async def level(self) -> str:
        set_to = logging.getLogger("octo").level
        return next((name for name, level in LEVELS.items() if level == set_to), "info")

    async def set_level(self, level: str) -> None:
        logging.getLogger("octo").setLevel(LEVELS[level])
        logging.getLogger("octo.operations").warning("the log level was changed", extra=fields(to=level))

    # --- dead letters --------------------------------------------------------------------------------------------

    async def letters(self) -> list[Mapping[str, object]]:
        from octo.letters.groups import grouped  # imported here, since few processes are asked
        from octo.letters.sought import places

        generation = self._service.current
        config = None if generation is None else generation.config
        groups = await grouped(await places(config, self._service.services, ()))
        return [each.as_value() | {"reason": masked(each.letter.reason)} for each in groups]

    # --- traces --------------------------------------------------------------------------------------------------

    async def traces(self, flow: str | None, outcome: str | None, limit: int) -> list[Mapping[str, object]]:
        found = await in_store_thread(self._store().find, flow, outcome, limit)
        return [each._asdict() for each in found]

    async def trace(self, id: str) -> Sequence[Mapping[str, Any]]:  # noqa: A002  the usual word
        return await in_store_thread(self._store().get, id)

    async def tap(self, flow: str, when: str, take: int) -> AsyncGenerator[Any, None]:
        if self._live is None:
            from octo.trace.live import Live  # imported here, so that a start without a tap is faster

            self._live = Live(self._service.observe, self._service.observer)
        return self._live.tap(flow, when, take, lambda: self._goes_on(flow))

    def _goes_on(self, flow: str) -> bool:
        """Return False once a reload has removed the flow. When the process ends, closing the port ends the tap."""
        generation = self._service.current
        return generation is None or flow in generation.flows

    def _store(self) -> Store:
        if self._live is None or self._live.store is None:
            raise Refused(404, "no traces are kept here; start octo with --traces")
        return self._live.store


def _starting(refusal: Refusal | None) -> str:
    if refusal is None:
        return "starting"
    if refusal.tries_again:
        reason = str(refusal.error).partition("\n")[0]
        return f"starting: trying again, {masked(reason)}"
    return "starting: the configuration was refused, waiting for an edit"


def _hanging(*, full: bool) -> list[tuple[str, Threads]]:
    """Return the threads of each block of which some hang: all that may be, or fewer."""
    return [(block, each) for block, each in hanging().items() if (each.lost >= each.most) is full]


def _hang(lost: int, block: str) -> str:
    return f"1 thread of block {block} hangs" if lost == 1 else f"{lost} threads of block {block} hang"


_BORN = moment(int(BORN * 1e9))


def _shared(sick: Mapping[str, str]) -> Iterable[str]:
    """A line per reason: services that are in one place are ill together."""
    for why in dict.fromkeys(sick.values()):
        names = sorted(f'"{name}"' for name, each in sick.items() if each == why)
        yield f"service {', '.join(names)} is unhealthy: {why}"


def _process(number: int, reasons: list[str], generation: object) -> dict[str, object]:
    return {
        "process": number,
        "pid": os.getpid(),
        "started": _BORN,
        "ready": not reasons,
        "reasons": reasons,
        "generation": generation,
    }


def _fed(doc: FlowDoc, generation: Generation) -> dict[str, object]:
    broken = generation.broken.get(doc.name) or generation.stalled.get(doc.name)
    return {"name": doc.name, "source": _source(doc), "broken": broken and masked(broken)}


def _source(doc: FlowDoc) -> dict[str, str] | None:
    return None if doc.source is None else {"type": doc.source.type.name, "connector": doc.source.connector}


def _served(doc: FlowDoc, instances: Mapping[str, Any]) -> dict[str, object] | None:
    """The source, with the URL that is really listened at if it serves one."""
    source = _source(doc)
    if source is None or doc.source is None:
        return None
    url, path = getattr(instances.get(doc.source.connector), "url", None), getattr(doc.source.settings, "path", None)
    if not isinstance(url, str) or not isinstance(path, str):
        return {**source}
    return {**source, "url": f"{url}{path}", "methods": list(getattr(doc.source.settings, "methods", None) or ())}


def _configured(doc: FlowDoc, instances: Mapping[str, Any]) -> dict[str, object]:
    return {
        "name": doc.name,
        "description": masked(doc.description),
        "at": str(doc.at),
        "source": _served(doc, instances),
        "workers": doc.workers,
        "buffer": doc.buffer,
        "pool": doc.pool,
        "blocks": [
            {"address": block.address, "type": block.type.name, "connector": block.connector, "at": str(block.at)}
            for block in blocks_of(doc)
        ],
    }


_NOT_THERE = frozenset({codes.NOT_FOUND, codes.UNREADABLE, codes.EMPTIED})
"""Problems of a configuration that is not there. Others are mistakes of an author who sees them on stderr."""
_MOST_NOTES = 5


def _missing(refusal: Refusal) -> list[str]:
    """What an operator must know: this process runs what is no longer, or not yet, there."""
    again = ", and the new version is tried again" if refusal.tries_again else ""
    said = [
        f"{each['file']}: {each['message']}" if "file" in each else each["message"]
        for each in _refused(refusal)["problems"]
        if refusal.tries_again or each["code"] in _NOT_THERE
    ]
    return [f"{each}; the flows from before keep running{again}" for each in said[:_MOST_NOTES]]


def _refused(refusal: Refusal) -> dict[str, Any]:
    error = refusal.error
    if isinstance(error, ConfigError):
        problems = [problem.as_json() for problem in error.problems]
    else:
        problems = [{"code": error.code, "message": str(error)}]
    for problem in problems:
        problem.update({name: masked(value) for name, value in problem.items() if isinstance(value, str)})
    return {"at": moment(refusal.at), "tries_again": refusal.tries_again, "problems": problems}
