"""The wheel that a release gives: installed into an empty environment, it makes, runs and tests a first project.

Its dependencies come from `uv.lock`, as they were tested; without extras, as `pip install octo-flows` brings them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from octo import __version__

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0
SHELF = "octo/cli/authoring/shelf"


def uv(*arguments: str, **env: str) -> None:
    """Run uv, first with what it has already: the network is asked only if that does not do."""
    command = [sys.executable, "-m", "uv", *arguments]
    for options in (["--offline"], []):
        done = subprocess.run(
            [*command, *options], cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return
    raise AssertionError(done.stderr)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--quiet", "--out-dir", str(folder))
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def shell(wheel, tmp_path_factory):
    """Run a command where only the wheel is installed; return exit code and what is printed."""
    place = tmp_path_factory.mktemp("empty")
    environment = {"UV_PROJECT_ENVIRONMENT": str(place / "venv"), "UV_LINK_MODE": "hardlink"}
    sync = ("sync", "--frozen", "--no-dev", "--no-install-project", "--quiet", "--python", sys.executable)
    uv(*sync, **environment)
    python = str(place / "venv" / "bin" / "python")
    uv("pip", "install", "--quiet", "--no-deps", "--python", python, str(wheel))
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    path = f"{place / 'venv' / 'bin'}:{os.environ['PATH']}"

    def run(command: str) -> tuple[int, str]:
        done = subprocess.run(
            shlex.split(command),
            cwd=place,
            env=run.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.returncode, done.stdout

    run.place, run.env = place, {**kept, "PATH": path}
    return run


def test_what_it_says_of_itself(wheel):
    """Its name is ours, and so are the packages of its extras; what a first flow needs is no extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with zipfile.ZipFile(wheel) as archive:
        [name] = [each for each in archive.namelist() if each.endswith("METADATA")]
        metadata = message_from_bytes(archive.read(name))
        names = set(archive.namelist())

    assert wheel.name == f"octo_flows-{__version__}-py3-none-any.whl"
    assert metadata["Name"] == "octo-flows"
    needed = [each for each in metadata.get_all("Requires-Dist") if "extra ==" not in each]
    assert len(needed) == len(project["dependencies"])
    assert {"aiohttp", "cronsim", "httptools", "watchfiles"} <= {each.split("<")[0].split(">")[0] for each in needed}
    assert {"octo/py.typed", "octo/config/catalogue.json"} <= names
    assert not any(each.startswith(("tests", "bench", "docs", "samples")) for each in names)
    assert {f"{SHELF}/docs/testing.md", f"{SHELF}/samples/http-orders.yaml"} <= names
    assert not any("example-package" in each for each in names)


def test_it_brings_the_page_of_the_editor(wheel, shell):
    """Whoever installs it needs no Node: `octo edit` serves what the wheel has."""
    with zipfile.ZipFile(wheel) as archive:
        names = [each for each in archive.namelist() if each.startswith("octo/cli/editing/built/")]
    assert "octo/cli/editing/built/index.html" in names
    assert any(each.endswith(".js") for each in names)

    (shell.place / "flow.yaml").write_text("flows: []\n")
    with subprocess.Popen(
        ["octo", "edit", "--no-browser"], cwd=shell.place, env=shell.env, stdout=subprocess.PIPE, text=True
    ) as process:
        link = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(link, timeout=PATIENCE) as page:
            assert b"<!doctype html>" in page.read().lower()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


