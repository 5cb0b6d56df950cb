"""Every sample runs as its comments promise, through the real command line. A sample without a scenario fails."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from octo.testing.postgres import PASSWORD, Postgres

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.yaml") if not path.stem.endswith("_test"))

PATIENCE = 60.0
"""Seconds until a test gives up on a process; far more than any needs, even on a loaded machine."""


# --- the command line --------------------------------------------------------------------------------------------


@dataclass
class Octo:
    """The command line, working on one sample in an empty folder."""

    sample: Path
    folder: Path
    free_port: Callable[[], int]
    env: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "octo", *arguments]

    def environment(self) -> dict[str, str]:
        """What a newcomer's shell has: none of the variables that samples read, unless the scenario sets them."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return kept | self.env

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def invoke(self, flow: str, data: object = None, code: int = 0) -> Any:
        """The decoded body that `octo invoke` prints, or None."""
        given = [] if data is None else ["--data", json.dumps(data)]
        done = self.run("invoke", "--config", str(self.sample), "--flow", flow, *given)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    @contextlib.contextmanager
    def serving(self, *options: str) -> Iterator[Server]:
        """A context in which the sample runs under `octo run`. Afterwards SIGTERM must end it cleanly."""
        port = self.free_port()
        self.env["HTTP_PORT"] = str(port)
        log, out = self.folder / "stderr.log", self.folder / "stdout.log"
        with log.open("wb") as stderr, out.open("wb") as stdout:
            process = subprocess.Popen(
                self.command("run", "--config", str(self.sample), *options),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
            server = Server(port, process, log, out)
            try:
                server.until(lambda: "runtime ready" in log.read_text())
                yield server
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE) == 0, log.read_text()
            finally:
                process.kill()
                process.wait(PATIENCE)


