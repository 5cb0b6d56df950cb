"""The page "Find a bug before your users do" shows what really happens, and the secret is shown nowhere."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "finding-bugs.md"
FENCES = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

SERVICES = """
env: [{name: PORT}, {name: BANK_API_KEY}]
connectors: [{name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}]
flows:
  - name: stock
    source: {type: http, settings: {path: /items}}
    process: [{type: set-payload, settings: {value: '{"available": true}'}}]
  - name: bank
    source: {type: http, settings: {path: /charges, headers: [X-Api-Key, Idempotency-Key]}}
    process:
      - type: set-variable
        settings:
          name: httpStatus
          value: 'vars["X-Api-Key"] == env.BANK_API_KEY && vars["Idempotency-Key"] != "" ? 200 : 401'
      - {type: set-payload, settings: {value: '{"id": "c7"}'}}
  - name: mail
    source: {type: http, settings: {path: /mails}}
    process: [{type: set-payload, settings: {value: "null"}}]
"""
"""What the shop calls. The bank wants its key, so an answer of 200 shows that the shop sent the secret."""

SECRET = os.environ["OCTO_CANARY_SECRET"]
"""The canary of the test run: here it is the key of the bank."""

ORDER = {"id": "n7", "email": "bob@example.com", "cents": 1990, "count": 3, "coupon": "WELCOME"}


# --- the page ----------------------------------------------------------------------------------------------------


class Reader:
    """Follows the page in its order: saves files, changes them, runs commands and compares what they print."""

    def __init__(self, folder: Path, command, before: dict[str, Callable[[], None]]) -> None:
        """before: called before each command."""
        self.folder = folder
        self._command = command
        self._before = before
        self._event = ""
        self.codes: list[tuple[str, int]] = []

    def read(self, language: str, text: str) -> None:
        if language == "console":
            for shown in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                self.run(*shown.split("\n", 1))
        else:
            title, rest = text.split("\n", 1)
            name = re.fullmatch(r"# (\w+\.yaml)(, at its end)?", title)
            assert name is not None, title
            {"yaml": self.save, "diff": self.change}[language](self.folder / name[1], rest if name[2] else text)

    def save(self, file: Path, text: str) -> None:
        with file.open("a") as end:
            end.write(text)

    def change(self, file: Path, text: str) -> None:
        """Apply the hunks between `@@`: the lines that begin with ` ` or `-` must occur together, in one place."""
        for piece in text.partition("\n")[2].split("@@\n"):
            lines = piece.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            after = "".join(line[1:] for line in lines if line[0] in " +")
            assert file.read_text().count(before) == 1, before
            file.write_text(file.read_text().replace(before, after))

    def run(self, line: str, shown: str) -> None:
        self._before.get(line, lambda: None)()
        code, out, err = self._command(*shlex.split(line.replace("2496ff", self._event))[1:])
        if line == "octo traces":
            self._event = out[:6]
        self.codes.append((line, code))
        start, elided, end = plain(shown).partition("...\n")
        assert plain(out)[: len(start)] == start, err
        assert plain(out)[len(start) :].endswith(end) if elided else plain(out) == start


def plain(printed: str) -> str:
    """The output without what differs between runs: times, ids, and how many messages a search took."""
    for pattern, word in (
        (r"\d+(\.\d+)? ?ms|\d+(\.\d+)?s", "TIME"),
        (r"\b[0-9a-f]{32}\b", "ID"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "MOMENT"),
        (r"of \d+ messages tried", "of N messages tried"),
        (r" +TIME", " TIME"),
    ):
        printed = re.sub(pattern, word, printed)
    return printed.rstrip("\n") + "\n"


@pytest.fixture
def last_night(octo, http, tmp_path, free_port):
    """Let the shop in this folder really serve one order, with traces."""

    def serve() -> None:
        with contextlib.closing(sqlite3.connect(tmp_path / "shop.db")) as books:
            books.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER)")
        (tmp_path / "services").mkdir()
        (tmp_path / "services" / "services.yaml").write_text(SERVICES)
        port, services = free_port(), free_port()
        urls = dict.fromkeys(("STOCK_URL", "BANK_URL", "MAIL_URL"), f"http://127.0.0.1:{services}")
        octo("run", "services", "--admin-addr=off", PORT=str(services), BANK_API_KEY=SECRET)
        shop = octo(
            "run", "shop.yaml", "--traces", "--admin-addr=off", HTTP_PORT=str(port), BANK_API_KEY=SECRET, **urls
        )

        assert http(f"http://127.0.0.1:{port}/orders", ORDER) == (200, {"order": "n7", "total": 5470})
        assert shop.stop() == 0

    return serve


@pytest.mark.timeout(600)  # a page of commands, one process each
def test_every_command_of_the_page_prints_what_the_page_shows(command, last_night, tmp_path):
    reader = Reader(tmp_path, command, {"octo traces": last_night})

    for language, text in FENCES.findall(PAGE.read_text()):
        reader.read(language, text)

    # A command that finds a bug exits with a code that stops a build.
    assert reader.codes == [
        ("octo test shop.yaml", 0),
        ("octo test shop.yaml --cover", 0),
        ("octo test shop.yaml --cover-min 100", 0),
        ("octo test shop.yaml --generate", 1),
        ("octo test shop.yaml --generate", 0),
        ("octo test shop.yaml --chaos -k pens", 1),
        ("octo test shop.yaml --chaos -k pens", 0),
        ("octo traces", 0),
        ("octo test shop.yaml --from-trace 2496ff --out night_test.yaml", 0),
        ("octo test --cover-min 100 --generate", 0),
    ]


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
