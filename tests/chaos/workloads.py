"""The flows that are killed: each takes pairs over HTTP, keeps them in a service, and has two effects for each."""

from __future__ import annotations

from dataclasses import dataclass

from octo.services.container import Services
from octo.services.places import openers
from tests.chaos.steps import declared

_FLOW = """
env: [{{name: PORT}}]
connectors:
  - {{name: web, type: http, settings: {{host: 127.0.0.1, port: "${{PORT}}"}}}}
  - {{name: between, type: {connector}}}
flows:
  - name: accept
    source: {{connector: web, type: http, settings: {{path: /pairs, methods: [POST], headers: [Idempotency-Key]}}}}
    process:
      - {send}
  - name: work
    source: {{connector: between, type: {connector}, settings: {{subject: pairs, listeners: {listeners}, {source}}}}}
    process:
{process}
"""
_EFFECTS = """
      - {type: python, call: "effects:first"}
      - {type: python, call: "effects:second"}
"""
_GATE = """
      - {type: python, call: "effects:first"}
      - {type: python, call: "effects:gate"}
      - {type: python, call: "effects:second"}
"""
_LOCKED = """
      - type: lock
        key: '"all"'
        lease: 1s
        tokenVar: token
        process:
          - {type: python, call: "effects:first"}
          - {type: python, call: "effects:gate"}
          - {type: python, call: "effects:second"}
"""
_GUARDED = """
      - type: lock
        key: '"all"'
        lease: 1s
        tokenVar: token
        process:
          - type: idempotent
            key: vars["Idempotency-Key"]
            lease: 1s
            process:
              - {type: python, call: "effects:first"}
              - {type: python, call: "effects:second"}
"""
_TEN = """
      - {type: set-variable, settings: {name: at, value: "string(uuid())"}}
      - {type: python, call: "effects:first"}
      - {type: set-variable, settings: {name: later, value: "string(uuid())"}}
      - {type: if, condition: "true", then: [{type: python, call: "effects:second"}, {type: delay, for: 1ms}]}
      - {type: set-variable, settings: {name: n, value: body.n}}
      - {type: flow-ref, flow: end}
      - {type: set-payload, settings: {value: body}}
"""
_END = """
  - name: end
    process:
      - {type: python, call: "effects:third"}
      - {type: set-variable, settings: {name: done, value: "true"}}
"""
_DISPATCH = """{type: queue-dispatch, subject: '"pairs"', key: 'vars["Idempotency-Key"]'}"""
_IN_ORDER = _DISPATCH.replace("}", ", orderingKey: string(body.p)}")
_PUBLISH = """{type: publish-event, subject: '"pairs"'}"""
_QUEUE = "lease: 1s, maxAttempts: 1000000"
_EVENTS = "durable: work, maxAttempts: 1000000"


POINTS = (
    *("before it is sent", "after it is sent", "before it is received", "after it is received"),
    *("before the effect", "after the effect", "between blocks"),
    *("before the acknowledgement", "after the acknowledgement", "before a commit", "after a commit"),
)
"""Where the module `effects` can end its process."""
CONFIRMED = "before it is confirmed"
"""One more where a broker keeps the message: it has it, and the block has not heard of that."""
JOURNAL = (
    *("before it is written", "after it is written", "after the last effect"),
    *("before it is forgotten", "after it is forgotten"),
)
"""More of them in a flow with a journal."""