@dataclass
class Server:
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    out: Path

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until the condition is true. Fail when the process ends before, or after `PATIENCE`."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and decoded body of the answer. The request has the content type that curl sends with `-d`."""
        status, text = self.text(method, path, body, headers)
        return status, json.loads(text) if text else None

    def text(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            form = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {**form, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


@contextlib.contextmanager
def stand_in(answer: Callable[[str, bytes], tuple[int, object]]) -> Iterator[str]:
    """The address of a local service that answers with what the function returns for path and body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, value = answer(self.path, body)
            text = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815  the name that the library looks for

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{service.server_port}"
        finally:
            service.shutdown()
            thread.join()


# --- the scenarios -----------------------------------------------------------------------------------------------

Scenario = Callable[[Octo], None]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__.replace("_", "-")] = function
    return function


@scenario
def hello_world(octo: Octo) -> None:
    done = octo.run("invoke", "--config", str(octo.sample), "--flow", "hello-world")

    assert done.returncode == 0
    assert "hello, world! It is 20" in done.stderr


@scenario
def hello_invoke(octo: Octo) -> None:
    done = octo.run("invoke", "--config", str(octo.sample), "--flow", "greet", "--data", '{"name":"Ada"}')

    assert (done.returncode, done.stdout) == (0, '{"greeting":"hello, Ada!"}\n'), done.stderr


@scenario
def heartbeat(octo: Octo) -> None:
    pulse = octo.invoke("heartbeat")

    assert abs(pulse["beat"] - time.time() / 5) < 60
    assert {"beat", "at"} == set(pulse)

    with octo.serving() as server:
        server.until(lambda: '"msg":"beat ' in server.out.read_text())
        lines = [line for line in server.out.read_text().splitlines() if '"msg":"beat ' in line]

    assert json.loads(lines[0])["body"]["beat"] > 0


@scenario
def http_orders(octo: Octo) -> None:
    order = {"item": "widget", "amount": 1500}
    with octo.serving() as server:
        status, answer = server.request("POST", "/api/v1/orders/42", order, {"X-Tenant": "acme", "X-Request-Id": "r-1"})
        small = server.request("POST", "/api/v1/orders/7?currency=EUR", {"item": "sticker", "amount": 10})
        found = server.request("GET", "/api/v1/orders/9")
        refused = server.request("DELETE", "/api/v1/orders/9")
        nowhere, _ = server.request("GET", "/api/v1/nothing")

    assert status == 200
    assert answer == {
        "order": {
            "orderId": "42",
            "tenant": "acme",
            "item": "widget",
            "amount": 1500,
            "currency": "USD",
            "requestId": "r-1",
        },
        "priority": "high",
        "status": "accepted",
    }
    assert small[0] == 200
    assert (small[1]["order"]["currency"], small[1]["priority"]) == ("EUR", "normal")
    assert found == (200, {"orderId": "9", "currency": "USD", "status": "found"})
    assert refused == (405, {"error": "method DELETE not supported"})
    assert nowhere == 404
    assert "audit: POST order 42" in server.log.read_text()


@scenario
def error_handling(octo: Octo) -> None:
    # Nothing listens at the default of PAYMENTS_URL.
    with octo.serving() as server:
        status, answer = server.request("POST", "/charge-flowlevel", {"amount": 500})
        later = server.request("POST", "/charge-inline", {"amount": 500})

    assert status == 502
    assert (answer["failedBlock"], answer["flow"]) == ("call-charge", "charge-flowlevel")
    assert "call-charge" in answer["error"]
    assert later == (202, {"outcome": "charge later"})

    with stand_in(_bank) as url:
        octo.env["PAYMENTS_URL"] = url
        with octo.serving() as server:
            captured = server.request("POST", "/charge-flowlevel", {"amount": 10})
            charged = server.request("POST", "/charge-inline", {"amount": 10})
            declined = server.request("POST", "/charge-inline", {"amount": 500})

    assert captured == (200, {"id": "ch_1", "status": "captured"})
    assert charged == (200, {"outcome": "charged"})
    assert declined == (402, {"outcome": "declined"})


def _bank(path: str, body: bytes) -> tuple[int, object]:
    assert path == "/charges"
    if json.loads(body)["amount"] > 100:
        return 402, {"error": "card declined"}
    return 200, {"id": "ch_1", "status": "captured"}


@scenario
def db_orders(octo: Octo) -> None:
    with octo.serving() as server:
        assert server.request("GET", "/orders") == (200, [])
        status, stored = server.request("POST", "/orders", {"item": "widget", "amount": 1500})
        refused, _ = server.request("DELETE", "/orders")

    assert status == 201
    assert (stored["item"], stored["amount"]) == ("widget", 1500)
    assert refused == 405

    with octo.serving() as server:  # what was stored is still there in the next process
        assert (200, [stored]) == server.request("GET", "/orders")


@scenario
def flow_to_flow_http(octo: Octo) -> None:
    assert octo.invoke("greet-service", {"name": "Ada"})["greeting"] == "Hello, Ada!"
    octo.invoke("greet-service", {"nombre": "Ada"}, code=1)

    octo.env["CALL_EVERY"] = "1s"
    with octo.serving() as server:
        answer = server.request("POST", "/greet", {"name": "Ada"}, {"X-Request-Id": "r-1"})
        failed = server.request("POST", "/greet", {"nombre": "Ada"})
        server.until(lambda: "reply 200: Hello, world! (from-caller)" in server.log.read_text())

    assert answer == (200, {"greeting": "Hello, Ada!", "requestId": "r-1"})
    assert failed[0] == 500
    assert "nombre" not in json.dumps(failed[1])


@scenario
def file_logger(octo: Octo) -> None:
    octo.env["AUDIT_FILE"] = "trail.log"

    octo.invoke("record-sale", {"item": "widget", "amount": 20})
    octo.invoke("record-sale", {"item": "crane", "amount": 2500})

    trail = octo.folder / "trail.log"
    lines = [json.loads(line) for line in trail.read_text().splitlines()]
    assert [line["msg"] for line in lines] == ["sale of widget", "sale of crane"]
    assert lines[1]["body"] == {"item": "crane", "amount": 2500}
    assert trail.stat().st_mode & 0o777 == 0o600

    octo.invoke("simulate-sales", {"item": "crane", "amount": 2500})
    assert len(trail.read_text().splitlines()) == 3


@scenario
def builtins_demo(octo: Octo) -> None:
    orders = [{"id": 1, "amount": 50}, {"id": 2, "amount": 250}]

    done = octo.run(
        "invoke", "--config", str(octo.sample), "--flow", "demo", "--data", '{"firedAt":"today"}', "--message"
    )
    assert done.returncode == 0, done.stderr
    message = json.loads(done.stdout)
    assert {"firedAt": "today", "orders": orders} == message["body"]
    assert {"firedAt"} == set(message["variables"])  # the loop's and the scratch variable are gone
    assert "order 1 is small" in done.stderr
    assert "order 2 is large" in done.stderr

    lines = [{"id": 1, "cents": 5000}, {"id": 2, "cents": 25000}]
    assert {"lines": lines, "linesPerBox": 1} == octo.invoke("invoice", {"orders": orders, "boxes": 2})
    assert {"lines": lines, "linesPerBox": 0} == octo.invoke("invoice", {"orders": orders, "boxes": 0})
    assert octo.invoke("invoice", {"orders": [], "boxes": 2}, code=3) is None


@scenario
def mcp_router(octo: Octo) -> None:
    modern = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    }
    refund = {"name": "refund", "arguments": {"id": "A-1"}, "_meta": modern}
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "refund"}
    with octo.serving() as server:
        listed = server.request("POST", "/mcp", _rpc("tools/list"))
        found = server.request("POST", "/mcp", _rpc("tools/call", {"name": "find-order", "arguments": {"id": "A-1"}}))
        asked = server.request("POST", "/mcp", _rpc("tools/call", refund), headers)
        answer = {"sure": {"action": "accept", "content": {"reason": "torn"}}}
        given = refund | {"inputResponses": answer, "requestState": asked[1]["result"]["requestState"]}
        done = server.request("POST", "/mcp", _rpc("tools/call", given), headers)
        foreign = server.request("POST", "/mcp", _rpc("ping"), {"Origin": "https://evil.example"})

    assert [each["name"] for each in listed[1]["result"]["tools"]] == ["find-order", "refund"]
    assert json.loads(found[1]["result"]["content"][0]["text"]) == {"item": "book", "total": 12.5}
    assert [*asked[1]["result"]["inputRequests"]] == ["sure"]
    assert json.loads(done[1]["result"]["content"][0]["text"]) == {"refunded": "A-1", "reason": "torn"}
    assert foreign[0] == 403


def _rpc(method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}


@scenario
def weather(octo: Octo) -> None:
    asked: list[str] = []

    def service(path: str, body: bytes) -> tuple[int, object]:
        asked.append(path)
        if "latitude=-12.05" in path:
            return 500, {"reason": "out of order"}
        return 200, {"current": {"temperature_2m": 4.5, "wind_speed_10m": 12}}

    with stand_in(service) as url:
        octo.env["WEATHER_URL"] = url
        with octo.serving() as server:
            answer = server.request("GET", "/weather/lisbon")
            again = server.request("GET", "/weather/lisbon")
            unknown = server.request("GET", "/weather/atlantis")
            failed = server.request("GET", "/weather/lima")

    assert answer == (200, {"city": "lisbon", "celsius": 4.5, "advice": "take a coat"})
    assert answer == again
    assert (unknown[0], sorted(unknown[1]["known"])) == (404, ["berlin", "lima", "lisbon", "nairobi"])
    assert (failed[0], failed[1]["error"]) == (503, "the weather service does not answer")
    assert asked[0].startswith("/v1/forecast?")
    assert "current=temperature_2m" in asked[0]
    assert sum("latitude=38.72" in path for path in asked) == 1  # the second answer came from the cache


# --- with brokers: here their stubs answer; the tests of each connector run it against a real one ---


def stubbed(octo: Octo, flow: str, data: object, case: str = "") -> Any:
    """The decoded body that `octo invoke` prints with the stubs of the sample's own tests."""
    tests = f"{octo.sample.with_suffix('')}_test.yaml" + (f"::{case}" if case else "")
    done = octo.run("invoke", str(octo.sample), flow, "--data", json.dumps(data), "--stubs", tests)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@scenario
def kafka_orders(octo: Octo) -> None:
    done = octo.run("test", str(octo.sample))

    assert (done.returncode, "3 passed, 0 failed" in done.stdout) == (0, True), done.stdout


@scenario
def mqtt_alarms(octo: Octo) -> None:
    oven = {"device": "oven-1", "celsius": 270.0}
    assert stubbed(octo, "alarms", oven) == oven


@scenario
def nats_orders(octo: Octo) -> None:
    assert stubbed(octo, "orders", {"item": "book"}, "priced") == {"item": "book", "total": 24}


@scenario
def redis_orders(octo: Octo) -> None:
    order = {"id": "o-1", "item": "book", "amount": "2"}
    assert stubbed(octo, "orders", order, "an order is priced") == {"id": "o-1", "total": 24}


# --- with models: here the script of their tests answers ---


@scenario
def ai_router(octo: Octo) -> None:
    billing = {"desk": "billing", "within": "2 days", "because": "it is about an invoice"}
    assert stubbed(octo, "tickets", {"text": "You charged me twice for invoice 17."}) == billing


@scenario
def ai_mapping(octo: Octo) -> None:
    supplier = {"Bestellnr": "A-17", "Datum": "3.4.2026", "Pos": [{"Artikel": "Schraube M4", "Menge": "200"}]}
    ours = {"id": "A-17", "date": "2026-04-03", "items": [{"name": "Schraube M4", "count": 200}]}
    assert stubbed(octo, "orders", supplier) == {"order": ours, "asked": 2}


@scenario
def ai_retry(octo: Octo) -> None:
    ada = {"guest": "Ada", "from": "2026-05-01T15:00:00Z", "to": "2026-05-03T11:00:00Z"}
    assert stubbed(octo, "bookings", {"guest": "Ada", "from": "the first of May 2026", "nights": "two"}) == ada


@scenario
def ai_agent(octo: Octo) -> None:
    late = {"answer": "Order A-17 is 10 days late, and on its way.", "late": True}
    assert stubbed(octo, "ask", {"question": "Is order A-17 late?"}) == late


@scenario
def ai_agent_skills(octo: Octo) -> None:
    assert stubbed(octo, "write", {"task": "Tell Ada that her parcel is late."}).startswith("Dear Ada,")


@scenario
def ai_agent_mcp(octo: Octo) -> None:
    """The model is a script, the server is real: a child process that the connector starts."""
    octo.env |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "MCP_FILE": str(octo.sample)}
    text = octo.sample.with_name("ai-agent-mcp_test.yaml").read_text()
    alone = octo.folder / "ai-agent-mcp_test.yaml"
    alone.write_text(text[: text.index("  shop:")] + "\ncases: [{name: a, input: {data: {question: q}}}]\n")
    done = octo.run(
        "invoke", str(octo.sample), "ask", "--data", '{"question": "Do we have tea?"}', "--stubs", str(alone)
    )

    assert (done.returncode, json.loads(done.stdout)) == (0, "Yes, there are 12 pieces of tea."), done.stderr


@scenario
def ai_agent_sse(octo: Octo) -> None:
    """What the page does with it is in test_chat.py."""
    with octo.serving("--stubs", str(octo.sample.with_name("ai-agent-sse_test.yaml"))) as server:
        page = server.text("GET", "/")
        nothing = server.request("GET", "/chats/c1")
        stream = server.text("POST", "/chats/c1", {"text": "Where is order 42?"})
        said = server.request("GET", "/chats/c1")
    assert (page[0], "<title>Shop chat</title>" in page[1]) == (200, True)
    assert nothing == (200, {"messages": [], "waiting": []})
    assert (stream[0], stream[1].count("event: agent")) == (200, stream[1].count("data: "))
    assert said[1]["messages"][-1] == {"role": "assistant", "text": "Order 42 was delivered. Its amount is 62."}


@scenario
def support_triage(octo: Octo) -> None:
    with octo.serving("--stubs", str(octo.sample.with_name("support-triage_test.yaml"))) as server:
        calm = server.request("POST", "/mails", {"from": "ada@example.com", "text": "Where is my order A-17?"})
        angry = server.request("POST", "/mails", {"from": "bob@example.com", "text": "I go to court!"})
        server.until(lambda: bool(server.request("GET", "/desk")[1]))
        desk = server.request("GET", "/desk")[1]
    assert (calm[0], calm[1]["state"]) == (200, "answered")
    assert (angry[0], angry[1]["state"]) == (200, "a person will answer")
    assert [each["mail"]["from"] for each in desk] == ["bob@example.com"]


@scenario
def mcp_tools(octo: Octo) -> None:
    octo.env |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "MCP_FILE": str(octo.sample)}

    assert octo.invoke("order", {"item": "tea", "amount": 2}) == {"item": "tea", "accepted": True, "left": 12}


