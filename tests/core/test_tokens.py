"""Tokens: accepted only if an issuer that is trusted has signed them, for us, and they have not expired."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from contextlib import contextmanager

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from octo.core import tokens
from octo.core.errors import Permanent, Transient
from octo.core.tokens import Fetched, Fixed, Refused, Trust, bearer, challenge, claims, is_safe

PRIVATE = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())


def pem(key) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form).decode()


def signed(key=PRIVATE, algorithm="ES256", kid="one", **more) -> str:
    said = {"sub": "ada", "iss": "https://issuer", "aud": "me", "exp": time.time() + 60} | more
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, algorithm, {"kid": kid})


def key_set(*keys) -> dict[str, object]:
    made = [(kid, json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))) for kid, key in keys]
    return {"keys": [{**each, "kid": kid} for kid, each in made]}


@contextmanager
def issuer(documents):
    """An issuer that gives these documents, and counts who asks."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            found = documents.get(self.path)
            data = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(404 if found is None else 302 if found == b"elsewhere" else 200)
            self.send_header("Location", "/keys")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        documents.setdefault("/keys", key_set(("one", PRIVATE)))
        url = f"http://127.0.0.1:{server.server_port}"
        documents.setdefault("/.well-known/openid-configuration", {"jwks_uri": f"{url}/keys"})
        yield url, asked
        server.shutdown()


TRUST = Trust("https://issuer", "me")


async def test_a_token_says_who_its_bearer_is():
    found = await claims(signed(), Fixed(pem(PRIVATE)), TRUST)

    assert (found["sub"], found["iss"]) == ("ada", "https://issuer")


@pytest.mark.parametrize(
    "token",
    [
        signed(OTHER),
        signed(iss="https://other"),
        signed(aud="other"),
        signed(aud=None),
        signed(exp=time.time() - 60),
        signed(exp=None),
        signed(nbf=time.time() + 120),
        jwt.encode({"sub": "ada", "exp": time.time() + 60}, None, "none"),
        jwt.encode({"sub": "ada", "exp": time.time() + 60}, "a secret that is shared and is long", "HS256"),
        signed(rsa.generate_private_key(65537, 2048), "RS256"),
        signed()[:-4] + "AAAA",
        "",
        "a.b.c",
        "é",
        "x" * 20_000,
    ],
    ids=range(15),
)
async def test_any_other_is_refused(token):
    with pytest.raises(Refused):
        await claims(token, Fixed(pem(PRIVATE)), TRUST)


async def test_a_public_key_is_no_shared_secret():
    """Who knows the public key, as everybody does, cannot sign with it."""

    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    body = part(b'{"alg":"HS256"}') + b"." + part(json.dumps({"sub": "eve", "exp": time.time() + 60}).encode())
    token = body + b"." + part(hmac.digest(pem(PRIVATE).encode(), body, hashlib.sha256))

    with pytest.raises(Refused):
        await claims(token.decode(), Fixed(pem(PRIVATE)), Trust())


async def test_keys_are_found_and_kept():
    with issuer({}) as (url, asked):
        keys = Fetched(url, is_issuer=True)
        for _ in range(3):
            await claims(signed(), keys, TRUST)

    assert asked == ["/.well-known/openid-configuration", "/keys"]


async def test_unknown_keys_do_not_make_it_ask_again_and_again():
    with issuer({}) as (url, asked):
        keys = Fetched(f"{url}/keys")
        for number in range(5):
            with pytest.raises(Refused):
                await claims(signed(OTHER, kid=f"k{number}"), keys, TRUST)

    assert asked == ["/keys"]


async def test_a_new_key_is_asked_for_after_a_while(monkeypatch):
    documents = {}
    monkeypatch.setattr(tokens, "_AGAIN", -1.0)
    with issuer(documents) as (url, _):
        keys = Fetched(f"{url}/keys")
        await claims(signed(), keys, TRUST)
        documents["/keys"] = key_set(("one", PRIVATE), ("two", OTHER))
        keys._at -= 2

        assert (await claims(signed(OTHER, kid="two"), keys, TRUST))["sub"] == "ada"


@pytest.mark.parametrize(
    "document",
    [None, b"elsewhere", b"<html>", b"[" * 100_000, [], {"keys": 4}, {"keys": [4, {}, {"kty": "oct", "k": "AA"}]}],
)
async def test_without_keys_no_token_is_accepted(document):
    with issuer({"/some": document}) as (url, _), pytest.raises((Refused, Transient)):
        await claims(signed(), Fetched(f"{url}/some"), TRUST)


async def test_an_issuer_that_does_not_answer_is_a_failure_that_may_pass(port):
    with pytest.raises(Transient, match="the keys of the issuer") as error:
        await claims(signed(), Fetched(f"http://127.0.0.1:{port}/keys"), TRUST)

    assert error.value.code == tokens.NO_KEYS


async def test_an_issuer_that_fails_is_asked_once_for_all_tokens_that_wait(monkeypatch):
    """Whoever sends many tokens takes no thread from the rest of the process meanwhile."""
    asked, threads, fails = [], [], threading.Event()

    def document(url):
        asked.append(url)
        threads.append(threading.current_thread().name)
        fails.wait(10)
        raise Transient("away", code=tokens.NO_KEYS)

    monkeypatch.setattr(tokens, "_document", document)
    keys = Fetched("https://issuer/keys")

    async def ask() -> None:
        with pytest.raises(Transient, match="away"):
            await claims(signed(), keys, TRUST)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(100):
            tasks.create_task(ask())
        while not asked:
            await asyncio.sleep(0)
        await asyncio.to_thread(fails.set)

    assert len(asked) == 1
    assert "octo-keys" in threads[0]


async def test_keys_do_not_come_over_a_line_that_others_can_change():
    documents = {"/.well-known/openid-configuration": {"jwks_uri": "http://keys.example/keys"}}
    with issuer(documents) as (url, _), pytest.raises(Transient, match="not https"):
        await claims(signed(), Fetched(url, is_issuer=True), TRUST)


def test_a_key_that_is_none_is_refused():
    with pytest.raises(Permanent) as error:
        Fixed("-----BEGIN PUBLIC KEY-----\nnope\n-----END PUBLIC KEY-----")

    assert error.value.code == tokens.BAD_KEY


@pytest.mark.parametrize(
    ("header", "token"), [("Bearer a.b", "a.b"), ("bearer  a.b ", "a.b"), ("a.b", "a.b"), ("Basic a", ""), ("", "")]
)
def test_the_token_of_a_header(header, token):
    assert bearer(header) == token


def test_challenges():
    assert challenge() == "Bearer"
    assert challenge("https://a/b") == 'Bearer resource_metadata="https://a/b"'
    assert challenge("https://a/b", is_invalid=True) == 'Bearer error="invalid_token", resource_metadata="https://a/b"'


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a", True),
        ("http://localhost:1/x", True),
        ("http://[::1]/x", True),
        ("http://a", False),
        ("file:///x", False),
        ("http://[", False),
    ],
)
def test_addresses(url, safe):
    assert is_safe(url) is safe
