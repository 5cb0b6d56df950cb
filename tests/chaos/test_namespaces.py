"""Two runtimes in network namespaces of their own, on one server in a third: frozen, cut off, killed."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from octo.connectors.cron.ledger import NAMESPACE
from octo.services.container import Services
from octo.services.members import entries
from octo.services.places import openers
from octo.testing.nats import Nats
from octo.testing.postgres import PASSWORD, Postgres
from tests.chaos import lives
from tests.chaos.namespaces import HUB, Forbidden, Network

HOSTS = ("east", "west")
EVERY = timedelta(seconds=2)
PORT, ADMIN = 8080, 39999
PATIENCE = 60.0
NUMBERS = itertools.count()

FLOW = """
service: {name: shop}
connectors: [{name: web, type: http, settings: {host: 0.0.0.0, port: 8080}}]
flows:
  - name: ticks
    source: {type: cron, settings: {schedule: "@every 2s", payload: string(now), overlap: allow}}
    process: [{type: python, call: "marks:tick"}]
  - name: accept
    source: {connector: web, type: http, settings: {path: /, methods: [POST]}}
    process: [{type: queue-dispatch, subject: '"jobs"', key: string(body)}]
  - name: work
    source: {type: queue, settings: {subject: jobs, lease: 2s}}
    process: [{type: python, call: "marks:job"}]
  - name: gate
    source: {type: queue, settings: {subject: gates, lease: 2s, listeners: 1, timeout: 10m}}
    process:
      - type: idempotent
        key: '"gate"'
        lease: 2s
        process:
          - {type: python, call: "marks:gate"}
"""
MARKS = """
import asyncio, json, os

