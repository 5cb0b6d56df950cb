"""Several processes behind one address: it belongs to them alone, and none of them is left hanging or left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: {host}, port: {port}}}}}]
flows:
  - name: who
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: python, call: "who:am_i"}}]
  - name: blocks
    source: {{connector: web, type: http, settings: {{path: /blocks}}}}
    process: [{{type: python, call: "who:blocks"}}]
  - name: stays
    source: {{connector: web, type: http, settings: {{path: /stays}}}}
    process: [{{type: python, call: "who:stays"}}]
"""
WHO = """
import asyncio, os, sys, time
def am_i(): return os.getpid()
async def blocks():
    print("blocking", os.getpid(), file=sys.stderr, flush=True)
    while True: time.sleep(60)
async def stays():
    print("staying", os.getpid(), file=sys.stderr, flush=True)
    while True:
        try: await asyncio.sleep(60)
        except asyncio.CancelledError: pass
"""


@pytest.fixture
def flow(tmp_path, port):
    (tmp_path / "who.py").write_text(WHO)

    def write(host="127.0.0.1"):
        path = tmp_path / f"{host.strip(':') or 'any'}.yaml"
        path.write_text(FLOW.format(host=f'"{host}"', port=port))
        return str(path)

    return write


@pytest.fixture
def several(octo, flow):
    """Start a supervisor of two processes, and wait until both serve."""

    def start(*options):
        process = octo("run", flow(), "--processes", "2", *options)
        process.wait_for("runtime ready", 2)
        return process

    return start


def children(process):
    """The ids of the processes that the supervisor has now."""
    return {
        int(each)
        for each in Path(f"/proc/{process.process.pid}/task/{process.process.pid}/children").read_text().split()
    }


def until(condition, process):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, process.log
        time.sleep(0.02)


def states(pid):
    """The state of each thread; none once the process has ended."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks} - {"Z"}
    except OSError:
        return set()


def freeze(process):
    """Stop one of the processes, and return its id once nothing of it runs."""
    victim = min(children(process))
    os.kill(victim, signal.SIGSTOP)
    until(lambda: states(victim) == {"T"}, process)
    return victim


# --- the address -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])
@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_address_belongs_to_one_supervisor(several, command, flow, port, http, host, processes):
    first = several("--admin-addr=off")

    code, _, err = command("run", flow(host), "--processes", processes, "--admin-addr=off")

    assert code == 1
    assert f"{port} is in use by process {first.process.pid} (" in err
    assert {http(f"http://127.0.0.1:{port}/")[1] for _ in range(30)} <= children(first)


def test_a_plain_run_keeps_several_out(octo, command, flow, port):
    first = octo("run", flow(), "--admin-addr=off")

    code, _, err = command("run", flow(), "--processes", "2", "--admin-addr=off")

    assert code == 1
    assert f"127.0.0.1:{port} is in use by process {first.process.pid} (" in err


# --- the supervisor ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frozen", [False, True])
def test_processes_end_with_their_supervisor_and_the_next_one_serves_alone(several, port, http, frozen):
    """Also one that was stopped, which could not see it end."""
    first = several("--admin-addr=off")
    orphans = children(first)
    if frozen:
        freeze(first)

    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not any(map(states, orphans)), first)
    second = several("--admin-addr=off")

    assert {http(f"http://127.0.0.1:{port}/")[1] for _ in range(30)} <= children(second)


# --- a process that hangs ----------------------------------------------------------------------------------------


def test_a_frozen_process_is_replaced_and_those_who_wait_for_it_are_answered(several, port, http):
    process = several("--admin-addr=off", "--hung-after=2")
    victim = freeze(process)

    answers = [http(f"http://127.0.0.1:{port}/") for _ in range(30)]

    process.wait_for(rf"no sign of life for .* pid={victim}")
    process.wait_for("process ended, replacing it")
    until(lambda: len(children(process)) == 2, process)
    assert {status for status, _ in answers} == {200}
    assert victim not in {pid for _, pid in answers}
    assert process.stop() == 0


def test_a_process_whose_loop_is_blocked_is_replaced_and_counted(several, free_port, port, http):
    admin = free_port()
    process = several(f"--admin-addr=127.0.0.1:{admin}", "--hung-after=2")
    threading.Thread(target=_ask, args=(http, f"http://127.0.0.1:{port}/blocks"), daemon=True).start()
    process.wait_for("blocking")

    process.wait_for("process ended, replacing it")
    process.wait_for(r'who.py", line \d+ in blocks')
    process.wait_for("runtime ready", 3)

    assert "octo_processes_replaced_total 1.0" in http(f"http://127.0.0.1:{admin}/metrics")[1]
    assert process.stop() == 0


def _ask(http, url):
    with pytest.raises(OSError):  # its process is killed
        http(url)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_function_that_swallows_its_cancellation_does_not_keep_a_process(octo, flow, port, http, processes):
    process = octo("run", flow(), "--processes", processes, "--drain=0.2", "--admin-addr=off")
    threading.Thread(target=_ask, args=(http, f"http://127.0.0.1:{port}/stays"), daemon=True).start()
    process.wait_for("staying")

    assert process.stop() == 1
    assert "did not stop in time, ending now" in process.log


def test_a_frozen_process_does_not_keep_a_supervisor(several):
    process = several("--admin-addr=off", "--drain=0.2", "--hung-after=0")
    freeze(process)

    assert process.stop() == 1
    assert "process has not ended within" in process.log


def test_a_second_signal_ends_all_at_once(several, http, port):
    process = several("--admin-addr=off")
    freeze(process)
    process.process.send_signal(signal.SIGTERM)
    process.wait_for("stopping")

    assert process.stop() == 1