def test_without_node_the_build_says_what_is_missing(tmp_path):
    """The page is not there, and cannot be built; one that is there and comes from these sources is taken."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cat", "cksum", "dirname", "find", "flock", "sort", "xargs"):
        (tools / name).symlink_to(shutil.which(name))
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("node_modules")
    shutil.copytree(ROOT / "editor", checkout / "editor", ignore=ignored)
    (checkout / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "editor.sh", checkout / "scripts")

    def fresh() -> subprocess.CompletedProcess[str]:
        command = [str(tools / "bash"), "scripts/editor.sh", "fresh"]
        env = {"PATH": str(tools), "PYTHON": "/nowhere"}
        return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)

    missing = fresh()
    assert missing.returncode == 3
    assert "scripts/setup.sh dev" in missing.stderr
    shutil.copytree(ROOT / "octo" / "cli" / "editing" / "built", checkout / "octo" / "cli" / "editing" / "built")
    assert fresh().returncode == 0
    (checkout / "editor" / "src" / "app" / "main.tsx").write_text("")
    assert fresh().returncode == 3


def test_it_is_all_there_is(shell):
    code, shown = shell("python -c 'import octo; print(octo.__file__, flush=True); import hypothesis'")

    assert code == 1
    assert shown.startswith(f"{shell.place}/venv/"), shown
    assert "No module named 'hypothesis'" in shown
    assert shell("octo version")[1].startswith(f"octo {__version__} ")


def test_an_assistant_finds_the_documentation(shell):
    """What `octo mcp author` searches is in the package."""
    line = "from octo.cli.authoring import searching as s; print(s.page('testing#Stubs'), s.example('http-orders'))"
    code, shown = shell(f'python -c "{line}"')

    assert code == 0, shown
    assert shown.startswith("## Stubs")
    assert "orders-api" in shown


@pytest.mark.parametrize("template", ["http", "cron", "call"])
def test_a_first_project(shell, template):
    """Of each template: it is right, and its tests pass."""
    assert shell(f"octo new {template} --template {template}")[0] == 0
    assert shell(f"octo check {template}")[0] == 0
    code, shown = shell(f"octo test {template}")

    assert code == 0
    assert "0 failed, 0 errored" in shown


def test_it_serves_and_takes_a_save(shell, free_port):
    port = free_port()
    shell("octo new served")
    process = subprocess.Popen(
        ["octo", "run", "--watch", "served", "--port", str(port), "--admin-addr", "off"],
        cwd=shell.place,
        env=shell.env,
        executable=str(shell.place / "venv" / "bin" / "octo"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for _ in range(4):
            assert process.stdout.readline()
        assert greeting(port) == {"greeting": "hello, Ada!"}
        flow = shell.place / "served" / "flow.yaml"
        flow.write_text(flow.read_text().replace("hello, ", "good evening, "))
        for _ in range(4):
            assert process.stdout.readline()  # the box of the new version
        assert greeting(port) == {"greeting": "good evening, Ada!"}
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def greeting(port: int) -> object:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello/Ada", timeout=60) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("octo test call --generate", "pip install 'octo-flows[test]'"),
        ("octo top --once", "pip install 'octo-flows[top]'"),
        ("octo mcp author", "pip install 'octo-flows[mcp]'"),
        ("octo eval \"toAes(b'x', b'0123456789abcdef')\"", "pip install 'octo-flows[crypto]'"),
        ("octo invoke db.yaml f", "pip install 'octo-flows[postgres]'"),
        ("octo invoke other.yaml f", "pip install 'octo-flows[sql]'"),
    ],
)
def test_what_is_not_there_is_named(shell, command, says):
    """Each missing library with the extra of our package that brings it, and without a traceback."""
    flow = "flows: [{name: f, process: [{type: sql, settings: {connector: d, query: select 1}}]}]"
    for name, dsn in (
        ("db", "driver: postgres, dsn: 'postgres://u@127.0.0.1:1/x'"),
        ("other", "driver: sqlalchemy, dsn: 'oracle+oracledb://u@h/x'"),
    ):
        text = f"connectors: [{{name: d, type: database, settings: {{{dsn}}}}}]\n{flow}\n"
        (shell.place / f"{name}.yaml").write_text(text)
    shell("octo new call --template call")
    code, shown = shell(command)

    assert code in (1, 2)
    assert says in shown
    assert "Traceback" not in shown
