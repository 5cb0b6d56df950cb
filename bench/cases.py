"""The flows of the suite: the request of each, and the answer that it must give before it is measured."""

from __future__ import annotations

import functools
import http.client
import json
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from bench import bodies
from bench.load import Request
from bench.machine import FLOWS
from bench.process import Process, backend, octo, running


@dataclass(frozen=True)
class Case:
    """A flow with its request. connections: enough to saturate it. rate: requests per second that it surely serves."""

    name: str
    config: str
    request: Request
    right: Callable[[Any], bool]
    connections: int = 32
    rate: int = 200
    needs: Literal["", "backend", "postgres"] = ""


def _accounts(count: int) -> Callable[[Any], bool]:
    expected = [bodies.reshaped(bodies.record(index)) for index in range(count)]
    return lambda answer: answer["accounts"] == expected and answer["meta"]["count"] == count


def _page(answer: str) -> bool:
    return "<h1>Hi, octo</h1>" in answer and "visitor number 28" in answer and "{{" not in answer


def _rich(answer: Any) -> bool:
    first = answer["accounts"][1]
    return (
        answer["meta"]["count"] == 9
        and (first["accountId"], first["name"], first["active"]) == ("1", "account holder 1", True)
        and first["location"]["zone"] == "1.eu.west"
        and first["balance"]["withTax"] == 166.38
        and first["label"] == "Account Holder 1 (IE) 137.50 EUR"
    )


ORDER = {"orderId": "o-1001", "lineCount": 8, "gross": 159.92, "riskBand": "medium", "status": "accepted"}
CRUD = '{"customer":"acme-industrial","channel":"web","amount":249.95}'
JOB = '{"tenant":"acme-industrial","units":12.0,"weight":18.5}'
EIGHT = bodies.records(1024)[0]
CSV = bodies.csv(9)

CEILING = Case(
    "ceiling",
    "ceiling.yaml",
    Request("/order/7", '{"price":12.5,"count":10}'),
    lambda it: it == {"id": "7", "total": 125, "tier": "gold"},
)
FANOUT = Case("002-fanout", "002-fanout.yaml", Request("/order/o-1001", bodies.order()), lambda it: it == ORDER)
CASES = (
    Case("001-page", "001-page.yaml", Request("/page/octo", method="GET"), _page),
    FANOUT,
    Case(
        "003-crud",
        "003-crud.yaml",
        Request("/order", CRUD),
        lambda it: (it["status"], it["customer"], it["deleted"]) == ("ok", "acme-industrial", 1),
        rate=100,
        needs="postgres",
    ),
    Case(
        "004-queue",
        "004-queue.yaml",
        Request("/job", JOB),
        lambda it: math.isclose(it["score"], 304.14) and (it["band"], it["handled"]) == ("medium", True),
    ),
    Case(
        "005-proxy",
        "005-proxy.yaml",
        Request("/proxy/acct-42", method="GET"),
        lambda it: it["id"] == "acct-00000000" and len(bodies.compact(it)) == 1024,
        rate=80,
        needs="backend",
    ),
    Case("006-json .map()", "006-json.yaml", Request("/transform", EIGHT), _accounts(8)),
    Case("006-json foreach", "006-json.yaml", Request("/transform-foreach", EIGHT), _accounts(8)),
    Case("007-csv", "007-csv.yaml", Request("/transform", CSV, content_type="text/csv"), _accounts(9)),
    Case("007-csv rich", "007-csv.yaml", Request("/transform-rich", CSV, content_type="text/csv"), _rich),
)
"""The suite. CSV has nine accounts and a body of 1 KB has eight, so they cost alike."""


def named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


@functools.cache
def missing(case: Case) -> str:
    """What the flow needs and Octo does not have; "" if the flow can run."""
    from octo.builtin import plugins
    from octo.config.load import load
    from octo.core.errors import ConfigError

    try:
        load(FLOWS / case.config, plugins(), {})
    except ConfigError as error:
        return error.problems[0].message
    return ""


class WrongAnswer(Exception):
    """A flow gave a wrong answer, so it is not measured."""


def gate(process: Process, case: Case) -> None:
    """Send the request once and check the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)
    request = case.request
    try:
        headers = {"Content-Type": request.content_type} if request.body else {}
        connection.request(request.method, request.path, request.body or None, headers)
        response = connection.getresponse()
        said = response.read()
    finally:
        connection.close()
    is_json = response.headers.get_content_type() == "application/json"
    if response.status != 200 or not case.right(json.loads(said) if is_json else said.decode()):
        raise WrongAnswer(f"{case.name} answered {response.status}: {said[:500]!r}\n{process.said()[-2000:]}")


@contextmanager
def served(cases: tuple[Case, ...]) -> Iterator[list[tuple[Process, Case]]]:
    """Each case with a process that runs its flow; cases of one file share a process. All have passed the gate."""
    with ExitStack() as stack:
        processes: dict[str, Process] = {}
        for case in cases:
            if case.config not in processes:
                env = stack.enter_context(surroundings(case))
                processes[case.config] = stack.enter_context(running(octo(case.config, **env)))
            gate(processes[case.config], case)
        yield [(processes[case.config], case) for case in cases]


@contextmanager
def surroundings(case: Case) -> Iterator[dict[str, str]]:
    """The running servers that the flow calls, as environment variables with their addresses."""
    if case.needs == "backend":
        with running(backend()) as slow:
            yield {"BACKEND_URL": f"http://127.0.0.1:{slow.port}"}
    elif case.needs == "postgres":
        with _database() as dsn:
            yield {"PG_DSN": dsn}
    else:
        yield {}


@contextmanager
def _database() -> Iterator[str]:
    """A PostgreSQL with the table of 003, on the generator's CPU."""
    import asyncio
    import os
    from urllib.parse import quote

    import asyncpg

    from bench.machine import CPUS, OTHER_CPU
    from octo.testing.postgres import PASSWORD, Postgres

    os.sched_setaffinity(0, {OTHER_CPU})
    try:
        cluster = Postgres.started()
        server = cluster.__enter__()
    finally:
        os.sched_setaffinity(0, CPUS)
    try:
        dsn = server.dsn.replace("octo@", f"octo:{quote(PASSWORD, safe='')}@")

        async def prepare() -> None:
            connection = await asyncpg.connect(dsn)
            await connection.execute(
                "CREATE TABLE orders (id text PRIMARY KEY, customer text, channel text, amount double precision)"
            )
            await connection.close()

        asyncio.run(prepare())
        yield dsn
    finally:
        cluster.__exit__(None, None, None)
