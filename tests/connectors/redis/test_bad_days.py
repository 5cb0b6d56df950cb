"""The server, the network or Octo itself fails, and nothing of a stream is lost."""

from __future__ import annotations

import signal
import time

import pytest

FLOW = """
connectors:
  - {name: store, type: redis, settings: {url: "URL", timeout: 2s}}
flows:
  - name: work
    source: {connector: store, type: redis-stream, settings: {stream: NAME, group: g, lease: 2s, timeout: 2h, MORE}}
    process:
      - {connector: store, type: redis-command, settings: {command: RPUSH, args: ['"NAME:began"', body.n], as: size}}
      - {type: delay, for: PAUSE}
      - {connector: store, type: redis-command, settings: {command: RPUSH, args: ['"NAME:done"', body.n], as: size}}
  - name: hear
    source: {connector: store, type: redis-subscribe, settings: {channels: [NAME]}}
    process:
      - {type: log, message: '"heard " + body'}
"""


@pytest.fixture
def run(octo, redis, name, tmp_path, free_port):
    """Start `octo run`; returns it, and the URL that says whether it is ready."""

    def start(title, pause="10ms", more="listeners: 8"):
        text = FLOW.replace("URL", redis.url).replace("NAME", name).replace("PAUSE", pause).replace("MORE", more)
        (tmp_path / f"{title}.yaml").write_text(text)
        port = free_port()
        run = octo("run", str(tmp_path / f"{title}.yaml"), "--admin-addr", f"127.0.0.1:{port}", OCTO_SERVICES="memory:")
        return run, f"http://127.0.0.1:{port}/readyz"

    return start


def until(condition):
    """Return when the condition holds; the limit is far beyond what it takes."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_a_killed_octo_had_is_worked_on_by_another(run, ask, name):
    """After the lease, each once more; nothing is lost."""
    killed, _ = run("one", pause="1h")
    for number in range(20):
        ask("XADD", name, "*", "n", number)
    until(lambda: ask("LLEN", f"{name}:began") == 8)
    killed.stop(signal.SIGKILL)
    run("two")
    until(lambda: len(set(ask("LRANGE", f"{name}:done", 0, -1))) == 20)
    until(lambda: ask("XPENDING", name, "g")[0] == 0)

    assert ask("LLEN", f"{name}:done") == 20
    assert ask("LLEN", f"{name}:began") == 20 + 8


def test_two_share_a_stream(run, ask, name):
    for number in range(200):
        ask("XADD", name, "*", "n", number)
    one, two = run("one")[0], run("two")[0]
    until(lambda: ask("LLEN", f"{name}:done") == 200)

    assert sorted(map(int, ask("LRANGE", f"{name}:done", 0, -1))) == list(range(200))
    assert "Traceback" not in one.log + two.log


@pytest.mark.parametrize(("begin", "end"), [("pause", "resume"), ("kill", "start")], ids=["black hole", "restart"])
def test_a_server_that_is_away_turns_it_red_and_back_green(run, http, redis, ask, name, begin, end):
    """Without a restart of Octo; the streams and the channels go on."""
    octo, ready = run("one")
    until(lambda: http(ready)[0] == 200)
    ask("XADD", name, "*", "n", "1")
    until(lambda: ask("LLEN", f"{name}:done") == 1)
    getattr(redis, begin)()
    try:
        until(lambda: http(ready)[0] == 503)
    finally:
        getattr(redis, end)()
    until(lambda: http(ready)[0] == 200)
    ask("XADD", name, "*", "n", "2")
    until(lambda: "2" in ask("LRANGE", f"{name}:done", 0, -1))
    until(lambda: ask("PUBLISH", name, "again") and "heard again" in octo.log)

    assert "Traceback" not in octo.log


def test_a_group_that_was_removed_is_made_again(run, ask, name):
    octo, _ = run("one")
    ask("XADD", name, "*", "n", "1")
    until(lambda: ask("LLEN", f"{name}:done") == 1)
    ask("DEL", name)
    ask("XADD", name, "*", "n", "2")
    until(lambda: ask("LRANGE", f"{name}:done", 0, -1) == ["1", "2"])

    assert "Traceback" not in octo.log


def test_a_server_that_is_a_replica_for_a_while_loses_nothing(run, http, ask, name):
    """As in a failover: the connections are opened again, for another server may have taken its place."""
    octo, ready = run("one", pause="1s")
    until(lambda: http(ready)[0] == 200)
    for number in range(3):
        ask("XADD", name, "*", "n", number)
    until(lambda: ask("LLEN", f"{name}:began") == 3)
    ask("REPLICAOF", "127.0.0.1", "1")
    try:
        until(lambda: "connection lost" in octo.log)
    finally:
        ask("REPLICAOF", "NO", "ONE")
    until(lambda: set(ask("LRANGE", f"{name}:done", 0, -1)) == {"0", "1", "2"})
    until(lambda: ask("XPENDING", name, "g")[0] == 0)

    assert "Traceback" not in octo.log
    assert "OCTO-V105" not in octo.log


def test_a_stop_gives_back_what_was_not_finished(run, ask, name):
    """Another takes it over at once, however long the lease is."""
    stopped, _ = run("one", pause="1h", more="listeners: 2")
    for number in range(3):
        ask("XADD", name, "*", "n", number)
    until(lambda: ask("LLEN", f"{name}:began") == 2)
    stopped.stop(signal.SIGTERM)
    run("two")
    until(lambda: ask("LLEN", f"{name}:done") == 3)
