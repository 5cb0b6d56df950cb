"""`octo platform` as a process: it says where it is, ends cleanly, and says in one line why it cannot start."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from octo_platform.enclosure import landlock
from octo_platform.storage.sealing import new_key
from tests.platform.commands.conftest import run

ROOT = Path(__file__).parents[3]
CODE = "from octo_platform.commands.platform import command; command(prog_name='octo platform')"


@pytest.fixture
def start(home, tmp_path, free_port) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start it with free ports and a folder; whatever still runs is killed after the test."""
    running: list[subprocess.Popen[str]] = []

    def start_(*arguments: str, before: str = "", **environ: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **places(tmp_path, free_port), **environ}
        process = subprocess.Popen(
            [sys.executable, "-c", before + CODE, *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start_
    for each in running:
        each.kill()
        each.communicate()


@pytest.fixture
def ended(home, tmp_path, free_port, monkeypatch) -> Callable[..., tuple[int, str, str]]:
    """Run in this process what ends by itself: exit code, standard output, standard error."""

    def type_(*arguments: str, **environ: str) -> tuple[int, str, str]:
        for name, value in {**places(tmp_path, free_port), **environ}.items():
            monkeypatch.setenv(name, value)
        told = run("platform", *arguments)
        for name in environ:
            monkeypatch.delenv(name)
        assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
        return told.exit_code, told.stdout, told.stderr

    return type_


def places(folder: Path, port: Callable[[], int]) -> dict[str, str]:
    """The variables that keep one platform from the others of this machine."""
    return {
        "OCTO_PLATFORM_FOLDER": str(folder / "platform"),
        "OCTO_PLATFORM_PORT": str(port()),
        "OCTO_PLATFORM_DATA_PORT": str(port()),
    }


def greeting(process: subprocess.Popen[str]) -> str:
    lines = []
    while "Ctrl-C stops." not in (lines or [""])[-1]:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        lines.append(line)
    return "".join(lines)


def test_it_says_where_it_is_and_ends_with_a_signal(start):
    """The set-up link is the same with each start, until somebody has used it."""
    process = start()
    shown = greeting(process)
    url, token = re.search(r"administrator: (\S+)/setup#token=(\S+)", shown).groups()
    assert httpx.get(f"{url}/api/v1/health").json()["ready"] is True
    assert httpx.get(f"{url}/api/v1/workspaces").status_code in (401, 409)
    with socket.create_connection((url.rpartition("/")[2].split(":")[0], int(url.rpartition(":")[2]))):
        process.send_signal(signal.SIGTERM)  # a connection that waits keeps nothing from ending
        out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "", "")

    again = start("--insecure-local")
    assert "No sign-in: whoever uses this machine may everything." in greeting(again)
    again.send_signal(signal.SIGINT)
    assert again.wait() == 0
    third = start()
    assert token in greeting(third)


def test_where_deployments_cannot_be_closed_in_it_does_not_start_if_they_must_be(ended, tmp_path, monkeypatch):
    monkeypatch.setattr(landlock, "version", lambda: 3)
    for options in (["--local-isolation", "required"], ["--target", "local", "--target", "kubernetes"]):
        code, out, err = ended(*options, OCTO_PLATFORM_LOCAL_ISOLATION="required")

        assert (code, out) == (2, "")
        assert err == (
            "Error: isolation-missing: --local-isolation required, but on this system a deployment can connect to the "
            "platform, and listen at any port; send signals to the platform: it needs Linux 6.12 with Landlock and "
            "seccomp\n"
        )
    assert not (tmp_path / "platform").exists()


@pytest.mark.parametrize(
    ("version", "wanted", "told"),
    [
        (0, "preferred", "Deployments here are not closed in:\n  on this system a deployment can read the files of"),
        (
            5,
            "preferred",
            "Deployments here are closed in only in part:\n  on this system a deployment can send signals",
        ),
        (0, "off", "Deployments here may do what you may: --local-isolation is off."),
    ],
)
def test_where_they_are_not_closed_in_it_says_so(start, version, wanted, told):
    before = f"from octo_platform.enclosure import landlock; landlock.version = lambda: {version}; "
    process = start("--local-isolation", wanted, before=before)

    assert told in greeting(process)
    process.terminate()
    process.wait()
    assert ("deployments are not wholly closed in" in process.stderr.read()) is (wanted != "off")


def test_one_folder_has_one_platform(start, ended, tmp_path):
    first = start()
    greeting(first)

    code, out, err = ended()

    assert (code, out) == (1, "")
    assert err == (
        f"Error: {tmp_path / 'platform'} is used by process {first.pid}: one platform has one folder; choose --folder\n"
    )
    first.kill()
    first.wait()
    code, _, err = ended("--database", "postgresql://octo@127.0.0.1:1/octo")  # the lock ends with the process
    assert (code, "cannot be reached" in err) == (1, True)


def test_one_file_has_one_platform_too(start, ended, tmp_path):
    """Two would deploy everything twice, and each take the other's work for its own."""
    file, key = tmp_path / "octo.db", ended("key")[1].strip()
    first = start("--database", f"sqlite:{file}", OCTO_PLATFORM_KEYS=key)
    greeting(first)

    code, _, err = ended("--folder", str(tmp_path / "other"), "--database", str(file), OCTO_PLATFORM_KEYS=key)

    used = f"{file} is used by process {first.pid}: one platform has a file of its own; choose --database"
    assert (code, err) == (1, f"Error: {used}\n")


@pytest.mark.parametrize(("variable", "option"), [("PORT", "--port"), ("DATA_PORT", "--data-port")])
def test_a_port_that_is_taken(ended, tmp_path, variable, option):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        code, _, err = ended(**{f"OCTO_PLATFORM_{variable}": str(port)})

    assert (code, err) == (
        1,
        f"Error: 127.0.0.1:{port} is taken: stop what listens there, or choose another {option}\n",
    )
    assert not (tmp_path / "platform" / "platform.db").exists()


def test_a_folder_that_cannot_be_written(ended, tmp_path):
    (tmp_path / "file").touch()

    code, _, err = ended("--folder", str(tmp_path / "file" / "platform"))

    assert (code, err) == (1, f"Error: {tmp_path / 'file' / 'platform'} cannot be used: Not a directory\n")


def test_a_database_that_is_away(ended, free_port):
    port = free_port()
    place = f"postgresql://octo:hunter2@127.0.0.1:{port}/octo"

    code, _, err = ended(OCTO_PLATFORM_DATABASE=place, OCTO_PLATFORM_KEYS=new_key())

    assert code == 1
    assert err.startswith(f"Error: the database postgresql://octo:***@127.0.0.1:{port}/octo cannot be reached: ")
    assert len(err.splitlines()) == 1


def test_a_password_that_is_wrong(ended, postgres):
    place = f"postgresql://octo:hunter2@{postgres.address}/postgres"

    code, _, err = ended(OCTO_PLATFORM_DATABASE=place, OCTO_PLATFORM_KEYS=new_key())

    assert code == 1
    assert "password authentication failed" in err
    assert "hunter2" not in err
    assert len(err.splitlines()) == 1


def test_a_database_on_a_server_needs_a_key(ended):
    code, _, err = ended("--database", "postgresql://octo@127.0.0.1:1/octo")

    assert (code, err) == (
        2,
        "Error: a database on a server needs a key: set OCTO_PLATFORM_KEYS, see `octo platform key`\n",
    )


def test_a_password_on_the_command_line_is_refused(ended):
    code, _, err = ended("--database", "postgresql://octo:hunter2@db/octo")

    assert code == 2
    assert "set OCTO_PLATFORM_DATABASE instead" in err
    assert "hunter2" not in err


def test_keys(start, ended, tmp_path):
    """One that is none, another than before, and a rotation to a new one."""
    one, other = (ended("key")[1].strip() for _ in range(2))
    process = start(OCTO_PLATFORM_KEYS=one)
    greeting(process)
    process.send_signal(signal.SIGINT)
    process.wait()

    code, _, err = ended(OCTO_PLATFORM_KEYS=other)
    assert (code, err[:17]) == (2, "Error: wrong key:")
    code, _, err = ended(OCTO_PLATFORM_KEYS="hunter2")
    assert (code, "hunter2" in err) == (2, False)
    assert err.startswith("Error: OCTO_PLATFORM_KEYS: a key is base64 of 32 bytes")

    assert ended("rotate", OCTO_PLATFORM_KEYS=f"{other} {one}")[:2] == (
        0,
        "sealed anew with the first key: 2 settings\n",
    )
    again = "everything is sealed with the first key already; those behind it are not needed\n"
    assert ended("rotate", OCTO_PLATFORM_KEYS=other)[:2] == (0, again)
    code, _, err = ended("rotate", OCTO_PLATFORM_KEYS=one)
    assert (code, err[:17]) == (2, "Error: wrong key:")


def test_tables_go_to_the_form_of_this_release_and_back(ended, tmp_path):
    code, out, err = ended("migrate")
    assert code == 0, err
    newest = re.fullmatch(r"the database has the form (\w+)\n", out)[1]
    assert ended("migrate", "--to", "base")[:2] == (0, "the database has the form base\n")
    assert ended("migrate", "--to", newest)[1] == out
    code, _, err = ended("migrate", "--to", "nonsense")
    assert (code, err) == (2, "Error: there is no form 'nonsense'; there are base, 0001, 0002, 0003\n")


def test_a_database_of_a_later_release_is_left_alone(ended, tmp_path):
    import sqlite3

    ended("migrate")
    with closing(sqlite3.connect(tmp_path / "platform" / "platform.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()

    code, _, err = ended()

    assert code == 1
    assert err.startswith("Error: the database has the form 9999, which a later release made; this one knows up to ")
    assert len(err.splitlines()) == 1


def test_an_option_of_another_command_is_not_lost(ended):
    code, _, err = ended("--folder", "x", "migrate")

    assert code == 2
    assert "write --folder behind the command: octo platform migrate" in err


# --- the cluster that it deploys to ----------------------------------------------------------------------------------


def cluster(folder: Path, server: str) -> dict[str, str]:
    """The variable that names a kubeconfig with this server."""
    file = folder / "kubeconfig"
    content = {
        "current-context": "kind-octo",
        "clusters": [{"name": "octo", "cluster": {"server": server}}],
        "users": [{"name": "ada", "user": {"token": "hunter2"}}],
        "contexts": [{"name": "kind-octo", "context": {"cluster": "octo", "user": "ada"}}],
    }
    file.write_text(json.dumps(content))
    return {"KUBECONFIG": str(file)}


@pytest.mark.parametrize("targets", [("kubernetes",), ("local", "kubernetes")])
def test_without_a_cluster_it_does_not_begin(ended, home, targets):
    code, _, err = ended(*(part for each in targets for part in ("--target", each)), KUBECONFIG="")

    told = f"Error: --target kubernetes: no cluster: there is no file {home}/.kube/config; "
    advice = "name a kubeconfig in KUBECONFIG, run inside of a cluster, or leave out --target kubernetes\n"
    assert (code, err) == (2, told + advice)


def test_it_says_which_cluster_it_deploys_to(start, tmp_path):
    """And as whom."""
    with answering({"status": {"userInfo": {"username": "ada@example.com"}}}) as url:
        shown = greeting(start("--target", "kubernetes", **cluster(tmp_path, url)))

    place = url.removeprefix("http://")
    assert f"  Kubernetes: the context kind-octo of {tmp_path}/kubeconfig, {place}, as ada@example.com\n" in shown
    assert "hunter2" not in shown


def test_it_says_that_its_cluster_is_away(start, tmp_path, free_port):
    """It begins nevertheless: a cluster may come back."""
    place = f"127.0.0.1:{free_port()}"

    shown = greeting(start("--target", "kubernetes", **cluster(tmp_path, f"http://{place}")))

    assert f"  Kubernetes: the context kind-octo of {tmp_path}/kubeconfig, {place}\n" in shown
    assert (
        "  It cannot be read, and deployments wait until it can: the API server: the cluster does not answer" in shown
    )


@contextmanager
def answering(body: object) -> Iterator[str]:
    """A server that answers every POST with this."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            content = json.dumps(body).encode()
            self.send_response(201)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
