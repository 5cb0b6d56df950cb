"""What a deployment cannot reach from inside, whatever code its authors write, and what it still can.

Each test lets a real instance run code that tries it. It gets an error, and goes on; so does everybody else.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from octo_platform.deploy.desired import Resources
from octo_platform.deploy.local import child as processes, logbook, walls as limits
from octo_platform.deploy.local.cgroups import Cgroups
from octo_platform.deploy.local.walls import Walls
from octo_platform.enclosure import support
from tests.platform.deploy.local.scene import called, runs, until

pytestmark = pytest.mark.skipif(
    support.level() != "full", reason="NOT TESTED, for want of Linux 6.12 with Landlock: how deployments are closed in"
)

FLOW = """
connectors: [{name: web, type: http}]
flows:
  - name: run
    source: {connector: web, type: http, settings: {path: /, methods: [POST]}}
    process: [{type: python, call: "code:run"}]
"""
CODE = b"""
def run(body):
    names = {}
    try:
        exec(body["code"], names)
    except BaseException as error:
        return {"error": f"{type(error).__name__} {getattr(error, 'errno', None)}"}
    return {"said": names.get("said")}
"""
REFUSED = {"error": "PermissionError 13"}
NOT_ALLOWED = {"error": "PermissionError 1"}


def asked(url, code):
    """What the code leaves in `said`, or the error that it ends with."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    try:
        connection.request("POST", "/", json.dumps({"code": code}), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


class Inside:
    """An instance from inside. platform: a folder beside that of the deployments, with what the platform keeps."""

    def __init__(self, target, seen, platform):
        self.target = target
        self.platform = platform
        self.url = seen.internal_url
        self.own = platform / "root" / "d1"

    async def says(self, code):
        return await asyncio.to_thread(asked, self.url, code)

    async def restarted(self):
        """What is observed once another instance runs in its place."""
        return await until(self.target, lambda seen: runs(1)(seen) and seen.instances[0].restarts)


@pytest.fixture
def inside(opening, wanted, tmp_path, monkeypatch):
    """Deploy a flow that runs the code that it is sent."""
    # What the platform keeps lies in a folder that Python searches, as it does in a checkout.
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")

    @asynccontextmanager
    async def open_(walls=None, files=None, **changed):
        if walls is None:
            walls = Walls((str(tmp_path),), is_required=True)
        async with opening(walls=walls) as target:
            changed = {"flow": FLOW, **changed}
            await target.apply(wanted(1, files={"code.py": CODE, **(files or {})}, **changed))
            yield Inside(target, await until(target, runs(1)), tmp_path)

    return open_


# --- files -------------------------------------------------------------------------------------------------------


async def test_files_of_the_platform_and_of_others_are_not_read(inside, wanted):
    """They are its keys, its database, what is secret to another deployment; also its own log, and where it listens."""
    async with inside() as one:
        (one.platform / "keys").write_text("never")
        (one.platform / "platform.db").write_text("never")
        await one.target.apply(wanted(1, deployment="d2", secrets={"bank": "geheimnis"}))
        await until(one.target, runs(1), "d2")
        other = one.platform / "root" / "d2"
        [secret] = other.glob("secrets/*/bank")
        [flow] = other.glob("bundles/*/flow.yaml")

        for path in (one.platform / "keys", one.platform / "platform.db", secret, flow, one.own / "logs" / "log"):
            assert await one.says(f"open({str(path)!r}).read()") == REFUSED
            assert await one.says(f"open({str(path)!r}, 'a')") == REFUSED
        for path in (one.platform, other, other / "secrets", one.own, one.platform / "root" / ".run", Path("/tmp")):
            assert await one.says(f"import os; os.listdir({str(path)!r})") == REFUSED
        for path in (Path.home(), Path("/"), Path("/etc"), Path("/var"), Path("/dev/shm")):
            assert await one.says(f"import os; os.listdir({str(path)!r})") == REFUSED
        assert await one.says("open('/etc/shadow').read()") == REFUSED


@pytest.mark.parametrize(
    "code",
    [
        "open('../port', 'w')",
        "import os; os.rename('../port', 'port')",
        "import os; os.link('../port', 'port')",
        "import os; os.symlink('../port', 'port'); open('port').read()",
        "import os; os.mkdir('../bundles/x')",
        "import os; os.truncate('../port', 0)",
        "import pathlib; open(pathlib.Path(__import__('code').__file__), 'w')",
        "import octo; open(octo.__file__, 'a')",
        "import sys; open(sys.prefix + '/x', 'w')",
        "import os; os.mknod('null', 0o20600, os.makedev(1, 3))",
        "open('/proc/self/oom_score_adj', 'w').write('-1000')",
    ],
)
async def test_nothing_is_written_elsewhere(inside, code):
    async with inside() as one:
        (one.own / "port").chmod(0o666)
        assert (await one.says(code))["error"] in ("PermissionError 13", "PermissionError 1", "OSError 18")


async def test_rights_to_files_stay_what_they_are(inside):
    """All of them belong to one user, who may change these: the keys are not made readable to others."""
    async with inside() as one:
        keys = one.platform / "keys"
        keys.touch(0o600)
        os.utime(keys, (1, 1))
        package = "os.open(os.__file__, os.O_RDONLY)"
        before = Path(os.__file__).stat().st_mode
        for code in (f"chmod({str(keys)!r}, 0o666)", f"utime({str(keys)!r})", f"fchmod({package}, 0)"):
            assert await one.says(f"import os; os.{code}") == {"said": None}
        assert await one.says(f"import os; os.chown({str(keys)!r}, -1, os.getgid())") == NOT_ALLOWED
        assert await one.says(f"import os; os.setxattr({str(keys)!r}, 'user.x', b'y')") == {"error": "OSError 95"}
        watched = f"c.inotify_add_watch(c.inotify_init(), {str(one.platform)!r}.encode(), 256)"
        assert await one.says(f"import ctypes; c = ctypes.CDLL(None); said = {watched}") == {"said": -1}

        assert (keys.stat().st_mode & 0o777, keys.stat().st_mtime) == (0o600, 1)
        assert Path(os.__file__).stat().st_mode == before


async def test_files_are_copied_and_unpacked(inside):
    """What is set with them besides is left as it is."""
    code = """
import os, shutil, tarfile
os.close(os.open("a", os.O_WRONLY | os.O_CREAT, 0o755))
shutil.copy2("a", "b")
with tarfile.open("c.tar", "w") as archive:
    archive.add("a")
with tarfile.open("c.tar") as archive:
    archive.extractall("d")
said = sorted(os.listdir("d")) + [os.access("a", os.X_OK)]
"""
    async with inside() as one:
        assert await one.says(code) == {"said": ["a", True]}


async def test_its_own_folders_are_its_own(inside):
    """It works in one, and has others for what it keeps, what it downloads and what it needs for a moment."""
    code = """
import os, sqlite3, tempfile
with sqlite3.connect("kept.db") as database:
    database.execute("CREATE TABLE t (x)")
    database.execute("INSERT INTO t VALUES (1)")
os.makedirs(os.path.expanduser("~/.cache/x"))
os.rename("kept.db", os.path.expanduser("~/kept.db"))
with tempfile.NamedTemporaryFile() as file:
    said = [file.name.startswith(os.environ["TMPDIR"]), sorted(os.listdir(os.path.expanduser("~")))]
"""
    async with inside() as one:
        assert await one.says(code) == {"said": [True, [".cache", "kept.db"]]}


async def test_a_file_has_a_largest_size(inside, monkeypatch):
    monkeypatch.setattr(limits, "LARGEST_FILE", 1 << 20)
    async with inside() as one:
        assert await one.says("open('big', 'wb', 0).write(b'x' * (1 << 20)); open('big', 'ab', 0).write(b'x')") == {
            "error": "OSError 27"
        }
        assert await one.says("said = 1") == {"said": 1}


# --- processes ---------------------------------------------------------------------------------------------------


async def test_the_platform_and_others_are_not_looked_into(inside, wanted, monkeypatch):
    """Neither their variables, nor their memory, nor their files."""
    monkeypatch.setenv("OCTO_PLATFORM_KEYS", "never")
    async with inside() as one:
        await one.target.apply(wanted(1, deployment="d2"))
        other = await until(one.target, runs(1), "d2")
        pid = (await asyncio.to_thread(called, other.internal_url, "/code/pid"))[1]
        assert await one.says(f"open('/proc/{pid}/environ').read()") == REFUSED
        assert await one.says(f"open('/proc/{pid}/cwd/x', 'w')") == REFUSED
        for what in ("environ", "mem", "maps", "fd/0", "root/etc/hosts", "auxv"):
            told = await one.says(f"import os; open(f'/proc/{{os.getppid()}}/{what}', 'rb').read(1)")
            assert told["error"].startswith("PermissionError")
        assert await one.says("import os; os.readlink(f'/proc/{os.getppid()}/cwd')") == REFUSED
        attach = "import ctypes, os; said = ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0)"
        assert await one.says(attach) == {"said": -1}


@pytest.mark.parametrize(
    "code",
    [
        "os.kill({pid}, 0)",
        "os.kill({pid}, signal.SIGSTOP)",
        "signal.pidfd_send_signal(os.pidfd_open({pid}), signal.SIGKILL)",
        "resource.prlimit({pid}, resource.RLIMIT_NOFILE, (3, 3))",
        "os.setpriority(os.PRIO_PROCESS, {pid}, 19)",
        "os.setpriority(os.PRIO_USER, os.getuid(), 19)",
        "os.sched_setscheduler({pid}, os.SCHED_IDLE, os.sched_param(0))",
        "os.sched_setaffinity({pid}, [0])",
    ],
)
async def test_no_other_process_is_touched(inside, wanted, code):
    """Neither the platform, nor an instance of another deployment."""
    async with inside() as one:
        await one.target.apply(wanted(1, deployment="d2"))
        other = await until(one.target, runs(1), "d2")
        pid = (await asyncio.to_thread(called, other.internal_url, "/code/pid"))[1]
        for each in (os.getpid(), pid):
            assert await one.says("import os, resource, signal; " + code.format(pid=each)) == NOT_ALLOWED


async def test_a_fork_bomb_ends_with_the_instance_that_has_started_it(inside, monkeypatch):
    """Nothing that it has started leaves its group, so all of it ends; the deployment goes on with a new instance."""
    monkeypatch.setattr(processes, "MOST_TASKS", 300)
    code = """
import os, time
open("bomb", "w")
for _ in range(400):
    if not os.fork():
        try:
            os.setsid()
        except PermissionError:
            time.sleep(600)
        os._exit(0)
time.sleep(600)
"""
    async with inside() as one:
        with suppress(OSError, http.client.HTTPException):
            await one.says(code)
        after = await one.restarted()

        assert after.instances[0].reason.code == "TooManyProcesses"
        assert (one.own / "work" / "bomb").exists()
        assert len(processes_in(one.own / "work")) == 1
        assert await one.says("said = 1") == {"said": 1}


def processes_in(folder):
    """The processes that stand in a folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (each / "cwd").readlink() == folder:
                found.append(int(each.name))
    return found


async def test_memory_of_what_it_starts_is_its_own(inside):
    code = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "import time; x = b'x' * (300 << 20); time.sleep(600)"])
"""
    async with inside(resources=Resources(memory=250)) as one:
        with suppress(OSError, http.client.HTTPException):
            await one.says(code)
        after = await one.restarted()

        assert after.instances[0].reason.code == "OutOfMemory"
        assert len(processes_in(one.own / "work")) == 1


async def test_an_instance_joins_a_control_group_where_there_are_some(inside, wanted, tmp_path):
    """Its bounds follow the settings of the deployment; the kernel says why it ended, and everything in it ends."""
    groups = tmp_path / "groups"
    groups.mkdir()
    async with inside(Walls(cgroups=Cgroups(groups), is_required=True)) as one:
        [group] = groups.iterdir()
        assert (group / "cgroup.procs").read_text() == "0"
        changed = {"flow": FLOW, "files": {"code.py": CODE}, "resources": Resources(memory=300)}
        await one.target.apply(wanted(2, **changed))
        while int((group / "memory.max").read_text() or 0) != 300 << 20:
            await asyncio.sleep(0.01)

        (group / "memory.events").write_text("oom 1\noom_kill 1\n")
        with suppress(OSError, http.client.HTTPException):
            await one.says("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        after = await until(one.target, lambda seen: runs(2)(seen) and seen.instances[0].restarts)
        assert after.instances[0].reason.code == "OutOfMemory"
        assert (group / "cgroup.kill").read_text() == "1"


async def test_an_endless_loop_keeps_nobody_else_from_running(inside, wanted):
    async with inside(files={"more.py": b""}) as one:
        looping = asyncio.ensure_future(one.says("while True: pass"))  # noqa: TID251
        await one.target.apply(wanted(1, deployment="d2"))
        other = await until(one.target, runs(1), "d2")

        assert (await asyncio.to_thread(called, other.internal_url))[0] == 200
        assert await one.target.remove("d1") is False
        await until(one.target, lambda seen: seen.phase == "absent")
        with suppress(OSError, http.client.HTTPException):
            await looping


async def test_a_flood_of_output_is_bounded(inside, monkeypatch):
    monkeypatch.setattr(logbook, "LARGEST", 1 << 20)
    code = "import os\nfor _ in range(500): os.write(1, b'x' * 65_535 + b'\\n')\nsaid = 1"
    async with inside() as one:
        assert await one.says(code) == {"said": 1}
        assert sum(each.stat().st_size for each in (one.own / "logs").iterdir()) < 12 << 20
        assert await one.says("said = 2") == {"said": 2}


# --- the network -------------------------------------------------------------------------------------------------


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


async def test_the_port_of_the_platform_is_closed_and_others_are_open(inside, server):
    """Also to ways around a plain connection. Databases, names and collectors are at other ports."""
    with socket.create_server(("127.0.0.1", 0)) as platform:
        at, elsewhere = platform.getsockname(), server.getsockname()
        async with inside(Walls(ports=(at[1],), is_required=True)) as one:
            connect = "import socket; said = socket.create_connection({}, 60).getpeername()"
            fast = "import socket; socket.socket().sendto(b'x', socket.MSG_FASTOPEN, {})"
            other = "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect({})"

            assert await one.says(connect.format(at)) == REFUSED
            assert await one.says(connect.format(elsewhere)) == {"said": list(elsewhere)}
            assert await one.says(fast.format(at)) == NOT_ALLOWED
            assert await one.says(other.format(at)) == {"error": "OSError 93"}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("socket.create_server(('127.0.0.1', 0))", REFUSED),
        ("socket.create_server(('0.0.0.0', 8322))", REFUSED),
        ("s = socket.socket(); s.listen(); s.accept()", {"error": "OSError 22"}),
        ("socket.socket(socket.AF_UNIX)", {"error": "OSError 97"}),
        ("socket.socket(socket.AF_VSOCK)", {"error": "OSError 97"}),
        ("socket.socketpair(type=socket.SOCK_DGRAM)", NOT_ALLOWED),
    ],
)
async def test_it_listens_nowhere_and_has_no_unix_sockets(inside, code, told):
    """Over these, a desktop takes orders, and the operations sockets of other deployments answer."""
    async with inside() as one:
        assert await one.says("import socket; " + code) == told


