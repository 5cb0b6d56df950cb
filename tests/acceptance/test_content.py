"""Whatever a body is, it comes out as it went in: through http, rest and http again, and through `octo invoke`."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import urllib.request
import zlib

import pytest

FLOWS = """
env: [{name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}
  - {name: upstream, type: http-client, settings: {baseURL: "http://127.0.0.1:${PORT}", maxResponseBytes: 8000000}}
flows:
  - name: relay
    source: {connector: web, type: http, settings: {path: /relay, rawBody: true, maxBodyBytes: 8000000}}
    process: [{name: send, type: rest, settings: {connector: upstream, method: POST, path: /back, body: body}}]
  - name: back
    source: {connector: web, type: http, settings: {path: /back, rawBody: true, maxBodyBytes: 8000000}}
    process: []
  - name: relay-json
    source: {connector: web, type: http, settings: {path: /relay-json}}
    process: [{name: send, type: rest, settings: {connector: upstream, method: POST, path: /back-json, body: body}}]
  - name: back-json
    source: {connector: web, type: http, settings: {path: /back-json}}
    process:
      - {type: set-variable, settings: {name: kept, value: body}}
      - {type: set-payload, value: vars.kept}
"""


def png(size: int) -> bytes:
    """A picture of noise, of at least this many bytes."""
    width, height = 512, -(-size // (512 * 3))
    dice = random.Random(9)
    rows = b"".join(b"\0" + dice.randbytes(width * 3) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


CONTENTS = {
    "a picture of a megabyte": ("image/png", png(1_000_000)),
    "a picture that is spooled": ("image/png", png(3_000_000)),
    "a table in ISO-8859-1": ("text/csv; charset=ISO-8859-1", "Käse;1,50\r\nWürze;2\r\n".encode("iso-8859-1")),
    "XML in UTF-16": ("application/xml; charset=utf-16", b"\xfe\xff" + '<?xml version="1.0"?><ä/>'.encode("utf-16-be")),
    "a table with a mark": ("text/csv", b"\xef\xbb\xbfa;b\r\n"),
    "text that is none": ("text/plain", b"\xff\xfe\xfd"),
}
NUMBERS = f'{{"big":{2**100},"fine":0.1234567890123456789,"far":1e400,"double":0.1,"whole":1}}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("content")
    (folder / "flow.yaml").write_text(FLOWS)
    return folder


@pytest.fixture
def served(octo, port, folder):
    octo("run", "--config", str(folder / "flow.yaml"), PORT=str(port))
    return f"http://127.0.0.1:{port}"


def post(url: str, data: bytes, kind: str) -> tuple[str, bytes]:
    request = urllib.request.Request(url, data, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.headers["Content-Type"], response.read()


def invoke(folder, url: str, *options: str) -> bytes:
    command = [sys.executable, "-m", "octo", "invoke", str(folder / "flow.yaml"), *options]
    environment = {"PORT": url.rpartition(":")[2], "PATH": ""}
    return subprocess.run(command, check=True, env=environment, capture_output=True, timeout=60).stdout


def test_every_content_comes_back_byte_for_byte(served, folder):
    """Its content type comes out unchanged, too."""
    for name, (kind, data) in CONTENTS.items():
        (folder / "in").write_bytes(data)
        options = ("--flow", "relay", "--data", f"@{folder / 'in'}", "--content-type", kind, "--raw")

        assert post(f"{served}/relay", data, kind) == (kind, data), name
        assert invoke(folder, served, *options) == data, name


def test_every_number_comes_back_digit_for_digit(served, folder):
    kind, data = post(f"{served}/relay-json", NUMBERS.encode(), "application/json")

    assert (kind, data.decode()) == ("application/json", NUMBERS)
    assert json.loads(data)["big"] == 2**100
    assert invoke(folder, served, "--flow", "relay-json", "--data", NUMBERS).decode() == f"{NUMBERS}\n"