@dataclass(frozen=True)
class Workload:
    """in_flight: messages that a life may have had under way when it was killed, so that they come again or are lost.

    in_order: whether messages of one producer arrive in the order of sending, whatever was killed.
    once: whether what a producer sends again, because it was not answered, is taken for the first. held: the queue
    that must be empty at the end, "" if there is none. effects: those of each message. is_journalled: whether no block
    that has finished runs again.
    """

    name: str
    flow: str
    in_flight: int
    in_order: bool
    once: bool = True
    held: str = "pairs"
    effects: tuple[str, ...] = ("first", "second")
    is_journalled: bool = False

    def environment(self, services: str) -> dict[str, str]:
        """What a life gets to know of its place."""
        return {"OCTO_SERVICES": services}

    @property
    def is_forgetful(self) -> bool:
        """Whether the flows declare that what is under way is lost with the process, and does not come again."""
        found = declared(self.flow)
        return found is not None and found.guarantee == "at most once"

    async def prepare(self, services: str) -> None:
        """Let the durable subscriber be known before the first event; none gets what was published before that."""
        if not self.held and not self.is_journalled:
            async with Services(openers(services)) as opened:
                await opened.open(["topics"])
                async with opened.opened["topics"].subscribe("pairs", durable="work"):  # type: ignore[attr-defined]
                    pass

    async def left(self, services: str) -> int:
        """How many messages the queue still holds, its dead letters included, and how many the journal."""
        if not self.held and not self.is_journalled:
            return 0
        async with Services(openers(services)) as opened:
            await opened.open(["queues", "key-value"])
            queues, kept = opened.opened["queues"], opened.opened["key-value"]
            # One that its source delivers again stays for a while if the process ended before it forgot it.
            found = sum("-owned-" in name for name in (await kept.list("journal")).names)  # type: ignore[attr-defined]
            if self.held:
                found += await queues.count(self.held) + await queues.count(self.held, dead=True)  # type: ignore[attr-defined]
            return found


def _queue(name: str, listeners: int, process: str, *, in_order: bool = False) -> Workload:
    send = _IN_ORDER if in_order else _DISPATCH
    flow = _FLOW.format(connector="queue", send=send, listeners=listeners, source=_QUEUE, process=process)
    return Workload(name, flow, listeners, in_order)


def _asked() -> Workload:
    """Who sends waits for the reply: what was not answered is sent again, and is then another message."""
    send = """{type: queue-dispatch, subject: '"pairs"', awaitReply: true}"""
    flow = _FLOW.format(connector="queue", send=send, listeners=4, source=_QUEUE, process=_EFFECTS)
    return Workload("asked", flow, 4, in_order=False, once=False)


def _memory() -> Workload:
    """Of what has been taken from the queue, up to `workers` messages are in their flow, and as many on their way."""
    flow = _queue("", 4, _EFFECTS).flow.replace("- name: work", "- name: work\n    durability: memory\n    workers: 4")
    return Workload("memory", flow, 8, in_order=False)


def _events() -> Workload:
    flow = _FLOW.format(connector="events", send=_PUBLISH, listeners=1, source=_EVENTS, process=_EFFECTS)
    return Workload(
        "events", flow, 2, in_order=True, once=False, held=""
    )  # the next event begins while the commit is under way


def _journal() -> Workload:
    flow = _queue("", 4, _TEN).flow.replace("- name: work", "- name: work\n    durability: journal") + _END
    return Workload("journal", flow, 4, in_order=False, effects=("first", "second", "third"), is_journalled=True)


def _accepted() -> Workload:
    send = "{type: flow-ref, flow: work, oneWay: true}"
    flow = _FLOW.format(connector="queue", send=send, listeners=1, source="", process=_TEN)
    lines = [line for line in flow.splitlines() if "connector: between" not in line]
    flow = "\n".join(lines).replace("- name: work", "- name: work\n    durability: journal") + _END
    effects = ("first", "second", "third")
    return Workload("accepted", flow, 8, in_order=False, once=False, held="", effects=effects, is_journalled=True)


WORKLOADS = {
    each.name: each
    for each in (
        *(_queue("queue", 4, _EFFECTS), _queue("order", 4, _EFFECTS, in_order=True), _queue("guarded", 4, _GUARDED)),
        *(_asked(), _memory(), _events(), _journal(), _accepted()),
    )
}
"""`asked`: with a reply. `memory`: `durability: memory`, so at most once. `order`: each producer has an ordering key.
`guarded`: inside of `lock` and `idempotent`. `events`: a durable subscriber. `journal`: ten blocks with three effects,
inside of a branch and of a called flow, with `durability: journal`. `accepted`: the same, of messages that no source
delivers again."""

GATED = {each.name: each for each in (_queue("gated", 1, _GATE), _queue("gated and locked", 1, _LOCKED))}
"""Their messages wait between the two effects until the test lets their life go on."""
