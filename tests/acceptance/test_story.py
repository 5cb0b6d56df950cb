"""The pages that tell a story show what really happens, and the secret is shown nowhere."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FENCES = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

SECRET = os.environ["OCTO_CANARY_SECRET"]
"""The canary of the test run: here it is the key of the shop's bank, until a test file replaces it."""


# --- the page ----------------------------------------------------------------------------------------------------


class Reader:
    """Follows a page in its order: saves files, changes them, runs commands and compares what they print.

    Each console block is a terminal: `octo run` and `octo trace` go on in it while later commands run.
    """

    def __init__(self, folder: Path, octo, port: int, admin: int) -> None:
        """port, admin: used instead of the ports 8080 and 39999 of the page."""
        self.folder = folder
        self._octo = octo
        self._port = port
        self._admin = admin
        self.plain = plain
        self._ids: dict[str, str] = {}
        self._server: Any = None
        self._waiting: list[tuple[subprocess.Popen[str], str]] = []
        self.codes: list[tuple[str, int]] = []

    def follow(self, page: Path) -> None:
        for language, text in FENCES.findall(page.read_text()):
            if language == "console":
                for shown in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                    self.run(*shown.split("\n", 1))
            elif name := re.match(r"# (\w+\.yaml)(, at its end)?\n", text):
                rest = text[name.end() :] if name[2] else text
                {"yaml": self.save, "diff": self.change}[language](self.folder / name[1], rest)

    def save(self, file: Path, text: str) -> None:
        with file.open("a") as end:
            end.write(text.replace("port: 8080", f"port: {self._port}"))

    def change(self, file: Path, text: str) -> None:
        """Apply the hunks between `@@`: the lines that begin with ` ` or `-` must occur together, in one place."""
        for piece in text.partition("\n")[2].split("@@\n"):
            lines = piece.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            after = "".join(line[1:] for line in lines if line[0] in " +")
            assert file.read_text().count(before) == 1, before
            file.write_text(file.read_text().replace(before, after))

    def run(self, line: str, shown: str) -> None:
        words = shlex.split(re.sub(r"\b[0-9a-f]{6,}\b", self._real, line))
        for page, here in (("localhost:8080", self._port), ("localhost:39999", self._admin)):
            words = [each.replace(page, f"127.0.0.1:{here}") for each in words]
        if words[:2] == ["octo", "run"]:
            self._server = self._octo(*words[1:], **self._environment)
            return
        if line == "octo traces":
            self._wait_for_traces(shown.count("\n"))
        process = self._started(words)
        if words[:2] == ["octo", "trace"]:
            self._server.wait_for("a tap on the flow is open")
            self._waiting.append((process, shown))
            return
        self.codes.append((line, self._compare(process, shown)))
        while self._waiting:
            self._compare(*self._waiting.pop())

    def _wait_for_traces(self, count: int) -> None:
        """Until so many are stored: that happens after the answer, and authors do not type that fast."""
        store = f"file:{self.folder / '.octo' / 'traces.db'}?mode=ro"
        while True:
            with contextlib.closing(sqlite3.connect(store, uri=True)) as traces:
                if traces.execute("select count(*) from traces").fetchone()[0] >= count:
                    return
            time.sleep(0.05)

    @property
    def _environment(self) -> dict[str, str]:
        """As if only the files of the page said something, except for the secret, which no output may contain."""
        return {
            "HTTP_PORT": str(self._port),
            "OCTO_OBSERVABILITY_ADDR": f"127.0.0.1:{self._admin}",
            "BANK_API_KEY": SECRET,
            "COLUMNS": "112",  # the width of a pipe; a test may have left another in the environment
        }

    def _started(self, words: list[str]) -> subprocess.Popen[str]:
        start = [sys.executable, "-m"] if words[0] == "octo" else []
        return subprocess.Popen(
            [*start, *words, *(["--silent"] if words[0] == "curl" else [])],
            env={**os.environ, **self._environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _compare(self, process: subprocess.Popen[str], shown: str) -> int:
        out, err = process.communicate()
        assert SECRET[:32] not in out + err
        self._ids |= dict(zip(ID.findall(shown), ID.findall(out), strict=False))
        start, elided, end = self.plain(shown).partition("\n...\n")
        assert self.plain(out)[: len(start)] == start, err
        assert self.plain(out)[len(start) :].endswith(end) if elided else self.plain(out) == start
        return process.returncode

    def _real(self, found: re.Match[str]) -> str:
        """The id that took the place of one that begins like this on the page."""
        return next((real for page, real in self._ids.items() if page.startswith(found[0])), found[0])


ID = re.compile(r"\b[0-9a-f]{32}\b")


def plain(printed: str) -> str:
    """The output without what differs between runs: times, ids, and how many messages a search took."""
    for pattern, word in (
        (r"seconds=[\d.e-]+", "seconds=N"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?", "MOMENT"),
        (r"\d+(\.\d+)?(e-\d+)? ?ms|\d+(\.\d+)?s", "TIME"),
        (ID.pattern, "ID"),
        (r"of \d+ messages tried", "of N messages tried"),
        (r" +TIME", " TIME"),
    ):
        printed = re.sub(pattern, word, printed)
    return printed.rstrip("\n") + "\n"


@pytest.fixture
def reader(octo, tmp_path, free_port):
    return Reader(tmp_path, octo, free_port(), free_port())


@pytest.mark.timeout(600)  # a page of commands, one process each
def test_every_command_of_the_page_about_bugs_prints_what_the_page_shows(reader, tmp_path):
    reader.follow(ROOT / "docs" / "finding-bugs.md")

    # A command that finds a bug exits with a code that stops a build.
    assert [(line[:40], code) for line, code in reader.codes] == [
        ("octo test shop.yaml", 0),
        ("octo test shop.yaml --cover", 0),
        ("octo test shop.yaml --cover-min 100", 0),
        ("octo test shop.yaml --generate", 1),
        ("octo test shop.yaml --generate", 0),
        ("octo test shop.yaml --chaos -k pens", 1),
        ("octo test shop.yaml --chaos -k pens", 0),
        ('curl localhost:8080/orders -d \'{"id": "n', 0),
        ("octo traces", 0),
        ("octo test shop.yaml --from-trace 2496ff ", 0),
        ("octo test --cover-min 100 --generate", 0),
    ]
    kept = [tmp_path / "night_test.yaml", *(tmp_path / ".octo").iterdir()]
    assert [file.name for file in kept if b"a-key-for-tests" in file.read_bytes()] == []


@pytest.mark.timeout(600)
def test_every_command_of_the_page_about_traces_prints_what_the_page_shows(reader):
    reader.follow(ROOT / "docs" / "traces.md")

    assert [code for _, code in reader.codes] == [0, 0, 0, 0, 0, 0, 1, 0, 1]


def test_every_command_of_the_page_about_cassettes_prints_what_the_page_shows(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("STOCK_KEY", SECRET)
    run = reader.run

    def later(line: str, shown: str) -> None:
        """Before the server is compared with, it changes; before that, and for the replay, it is gone."""
        if line == "octo test order.yaml":
            reader._server.stop()
        if line.endswith("--drift"):
            stock = tmp_path / "stock.yaml"
            stock.write_text(stock.read_text().replace('"free": 3', '"free": 5'))
            run("octo run stock.yaml", "")
        run(line, shown)

    monkeypatch.setattr(reader, "run", later)
    page = ROOT / "docs" / "cassettes.md"
    reader.follow(page)

    assert [code for _, code in reader.codes] == [0, 0, 0, 1, 0, 0]
    recorded = next(text for _, text in FENCES.findall(page.read_text()) if text.startswith("# Recorded by"))
    assert (tmp_path / "cassettes" / "stock.yaml").read_text() == recorded


@pytest.mark.parametrize("page", ["ai.md", "agents.md"])
def test_the_first_flow_of_a_page_about_models_runs_without_a_key(reader, page):
    reader.follow(ROOT / "docs" / page)

    assert [code for _, code in reader.codes] == [0]


def test_every_command_of_the_page_about_events_prints_what_the_page_shows(reader):
    reader.follow(ROOT / "docs" / "sse.md")

    assert [code for _, code in reader.codes] == [0]


def test_every_command_of_the_page_about_operations_works(reader, tmp_path):
    """What is printed are figures of that moment; each begins as on the page."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    reader.plain = lambda printed: printed.lstrip("{\n ")[:5]

    reader.follow(ROOT / "docs" / "operations.md")

    assert [code for _, code in reader.codes] == [0, 0, 0, 0]


def test_flows_run_with_the_stubs_of_the_page_about_testing(reader, tmp_path):
    page = (ROOT / "docs" / "testing.md").read_text()
    files = re.sub(
        r"^```console\n.*?^```$", "", page.partition("\n## The command\n")[0], flags=re.DOTALL | re.MULTILINE
    )
    stubs = page.partition("\n### Without the services\n")[2].partition("\n## ")[0]
    (tmp_path / "page.md").write_text(files + stubs)

    reader.follow(tmp_path / "page.md")

    assert [code for _, code in reader.codes] == [0]


# --- the secret --------------------------------------------------------------------------------------------------

LEAKY = """
env: [{name: OCTO_CANARY_SECRET, required: true}, {name: HTTP_PORT}, {name: GONE}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${HTTP_PORT}"}}
  - {name: gone, type: http-client, settings: {baseURL: "${GONE}", retry: {maxAttempts: 1}}}
flows:
  - name: leaky
    source: {connector: web, type: http, settings: {path: /}}
    process:
      - {type: set-variable, settings: {name: key, value: env.OCTO_CANARY_SECRET}}
      - {type: log, settings: {message: '"key " + vars.key'}}
      - type: handle-errors
        process:
          - type: rest
            settings:
              connector: gone
              query: {key: vars.key}
              headers: {Authorization: '"Bearer " + vars.key'}
        error: [{type: log, settings: {message: vars.error.message}}]
      - {type: set-payload, name: fails, settings: {value: int(vars.key)}}
"""
"""Flows that do with a secret what people do by mistake: they log it, send it in a query, and fail on it."""

LEAKY_TEST = """
flow: leaky
cases: [{name: fails, expect: {body: 1}}]
"""


@pytest.fixture
def leaky(tmp_path, free_port):
    (tmp_path / "leaky.yaml").write_text(LEAKY)
    (tmp_path / "leaky_test.yaml").write_text(LEAKY_TEST)
    return {"HTTP_PORT": str(free_port()), "GONE": f"http://127.0.0.1:{free_port()}"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_of_a_running_flow_is_in_no_log_trace_or_answer(octo, http, command, tmp_path, leaky, form):
    process = octo("run", "leaky.yaml", "--traces", "--admin-addr=off", "--log-format", form, **leaky)

    status, answer = http(f"http://127.0.0.1:{leaky['HTTP_PORT']}/")

    assert process.stop() == 0
    assert (status, answer["error"]) == (500, "internal server error")
    _, listed, _ = command("traces")
    _, told, _ = command("traces", listed[:6], "--full")
    assert "leaky.fails" in told
    for printed in (process.log, told):
        assert "«secret»" in printed
        assert SECRET[:32] not in printed


def test_a_secret_of_a_failed_test_is_in_no_output_or_report(command, tmp_path, leaky):
    code, out, err = command(
        *("test", "leaky.yaml", "--junit=junit.xml", "--report-json=report.json", "--traces-dir=traces"), **leaky
    )

    (trace,) = (file for file in (tmp_path / "traces").rglob("*") if file.is_file())
    reports = [file.read_text() for file in (tmp_path / "junit.xml", tmp_path / "report.json", trace)]
    assert code == 1
    assert "«secret»" in out
    assert [text for text in (out, err, *reports) if SECRET[:32] in text] == []


# --- the search for it -------------------------------------------------------------------------------------------

SESSIONS = {
    "a file of a test": ("(tmp_path / 'x').write_text(canary)", "test_it0/x"),
    "a shared file": ("(tmp_path_factory.mktemp('shared') / 'x').write_text(canary)", "shared0/x"),
    "standard output": ("print(canary)", "Captured stdout"),
    "standard error of a process": ("os.system('echo $OCTO_CANARY_SECRET >&2')", "Captured stderr"),
    "the log": ("logging.warning(canary)", "Captured log"),
    "nowhere": ("(tmp_path / 'x').write_text('harmless')", ""),
}


def session(folder: Path, line: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a test session with one test of this one line, under the `conftest.py` of these tests."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_leak.py").write_text(
        f"import logging, os\ncanary = os.environ['OCTO_CANARY_SECRET']\n"
        f"def test_it(tmp_path, tmp_path_factory):\n    {line}\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={folder / 'base'}", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("where", SESSIONS)
def test_a_session_fails_where_the_secret_is_seen(tmp_path, where):
    line, told = SESSIONS[where]

    done = session(tmp_path, line)

    assert done.returncode == (1 if told else 0), done.stdout
    assert ("OCTO_CANARY_SECRET was seen" in done.stdout) == bool(told)
    assert told in done.stdout.partition("OCTO_CANARY_SECRET was seen")[2]


@pytest.mark.parametrize("where", ["a file of a test", "a shared file", "standard output"])
def test_a_session_of_several_processes_fails_too(tmp_path, where):
    line, told = SESSIONS[where]

    done = session(tmp_path, line, "--numprocesses=1")

    assert done.returncode == 1
    assert told in done.stdout.partition("OCTO_CANARY_SECRET was seen")[2]


@pytest.mark.parametrize("policy", ["failed", "none"])
def test_a_folder_that_is_deleted_is_searched_before(tmp_path, policy):
    line, _ = SESSIONS["a file of a test"]

    done = session(tmp_path, line, "-o", f"tmp_path_retention_policy={policy}")

    assert done.returncode == 1
    assert "ERROR at teardown of test_it" in done.stdout
    assert "test_it0/x" in done.stdout
