"""Output that cannot be written never ends the service: a full disk, a reader that left, one that does not read."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: log, message: '"hello"'}}, {{type: set-payload, value: '"{answer}"'}}]
"""


@pytest.fixture
def flow(tmp_path, port):
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW.format(port=port, answer="one"))
    return path


@contextmanager
def watched(flow, port, *options, **streams):
    """A run with `--watch`, whose exit code is looked at in the end. There may be nothing to read from it."""
    arguments = [sys.executable, "-m", "octo", "run", str(flow), "--watch", *options]
    with subprocess.Popen(arguments, **streams) as process:
        try:
            yield process
        finally:
            process.terminate()
            code = process.wait(60)
    assert code == 0


def served(http, port, process, answer):
    """Wait until it serves this answer."""
    while True:
        assert process.poll() is None
        try:
            if http(f"http://127.0.0.1:{port}/") == (200, answer):
                return
        except OSError:
            continue


full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@full
@pytest.mark.parametrize("streams", [("stdout",), ("stderr",), ("stdout", "stderr")])
def test_a_full_disk_with_a_reload(flow, port, http, save, streams, free_port):
    """Also an edit that is refused, of which stderr would tell."""
    admin = f"127.0.0.1:{free_port()}"
    with Path("/dev/full").open("wb") as nowhere:
        lost = dict.fromkeys(streams, nowhere)
        with watched(flow, port, f"--admin-addr={admin}", **lost) as process:
            served(http, port, process, "one")
            save(flow, "flows: 1")
            while not http(f"http://{admin}/status")[1]["refused"]:
                assert process.poll() is None
            save(flow, FLOW.format(port=port, answer="two"))
            served(http, port, process, "two")

            [lines] = [
                line for line in http(f"http://{admin}/metrics")[1].splitlines()
                if line.startswith("octo_log_lines_lost_total ")
            ]  # fmt: skip
            assert float(lines.split()[1]) > 0


@pytest.mark.parametrize("streams", [("stdout",), ("stderr",), ("stdout", "stderr")])
def test_a_reader_that_left(flow, port, http, save, streams):
    """As in `octo run | head -1`."""
    read, write = os.pipe()
    os.close(read)
    with watched(flow, port, "--admin-addr=off", **dict.fromkeys(streams, write)) as process:
        os.close(write)
        served(http, port, process, "one")
        save(flow, FLOW.format(port=port, answer="two"))
        served(http, port, process, "two")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_no_output_at_all(flow, port, http, processes):
    """Neither stream is open."""
    command = f'exec "{sys.executable}" -m octo run --admin-addr=off --processes={processes} "{flow}" >&- 2>&-'
    with subprocess.Popen(["sh", "-c", command]) as process:
        try:
            served(http, port, process, "one")
        finally:
            process.terminate()
            code = process.wait(60)

    assert code == 0


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_reader_that_does_not_read(flow, port, http, processes):
    """As with a terminal after Ctrl-S: lines are lost, requests are answered, and no process counts as hung."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 4096)
    os.set_blocking(write, True)
    with watched(flow, port, "--admin-addr=off", f"--processes={processes}", "--hung-after=3", stderr=write) as process:
        served(http, port, process, "one")
        for _ in range(20):
            assert http(f"http://127.0.0.1:{port}/") == (200, "one")
    os.close(write)
    with os.fdopen(read, "rb") as left:
        assert set(left.read()) == set(b"x")
