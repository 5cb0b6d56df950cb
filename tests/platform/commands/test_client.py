"""What becomes of a request that fails: it is sent again where that does no harm, or told in one line."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from octo_platform.commands import client as module
from octo_platform.commands.client import Client, Refused, Unreachable
from octo_platform.commands.credentials import Server

Answer = tuple[int, dict[str, str], object]


class Stand:
    """A server that answers what it is told, in turn; the last one again and again. None closes the connection."""

    def __init__(self, *answers: Answer | None) -> None:
        self.answers = [*answers]
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []


@pytest.fixture
def stand() -> Iterator[Callable[..., Any]]:
    with standing() as start:
        yield start


@contextmanager
def standing() -> Iterator[Callable[..., tuple[Stand, Client]]]:
    running: list[ThreadingHTTPServer] = []
    clients: list[Client] = []

    def start(*answers: Answer | None, tls: ssl.SSLContext | None = None) -> tuple[Stand, Client]:
        found = Stand(*answers)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(found))
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(server)
        scheme = "https" if tls else "http"
        clients.append(Client(Server(f"{scheme}://127.0.0.1:{server.server_port}", "octo_secret"), timeout=5))
        return found, clients[-1]

    yield start
    for each in clients:
        each.__exit__()
    for server in running:
        server.shutdown()
        server.server_close()


def handler(stand: Stand) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            stand.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            answer = stand.answers.pop(0) if len(stand.answers) > 1 else stand.answers[0]
            if answer is None:
                self.close_connection = True
                return
            status, headers, content = answer
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        for _method in ("GET", "POST", "PUT", "DELETE"):
            locals()[f"do_{_method}"] = _any

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError, ssl.SSLError):
                super().handle()

    return Handler


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(module, "_PAUSES", (0.0, 0.0, 0.0, 0.0))


def problem(code: str, status: int, **more: object) -> Answer:
    body = {"type": f"urn:octo:problem:{code}", "title": "A title", "status": status, "code": code, **more}
    return status, {"Content-Type": "application/problem+json"}, body


BUSY = problem("busy", 503)
GOOD: Answer = (200, {"Content-Type": "application/json"}, {"ok": True})


def test_a_request_shows_the_key_and_goes_below_the_api(stand):
    server, client = stand(GOOD)

    assert client.get("/workspaces", limit=3) == {"ok": True}
    [(method, path, headers, _)] = server.asked
    assert (method, path) == ("GET", "/api/v1/workspaces?limit=3")
    assert headers["authorization"] == "Bearer octo_secret"


@pytest.mark.parametrize("first", [BUSY, (502, {}, b"bad gateway"), problem("under-way", 409), None])
def test_a_post_is_sent_again_with_the_same_key(stand, first):
    server, client = stand(first, first, GOOD)

    assert client.post("/workspaces", {"name": "shop"}, etag='"r1"').json() == {"ok": True}
    assert len(server.asked) == 3
    assert len({headers["idempotency-key"] for _, _, headers, _ in server.asked}) == 1
    assert {body for *_, body in server.asked} == {b'{"name":"shop"}'}
    assert server.asked[0][2]["if-match"] == '"r1"'


def test_a_write_that_may_have_happened_is_not_sent_again(stand):
    server, client = stand(None, GOOD)

    with pytest.raises(Unreachable):
        client.send("PUT", "/x", content=b"")
    assert len(server.asked) == 1


def test_what_stays_busy_is_told_in_the_end(stand):
    server, client = stand(BUSY)

    with pytest.raises(Refused, match="busy: A title"):
        client.get("/x")
    assert len(server.asked) == 5


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (problem("in-use", 409, detail="it is deployed as orders"), "in-use: it is deployed as orders"),
        (
            problem("not-signed-in", 401),
            f"not-signed-in: A title\n{module._KEY_HINT}",
        ),
        (
            problem(
                "flow-problems", 422, problems=[{"file": "a", "line": 3, "column": 2, "message": "no", "hint": "b"}]
            ),
            "flow-problems: A title\n  a:3:2: no\n      b",
        ),
        (
            problem("flow-problems", 422, detail="see", problems=[{"file": "a.yaml", "line": 3, "message": "no"}]),
            "flow-problems: A title\n  a.yaml:3: no",
        ),
        ((404, {}, b"<html>"), "{url} answered 404, and not as a platform of Octo does"),
        (
            (302, {"Location": "https://login.example/?x"}, b""),
            "{url} answered 302 to https://login.example/?x, and not as a platform of Octo does",
        ),
        ((200, {"Content-Type": "text/html"}, b"<html>"), "{url} answers with a page, and is no platform of Octo"),
        ((500, {}, ["x"]), "{url} answered 500, and not as a platform of Octo does"),
    ],
)
def test_what_is_refused_is_told(stand, answer, told):
    _, client = stand(answer)

    with pytest.raises(Refused) as refused:
        client.get("/x")
    assert refused.value.message == told.format(url=client.url)


def test_nobody_listens(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Client(Server(url, None)) as client, pytest.raises(Unreachable) as told:
            client.get("/x")

    assert told.value.message == f"{url} cannot be reached: Connection refused; is `octo platform` running?"


def test_without_a_key_one_has_to_sign_in(stand):
    _, client = stand(problem("not-signed-in", 401))
    with Client(Server(client.url, None)) as nobody, pytest.raises(Refused, match=f"sign in: octo login {client.url}"):
        nobody.get("/x")


def test_who_speaks_no_tls_is_told_so(stand):
    _, client = stand(GOOD)
    url = client.url.replace("http:", "https:")
    with Client(Server(url, None)) as wrong, pytest.raises(Unreachable) as told:
        wrong.get("/x")

    assert told.value.message == f"{url} does not speak TLS; if it is meant to be so: {client.url}"


def test_a_certificate_that_is_not_trusted_is_told_at_once(stand, certificate):
    server, client = stand(GOOD, tls=certificate)

    with pytest.raises(Unreachable, match=r"the certificate of https://127.0.0.1:\d+ is not to be trusted: self"):
        client.get("/x")
    assert server.asked == []


@pytest.fixture
def certificate(tmp_path) -> ssl.SSLContext:
    """One that nobody has signed but itself."""
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now.replace(year=2100))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "both.pem").write_bytes(text + made)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    return context


def test_all_pages_of_a_list(stand):
    server, client = stand(
        (200, {}, {"items": [{"n": 1}], "next": "c2"}), (200, {}, {"items": [{"n": 2}], "next": None})
    )

    assert [each["n"] for each in client.pages("/x")] == [1, 2]
    assert [path for _, path, *_ in server.asked] == ["/api/v1/x?limit=200", "/api/v1/x?limit=200&cursor=c2"]