file = os.open(os.environ["MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

def mark(kind, value):
    os.write(file, json.dumps([kind, os.environ["HOST"], value]).encode() + b"\\n")
    os.fsync(file)

def tick(body):
    mark("tick", body)

def job(body):
    mark("job", body)

async def gate(body):
    mark("gate", body)
    while not os.path.exists("open " + os.environ["HOST"]):
        await asyncio.sleep(0.01)
    mark("through", body)
"""


ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "1"))
"""How often it is frozen, cut off and killed."""
HOLE = float(os.environ.get("CHAOS_HOLE", "0"))
"""Seconds for which the database is away after both have noticed."""


SERVERS = {"postgresql": Postgres, "nats": Nats}
all_servers = pytest.mark.parametrize("site", SERVERS, indirect=True, scope="module")


@pytest.fixture(scope="module")
def network():
    """The network, and what can begin runtimes at its hosts."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(Network.made(*HOSTS))
        except Forbidden as error:
            pytest.skip(f"network namespaces are not permitted here: {error}")
        zygotes = {}
        for host in HOSTS:
            with made.inside(host):
                zygotes[host] = stack.enter_context(lives.zygote())
        yield made, zygotes


@pytest.fixture(scope="module")
def site(request, network):
    """The network, with a server of services at its hub."""
    made, zygotes = network
    with ExitStack() as stack:
        with made.inside(HUB):
            server = stack.enter_context(SERVERS[request.param].at(made.address(HUB)))
        yield made, server, zygotes


@pytest.fixture
def cluster(site, tmp_path):
    with site[0].inside(HUB):
        made = Cluster(tmp_path, *site)
        try:
            yield made
        finally:
            made.end()


class Cluster:
    """The runtimes of both hosts. The test itself is at the hub."""

    def __init__(self, folder, network, server, zygotes):
        self.folder, self.network, self.server, self.zygotes = folder, network, server, zygotes
        place = f"test{next(NUMBERS)}"
        self.url = f"nats://{server.address}/{place}"
        if isinstance(server, Postgres):
            login = f"octo:{quote(PASSWORD, safe='')}"
            self.url = f"postgresql://{login}@{server.address}/postgres?schema={place}&connections=4"
        (folder / "flow.yaml").write_text(FLOW)
        (folder / "marks.py").write_text(MARKS)
        (folder / "marks").touch()
        self.processes, self.told = {}, set()
        self.is_over = threading.Event()

    # --- processes -----------------------------------------------------------------------------------------------

    def begin(self, host):
        self.processes[host] = self.zygotes[host].begin(
            arguments=["run", "--quiet", "--admin-addr", f"127.0.0.1:{ADMIN}", "flow.yaml"],
            environment={"MARKS": str(self.folder / "marks"), "HOST": host, "OCTO_SERVICES": self.url},
            folder=str(self.folder),
            log=str(self.folder / f"log-{host}"),
        )
        self.wait(lambda: self.ready(host))

    def kill(self, host, number=signal.SIGKILL):
        os.kill(self.processes.pop(host), number)
        assert self.zygotes[host].ended(PATIENCE) is not None

    def signal(self, host, number):
        os.kill(self.processes[host], number)

    def end(self):
        self.is_over.set()
        for host in [*self.processes]:
            self.signal(host, signal.SIGCONT)
            self.kill(host)

    def ready(self, host):
        """Whether its health is green, seen from the host itself; None if nobody answers there."""
        try:
            with (
                self.network.inside(host),
                urllib.request.urlopen(f"http://127.0.0.1:{ADMIN}/readyz", timeout=5) as answer,
            ):
                return answer.status == 200
        except urllib.error.HTTPError as error:
            with error:
                return False
        except OSError:
            return None

    # --- what happens --------------------------------------------------------------------------------------------

    def produce(self):
        """Send numbers to both hosts in turn, each until one of them has taken it."""

        def work():
            hosts = itertools.cycle(HOSTS)
            for number in itertools.count():
                while not self.is_over.wait(0.05) and not self._sent(next(hosts), number):
                    pass
                if self.is_over.is_set():
                    return

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def _sent(self, host, number):
        request = urllib.request.Request(
            f"http://{self.network.address(host)}:{PORT}/",
            json.dumps(number).encode(),
            {"Content-Type": "application/json"},
        )
        with suppress(OSError), urllib.request.urlopen(request, timeout=2):
            self.told.add(number)
            return True
        return False

    def marks(self, kind, host=None):
        lines = map(json.loads, (self.folder / "marks").read_text().splitlines())
        return [value for what, where, value in lines if what == kind and host in (None, where)]

    def leader(self):
        """The host that ran the last tick."""
        lines = [json.loads(line) for line in (self.folder / "marks").read_text().splitlines()]
        return next(where for what, where, _ in reversed(lines) if what == "tick")

    def log(self, host=None):
        files = [self.folder / f"log-{each}" for each in HOSTS if host in (None, each)]
        return "".join(each.read_text() for each in files if each.exists())

    def wait(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, self.log()[-3000:]
            time.sleep(0.05)

    def more(self, kind, number, host=None):
        """Wait for so many more marks."""
        before = len(self.marks(kind, host))
        self.wait(lambda: len(self.marks(kind, host)) >= before + number)

    def stored(self, work):
        """What the work returns, which gets the services."""

        async def main():
            async with Services(openers(self.url)) as services:
                await services.open(["key-value", "queues", "leases"])
                return await work(services.opened)

        return asyncio.run(main())


def other(host):
    return next(each for each in HOSTS if each != host)


def missing(cluster):
    """Ticks from the first to the last that were not run, and of which the log does not say that they were left out.

    None was run twice, and all are on the grid that the first process began.
    """
    found = sorted(map(datetime.fromisoformat, cluster.marks("tick")))
    assert len(found) == len(set(found)), "a tick was run twice"
    expected = {found[0] + EVERY * number for number in range((found[-1] - found[0]) // EVERY + 1)}
    assert set(found) <= expected, "a tick is not on the grid"
    for line in cluster.log().splitlines():
        if 'msg="tick skipped"' in line:
            first, last = (re.search(rf" {name}=(\S+)", line) for name in ("tick", "until"))
            begin = datetime.fromisoformat(first[1])
            end = datetime.fromisoformat(last[1]) if last else begin
            expected -= {each for each in expected if begin <= each <= end}
    return expected - set(found)


@all_servers
def test_ticks_come_once_and_work_is_shared_through_freezes_partitions_and_kills(cluster):
    for host in HOSTS:
        cluster.begin(host)
    producer = cluster.produce()
    cluster.more("tick", 2)
    for _ in range(ROUNDS):
        freeze(cluster, cluster.leader())
        cut_off(cluster, cluster.leader())
        gone = missing(cluster)
        kill(cluster, cluster.leader())
        # What a killed process had taken is not run again, as `unfinished: skip` says.
        assert len(missing(cluster) - gone) <= 1
        assert not gone or ROUNDS > 1
    cluster.is_over.set()
    producer.join(PATIENCE)
    cluster.wait(lambda: set(cluster.marks("job")) >= cluster.told)
    cluster.wait(lambda: not cluster.stored(lambda opened: opened["queues"].count("jobs")))
    assert not cluster.stored(lambda opened: opened["queues"].count("jobs", dead=True))
    assert all(cluster.marks("job", host) for host in HOSTS), "both had a share of the work"
    (row,) = cluster.stored(lambda opened: entries(opened["key-value"], NAMESPACE))
    assert row["flow"] == "ticks", "one entry, however many ticks there were"


def freeze(cluster, leader):
    cluster.signal(leader, signal.SIGSTOP)
    cluster.more("tick", 3, other(leader))
    cluster.signal(leader, signal.SIGCONT)
    cluster.more("tick", 2)


def cut_off(cluster, leader):
    """For longer than the lease of its messages, until it notices."""
    cluster.network.cut(leader)
    cluster.more("tick", 3, other(leader))
    cluster.wait(lambda: cluster.ready(leader) is False)
    cluster.network.join(leader)
    cluster.wait(lambda: cluster.ready(leader))
    cluster.more("job", 3, leader)


def kill(cluster, leader):
    cluster.kill(leader)
    cluster.more("tick", 2)
    cluster.begin(leader)
    cluster.more("job", 3, leader)


@all_servers
def test_one_that_was_cut_off_settles_and_commits_nothing(cluster):
    """Its message is another's by now: what it acknowledges and what it keeps as done is refused."""
    cluster.begin("east")
    cluster.stored(lambda opened: opened["queues"].send("gates", _message()))
    cluster.wait(lambda: cluster.marks("gate", "east"))
    cluster.begin("west")
    cluster.network.cut("east")
    cluster.wait(lambda: cluster.marks("gate", "west"))
    (cluster.folder / "open east").touch()
    cluster.wait(lambda: cluster.ready("east") is False)
    cluster.network.join("east")
    cluster.wait(lambda: cluster.ready("east"))
    assert cluster.stored(lambda opened: opened["queues"].count("gates")) == 1, "the message is still west's"
    (cluster.folder / "open west").touch()
    cluster.wait(lambda: cluster.marks("through", "west"))
    cluster.wait(lambda: not cluster.stored(lambda opened: opened["queues"].count("gates")))
    assert not cluster.stored(lambda opened: opened["queues"].count("gates", dead=True))


def _message():
    from octo.core.message import Message

    return Message("x").to_record()


@pytest.mark.parametrize("site", ["postgresql"], indirect=True, scope="module")
@pytest.mark.parametrize("restart", [False, True], ids=["black hole", "restart"])
def test_a_database_that_is_away_turns_both_red_and_they_recover_by_themselves(cluster, restart):
    for host in HOSTS:
        cluster.begin(host)
    cluster.more("tick", 2)
    getattr(cluster.server, "kill" if restart else "pause")()
    for host in HOSTS:
        cluster.wait(lambda host=host: cluster.ready(host) is False)
    time.sleep(HOLE)
    getattr(cluster.server, "start" if restart else "resume")()
    for host in HOSTS:
        cluster.wait(lambda host=host: cluster.ready(host))
    cluster.more("tick", 3)
    assert missing(cluster) == set()
