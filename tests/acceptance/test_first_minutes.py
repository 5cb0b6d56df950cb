"""What a new user types in the first minutes, and what is printed: good guesses work, others lead to what does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from octo import __version__

BIN = Path(sys.executable).parent
PATIENCE = 120.0

ABOVE = """
octo                        | 0 | Usage: octo [OPTIONS] COMMAND [ARGS]...
octo help                   | 0 | Usage: octo [OPTIONS] COMMAND [ARGS]...
octo -h                     | 0 |   new         Create a first flow to start from.
octo help run               | 0 | Usage: octo run [OPTIONS] [PATH]...
octo run --help             | 0 |     octo run --watch flow.yaml      take every save
octo new -h                 | 0 |     cron  a flow that runs every ten seconds
octo --version              | 0 | octo VERSION
octo version                | 0 | octo VERSION
octo -V                     | 0 | octo VERSION
octo init shop              | 2 | Error: there is no command 'init'. Try: octo new shop
octo create shop            | 2 | Error: there is no command 'create'. Try: octo new shop
octo validate shop          | 2 | Error: there is no command 'validate'. Try: octo check shop
octo lint                   | 2 | Error: there is no command 'lint'. Try: octo check
octo dev shop               | 2 | Error: there is no command 'dev'. Try: octo run --watch shop
octo serve shop             | 2 | Error: there is no command 'serve'. Try: octo run shop
octo start                  | 2 | Error: there is no command 'start'. Try: octo run
octo exec hello             | 2 | Error: there is no command 'exec'. Try: octo invoke hello
octo call hello             | 2 | Error: there is no command 'call'. Try: octo invoke hello
octo fmt                    | 2 | Error: there is no command 'fmt'. Octo formats no files; `octo check` finds what is
octo stop                   | 2 | Error: there is no command 'stop'. Ctrl-C or SIGTERM ends `octo run`; messages in fl
octo chek shop              | 2 | Error: there is no command 'chek'. Did you mean 'check'? Try: octo check shop
octo lits                   | 2 | Error: there is no command 'lits'. Did you mean 'list'? Try: octo list
octo help chekc             | 2 | Error: there is no command 'chekc'. Did you mean 'check'? Try: octo check --help
octo run --wach shop        | 2 | Error: No such option '--wach'. Did you mean '--watch'?
octo run -wach shop         | 2 | Error: No such option '--wach'. Did you mean '--watch'?
octo run --reload shop      | 2 | Error: No such option: --reload. Did you mean --watch?
octo run -p 9000 shop       | 2 | Error: No such option: -p. Did you mean --port?
octo run --port x shop      | 2 | Error: Invalid value for '--port': 'x' is not a valid integer range.
octo new                    | 2 | Error: name the folder: octo new shop, or `octo new .` for this one
octo new shop               | 2 | shop/flow.yaml is there already; nothing was written. Try: octo run shop
octo new ticks -t cron      | 2 | Error: No such option: -t. Did you mean --template?
octo run                    | 2 |   octo run shop
octo check                  | 2 |   octo check shop
octo test                   | 2 |   octo test shop
octo check shop             | 0 | shop: ok, 1 flow, 1 connector
octo test shop              | 0 | ok   shop/flow_test.yaml  (hello)
octo invoke shop            | 2 |   octo invoke shop hello
octo invoke shop hello --vars '{"name": "Ada"}' | 0 | {"greeting":"hello, Ada!"}
"""
"""Typed beside the folder that `octo new shop` has made: command, exit code, how a line that is printed begins."""

INSIDE = """
octo check                  | 0 | .: ok, 1 flow, 1 connector
octo check                  | 0 | flow_test.yaml: ok, 2 cases
octo check *.yaml           | 0 | flow_test.yaml: ok, 2 cases
octo check '*.yaml'         | 0 | flow.yaml: ok, 1 flow, 1 connector
octo check flow_test.yaml   | 0 | flow_test.yaml: ok, 2 cases
octo check - <flow.yaml     | 0 | -: ok, 1 flow, 1 connector
octo test                   | 0 | ok   flow_test.yaml  (hello)
octo test flow.yaml         | 0 | ok   flow_test.yaml  (hello)
octo test *.yaml            | 0 | ok   flow_test.yaml  (hello)
octo run flow_test.yaml     | 2 | Error: 'flow_test.yaml' is a test file; `octo test flow_test.yaml` runs it, `octo ru
octo flow_test.yaml         | 2 | Error: 'flow_test.yaml' is a test file; `octo test flow_test.yaml` runs it, `octo ru
octo run flwo.yaml          | 2 |         did you mean `flow.yaml`?
octo flwo.yaml              | 2 |         did you mean `flow.yaml`?
octo run *.yml              | 2 | Error: no file matches '*.yml' in FOLDER
octo invoke                 | 2 |   octo invoke hello
octo invoke helo            | 2 | Error: there is no flow 'helo'. Did you mean 'hello'? Flows: hello
octo invoke --flow hello --vars '{"name": "Ada"}' | 0 | {"greeting":"hello, Ada!"}
octo list                   | 0 |   http-client  A server to call with `rest` blocks.
octo list blocks            | 0 |   foreach          Run a chain for every element of a list.
octo doc http-client        | 0 |   baseURL  text, required
octo doc rest               | 0 |       path: /users/{vars.id}
octo doc foreach            | 0 |   items  expression: list, required
octo doc sum                | 0 |   list(T).sum() -> T
octo doc size               | 0 |   size(list) -> int
octo doc http-cleint        | 2 | Error: there is no 'http-cleint'. Try: octo doc http-client
octo explain OCTO-C111      | 0 | OCTO-C111: Unknown key
octo eval '1 + 2'           | 0 | 3
"""

EMPTY = """
octo run                    | 2 |   octo new NAME      makes a folder with a first flow
octo run                    | 2 | Looked for: *.yaml and *.yml, without tests (NAME_test.yaml) and names that begin wi
octo check                  | 2 | Error: there are no flow files in FOLDER
octo test                   | 2 | .: OCTO-T101: the folder contains no tests
octo flow.yaml              | 2 | flow.yaml: OCTO-C101: no such file or folder
octo invoke hello           | 2 | Error: there are no flow files in FOLDER
"""

SERVING = """
above  | octo shop
above  | octo run --watch shop
inside | octo run
inside | octo flow.yaml
inside | octo run *.yaml
inside | octo run '*.yaml'
inside | octo run - <flow.yaml
inside | octo -config flow.yaml -watch
inside | octo --config flow.yaml
inside | octo run --port 0 flow.yaml
"""
"""Commands that serve `hello` until Ctrl-C, and where they are typed."""


def rows(table: str) -> list[tuple[str, str, str]]:
    """Command, exit code and the beginning of a line; blanks at its beginning count."""
    cells = [line.split(" | ", 2) for line in table.splitlines() if line]
    return [(command.rstrip(), code, expected) for command, code, expected in cells]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder in which `octo new shop` was typed."""
    folder = tmp_path_factory.mktemp("first")
    done = typed("octo new shop", folder)
    assert done.returncode == 0, done.stderr
    return folder