async def test_a_flow_listens_only_where_it_is_lent_a_socket(inside, wanted, tmp_path):
    """A port that belongs to another deployment is not lent, even while that one is paused."""
    async with inside() as one:
        await one.target.apply(wanted(1, deployment="d2"))
        other = await until(one.target, runs(1), "d2")
        port = urlsplit(other.internal_url).port
        await one.target.apply(wanted(2, deployment="d2", replicas=0))
        await until(one.target, lambda seen: seen.phase == "paused", "d2")
        code = f"""
import asyncio, socket
from octo.core import supervisor
from octo.core.addresses import Resolved
async def main():
    return (await supervisor.line().borrow(Resolved(2, 6, ("127.0.0.1", {port})), 10)).fileno()
said = asyncio.run(main())
"""
        assert await one.says(code) == REFUSED


# --- what goes on ------------------------------------------------------------------------------------------------


async def test_what_flows_need_is_there(inside):
    """Names, certificates, time zones, chance, packages, programs of the system, threads."""
    code = """
import concurrent.futures, os, shutil, socket, ssl, subprocess, sys, time, zoneinfo
import httpx, pydantic, sqlalchemy
with concurrent.futures.ThreadPoolExecutor() as pool:
    threads = pool.submit(lambda: 7).result()
said = [
    bool(socket.getaddrinfo("localhost", 80)),
    bool(ssl.create_default_context().get_ca_certs()) or not os.path.isdir("/etc/ssl/certs"),
    str(zoneinfo.ZoneInfo("Europe/Berlin")),
    len(open("/dev/urandom", "rb").read(4)),
    subprocess.run(["sh", "-c", "echo hi >/dev/null; echo there"], capture_output=True, text=True).stdout,
    subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True).stdout,
    threads,
    os.cpu_count() > 0,
    time.tzname[0],
]
"""
    async with inside(variables={"TZ": "Asia/Tokyo"}) as one:
        assert await one.says(code) == {"said": [True, True, "Europe/Berlin", 4, "there\n", "42\n", 7, True, "JST"]}


