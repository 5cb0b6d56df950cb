"""Two `octo run` on one Redis, as on two machines."""

from __future__ import annotations

import signal
import time

import pytest

SENDS = """
connectors:
  - {name: web, type: http, settings: {port: PORT}}
  - {name: jobs, type: queue}
flows:
  - name: take
    source: {connector: web, type: http, settings: {path: /jobs, methods: [POST]}}
    process:
      - {type: queue-dispatch, subject: '"jobs"'}
"""
WORKS = """
connectors:
  - {name: jobs, type: queue}
flows:
  - name: work
    source: {connector: jobs, type: queue, settings: {subject: jobs, listeners: 4, lease: 2s}}
    process:
      - {type: log, message: '"done " + string(body.n)'}
"""


@pytest.fixture
def run(octo, redis, fresh_redis, tmp_path):
    """Start `octo run` with this configuration, on the services of this test."""
    places = {"OCTO_SERVICES": f"{redis.url}?prefix={fresh_redis.prefix}"}

    def start(name, text, *arguments):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        return octo("run", str(path), "--admin-addr", "off", *arguments, **places)

    return start


def until(condition):
    """Return when the condition holds; the limit is far beyond what it takes."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_processes_share_the_work_and_none_is_lost_when_one_is_killed(run, http, port):
    run("sends", SENDS.replace("PORT", str(port)))
    killed, stays = run("works", WORKS), run("works-too", WORKS)

    for number in range(60):
        assert http(f"http://127.0.0.1:{port}/jobs", {"n": number})[0] == 200
        if number == 30:
            killed.stop(signal.SIGKILL)
    until(lambda: all(f'"done {number}"' in killed.log + stays.log for number in range(60)))

    assert "Traceback" not in killed.log + stays.log


@pytest.mark.parametrize(("begin", "end"), [("pause", "resume"), ("kill", "start")], ids=["black hole", "restart"])
def test_a_server_that_is_away_makes_the_process_unready_until_it_is_back(run, http, free_port, redis, begin, end):
    """Without a restart of the process."""
    port, admin = free_port(), free_port()
    sends = run("sends", SENDS.replace("PORT", str(port)), "--admin-addr", f"127.0.0.1:{admin}")

    def ready():
        return http(f"http://127.0.0.1:{admin}/readyz")

    until(lambda: ready()[0] == 200)
    getattr(redis, begin)()
    try:
        until(lambda: ready()[0] == 503)
        _, why = ready()
        assert why.startswith('service "queues" is unhealthy: ')
        assert "Redis at 127.0.0.1" in why
        assert http(f"http://127.0.0.1:{port}/jobs", {"n": 1})[0] == 500
    finally:
        getattr(redis, end)()
    until(lambda: ready()[0] == 200)

    assert http(f"http://127.0.0.1:{port}/jobs", {"n": 2})[0] == 200
    assert "Traceback" not in sends.log