@scenario
def rag_pipeline(octo: Octo) -> None:
    """Without the network a script is the model, and a store in memory keeps the vectors."""
    with octo.serving("--stubs", str(octo.sample.with_name("rag-pipeline_test.yaml"))) as server:
        written = server.request("POST", "/documents", {"id": "returns", "text": "Goods go back within 30 days."})
        asked = server.request("POST", "/questions", {"question": "When do goods go back?"})
    assert written == (200, {"document": "returns", "pieces": 1})
    assert asked == (200, {"answer": "Yes, within 30 days.", "sources": ["returns#0"]})


# --- the tests ---------------------------------------------------------------------------------------------------


@pytest.fixture
def octo(request: pytest.FixtureRequest, tmp_path: Path, free_port: Callable[[], int]) -> Octo:
    return Octo(SAMPLES / f"{request.param}.yaml", tmp_path, free_port)


def test_every_sample_has_a_scenario():
    """A new sample is finished only when a scenario here runs it."""
    assert sorted(SCENARIOS) == NAMES


@pytest.mark.parametrize("octo", NAMES, indirect=True)
def test_check_accepts(octo: Octo):
    """`octo check` finds no problem and no warning."""
    done = octo.run("check", str(octo.sample))

    assert (done.returncode, done.stderr) == (0, "")