async def test_a_server_of_mcp_that_is_a_program_is_started(inside):
    """It has no session of its own, and ends when the connector does."""
    flow = f"""
connectors:
  - {{name: web, type: http}}
  - {{name: shop, type: mcp-client, settings: {{command: "{sys.executable}", args: ["${{PROGRAM}}"]}}}}
env: [{{name: PROGRAM}}]
flows:
  - name: ask
    source: {{connector: web, type: http, settings: {{path: /, methods: [POST]}}}}
    process:
      - {{type: mcp-call, settings: {{connector: shop, tool: variable, arguments: '{{"name": "HOME"}}'}}}}
"""
    program = (Path(__file__).parents[3] / "ai" / "mcp" / "client" / "program.py").read_bytes()
    path = "../bundles/mcp/program.py"
    async with inside(flow=flow, hash="mcp", files={"program.py": program}, variables={"PROGRAM": path}) as one:
        assert str(one.own / "home") in json.dumps(await one.says(""))
        assert len(processes_in(one.own / "work")) == 2
        assert await one.target.remove("d1") is False
        await until(one.target, lambda seen: seen.phase == "absent")
        assert processes_in(one.own / "work") == []


async def test_who_does_not_want_walls_has_none(opening, wanted, tmp_path):
    async with opening(walls=None) as target:
        await target.apply(wanted(1, flow=FLOW, files={"code.py": CODE}))
        seen = await until(target, runs(1))
        (tmp_path / "note").write_text("open")
        told = await asyncio.to_thread(asked, seen.internal_url, f"said = open({str(tmp_path / 'note')!r}).read()")

        assert told == {"said": "open"}