def environment(**more: str) -> dict[str, str]:
    """What the shell of a newcomer has."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": f"{BIN}:{os.environ['PATH']}", **more}


def typed(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def expect(command: str, folder: Path, code: str, line: str) -> None:
    done = typed(command, folder)
    printed = done.stdout + done.stderr
    wanted = line.replace("VERSION", __version__).replace("FOLDER", str(folder))

    assert done.returncode == int(code), printed
    assert "Traceback" not in printed
    assert any(_even(each).startswith(_even(wanted)) for each in printed.splitlines()), printed


def _even(line: str) -> str:
    """The line with one blank for many: columns are as wide as the longest name in them."""
    return " ".join(line.split())


@pytest.mark.parametrize(("command", "code", "line"), rows(ABOVE))
def test_beside_the_folder(made, command, code, line):
    expect(command, made, code, line)


@pytest.mark.parametrize(("command", "code", "line"), rows(INSIDE))
def test_in_the_folder(made, command, code, line):
    expect(command, made / "shop", code, line)


@pytest.mark.parametrize(("command", "code", "line"), rows(EMPTY))
def test_in_an_empty_folder(tmp_path, command, code, line):
    expect(command, tmp_path, code, line)


@pytest.mark.parametrize(("place", "command"), [tuple(line.split(" | ")) for line in SERVING.strip().splitlines()])
def test_it_serves_until_ctrl_c(made, place, command, free_port: Callable[[], int]):
    """Whichever way it was said; the box comes on stdout once it serves."""
    folder = made if place.strip() == "above" else made / "shop"
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command} --admin-addr off" if "<" not in command else f"{command} --admin-addr off"],
        cwd=folder,
        env=environment(HTTP_PORT=str(free_port())),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    hung = threading.Timer(PATIENCE, process.kill)
    hung.start()
    try:
        shown = [process.stdout.readline() for _ in range(4)]
        os.killpg(process.pid, signal.SIGINT)
        _, log = process.communicate()
    finally:
        hung.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert shown[1].strip("│ \n") == f"🐙 Octo {__version__} shop", log
    assert process.returncode == 0, log
    assert "http endpoint available" in log
