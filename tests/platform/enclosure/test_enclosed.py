"""A process that closes itself in, before it runs anything of others."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from octo_platform.enclosure import support
from octo_platform.enclosure.enclosed import reachable
from octo_platform.enclosure.enclosure import Enclosure, program

ROOT = Path(__file__).parents[3]

needs_landlock = pytest.mark.skipif(support.level() != "full", reason="NOT TESTED, for want of Linux 6.12: Landlock")

PROBE = """
import json, os, resource, socket, sys, time

def tried(what):
    try:
        return what()
    except OSError as error:
        return error.errno

if __name__ == "__main__":
    print(json.dumps([tried(lambda: eval(each)) for each in sys.argv[1:]]))
"""


@pytest.fixture
def run(tmp_path):
    """Start a module in an enclosure, and let it say what expressions are, or which error they end with."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "probe.py").write_text(PROBE)

    def run_(enclosure, *expressions, before="", given=None):
        path = os.pathsep.join([str(tmp_path / "modules"), str(ROOT)])
        started = program("probe", expressions, {"PATH": os.environ["PATH"], "PYTHONPATH": path}, enclosure, given)
        command = started.command
        if before:
            command = [*command[:3], "-c", f"{before}\nfrom octo_platform.enclosure.enclosed import main\nmain()"]
            command += ["probe", *expressions]
        done = subprocess.run(
            command, env=started.environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return json.loads(done.stdout) if done.returncode == 0 else (done.returncode, done.stderr.splitlines()[-1])

    return run_


def test_resources_are_limited_and_variables_are_set(run):
    enclosure = Enclosure(limits={"NOFILE": 99, "CORE": 0, "NO_SUCH": 1})
    found = run(
        enclosure,
        "resource.getrlimit(resource.RLIMIT_NOFILE)",
        "time.tzname[0]",
        "os.environ.get('OCTO_ENCLOSURE')",
        given={"TZ": "JST-9"},
    )

    assert found == [[99, 99], "JST", None]


@needs_landlock
def test_only_what_is_named_is_read_and_written(run, tmp_path):
    for each in ("read", "written", "else"):
        (tmp_path / each).mkdir()
        (tmp_path / each / "file").write_text("text")
    enclosure = Enclosure((str(tmp_path / "read"),), (str(tmp_path / "written"), str(tmp_path / "else" / "file")))
    found = run(
        enclosure,
        "open('read/file').read()",
        "open('read/file', 'a')",
        "open('written/file', 'a').write('x')",
        "os.rename('written/file', 'written/other')",
        "os.listdir('else')",
        "open('else/file', 'a').write('x')",
        "open('/dev/null', 'w').write('x')",
    )

    assert found == ["text", 13, 1, None, 13, 1, 1]


@needs_landlock
def test_what_is_hidden_is_not_read_even_in_a_folder_of_python(run, tmp_path):
    (tmp_path / "modules" / "kept").mkdir()
    (tmp_path / "modules" / "kept" / "keys").write_text("never")
    (tmp_path / "modules" / "more.py").write_text("WORD = 'hi'")
    asked = (
        "open('modules/kept/keys').read()",
        "open('modules/more.py').read()",
    )

    assert run(Enclosure(), *asked)[0] == "never"
    assert run(Enclosure(hides=(str(tmp_path / "modules" / "kept"),)), *asked) == [13, "WORD = 'hi'"]


@needs_landlock
def test_without_ports_there_is_no_network(run):
    assert run(Enclosure(), "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "socket.socket()") == [13, 13]


@needs_landlock
def test_only_these_ports_are_connected_to_and_listened_at(run, free_port):
    one, other = free_port(), free_port()
    enclosure = Enclosure(connects=(one, other), never=(other,), listens=(one,))
    found = run(
        enclosure,
        f"socket.create_server(('127.0.0.1', {one})).fileno() > 0",
        f"socket.create_server(('127.0.0.1', {other}))",
        f"socket.socket().connect(('127.0.0.1', {one}))",
        f"socket.socket().connect(('127.0.0.1', {other}))",
    )

    assert found == [True, 13, 111, 13]


def test_any_port_but_some():
    assert reachable(Enclosure(connects=None)) is None
    assert len(reachable(Enclosure(connects=None, never=(1, 2)))) == 65_534
    assert reachable(Enclosure(connects=(1, 2), never=(2, 3))) == [1]


@needs_landlock
@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_an_older_system_does_what_it_can(run, version):
    """Rules for what it does not know are left out."""
    before = f"from octo_platform.enclosure import landlock\nlandlock.version = lambda: {version}"
    enclosure = Enclosure(connects=None, never=(1,))

    found = run(enclosure, "os.listdir('/root')", "socket.socket().connect(('127.0.0.1', 1))", before=before)
    assert found == [13, 13 if version >= 4 else 111]


@pytest.mark.parametrize(
    "lacks", ["landlock.version = lambda: 5", "landlock.version = lambda: 0", "seccomp.is_available = lambda: False"]
)
def test_with_less_than_all_of_it_nothing_runs_if_it_is_required(run, lacks):
    before = f"from octo_platform.enclosure import landlock, seccomp\n{lacks}"

    code, told = run(Enclosure(is_required=True), "1", before=before)
    assert (code, told.startswith("this process cannot be closed in: ")) == (1, True)
    assert run(Enclosure(), "1", before=before) == [1]


@needs_landlock
def test_what_cannot_be_allowed_runs_nothing(run, tmp_path):
    code, told = run(Enclosure(reads=(str(tmp_path / "nothing"),)), "1")
    assert (code, told) == (1, "this process cannot be closed in: No such file or directory")


@needs_landlock
def test_root_is_no_root_inside(run):
    wanted = ("CapPrm", "CapEff", "CapBnd", "NoNewPrivs")
    status = f"[line.split()[1] for line in open('/proc/self/status') if line.startswith({wanted})]"
    [[permitted, effective, bounding, privileges]] = run(Enclosure(), status)

    assert {permitted, effective} <= {"0000000000000000", "0000000000000002"}
    assert privileges == "1"
    assert os.geteuid() or bounding == "0000000000000002"