LESSONS = sorted(str(path.relative_to(SAMPLES)) for path in SAMPLES.glob("first-week/*.yaml"))


@pytest.mark.parametrize("lesson", [name for name in LESSONS if not name.endswith("_test.yaml")])
def test_lesson_is_checked_and_tested(lesson: str, tmp_path: Path, free_port: Callable[[], int]):
    """A sample of the first week says how to try it, has no warning, and its suite passes."""
    octo = Octo(SAMPLES / lesson, tmp_path, free_port)
    head = octo.sample.read_text().split("\nservice:")[0]
    checked, tested = octo.run("check", str(octo.sample)), octo.run("test", str(octo.sample))

    assert [line for line in head.splitlines() if line.startswith("#   $ ")] != []
    assert (checked.returncode, checked.stderr) == (0, "")
    assert (tested.returncode, "0 failed, 0 errored, 0 skipped" in tested.stdout) == (0, True), tested.stdout


@pytest.mark.parametrize("octo", NAMES, indirect=True)
def test_sample_keeps_its_promise(octo: Octo):
    """The sample does what its comments say."""
    SCENARIOS[octo.sample.stem](octo)


def test_db_orders_on_postgres(tmp_path: Path, free_port: Callable[[], int]):
    """The same flow runs on PostgreSQL, as its comments say: only two variables differ."""
    with Postgres.started() as server:
        dsn = server.dsn.replace("octo@", f"octo:{quote(PASSWORD, safe='')}@")
        db_orders(Octo(SAMPLES / "db-orders.yaml", tmp_path, free_port, {"DB_DRIVER": "postgres", "DB_DSN": dsn}))


@pytest.mark.parametrize("name", NAMES)
def test_sample_says_how_to_try_it(name: str):
    """The comment at the top of a sample has a command to paste; `make run` prints it."""
    head = (SAMPLES / f"{name}.yaml").read_text().split("\nservice:")[0]

    assert [line for line in head.splitlines() if line.startswith("#   $ ")] != []
