"""jwt-validate lets pass who has a token, and answers everybody else with 401 and a challenge."""

from __future__ import annotations

import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from octo.builtin import plugins
from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.testing import running

KEY = ed25519.Ed25519PrivateKey.generate()
PEM = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
METADATA = "https://api.example/.well-known/oauth-protected-resource"


def flow(**settings) -> str:
    given = {"mode": "inline", "publicKey": PEM, "audience": "me", "resourceMetadataUrl": METADATA} | settings
    text = "".join(f"          {name}: {json.dumps(value)}\n" for name, value in given.items())
    return (
        "flows:\n  - name: f\n    process:\n      - type: jwt-validate\n        settings:\n"
        f'{text}      - {{type: set-payload, value: \'{{"sub": vars.sub, "scope": vars.jwt.scope}}\'}}\n'
    )


def token(**more) -> str:
    return jwt.encode({"sub": "ada", "aud": "me", "scope": "read", "exp": time.time() + 60} | more, KEY, "EdDSA")


async def test_who_has_a_token_passes():
    async with running(flow()) as app:
        message = await app.call("f", None, {"Authorization": f"Bearer {token()}"})

    assert message.body == {"sub": "ada", "scope": "read"}


async def test_the_key_may_be_a_file(tmp_path):
    (tmp_path / "issuer.pem").write_text(PEM)
    (tmp_path / "flow.yaml").write_text(flow(publicKey="", publicKeyResource="issuer.pem"))
    async with running(tmp_path / "flow.yaml") as app:
        message = await app.call("f", None, {"Authorization": token()})

    assert message.body["sub"] == "ada"


@pytest.mark.parametrize(
    ("given", "challenge"),
    [
        ({}, f'Bearer resource_metadata="{METADATA}"'),
        ({"Authorization": "Basic abc"}, f'Bearer resource_metadata="{METADATA}"'),
        (
            {"Authorization": f"Bearer {token(aud='x')}"},
            f'Bearer error="invalid_token", resource_metadata="{METADATA}"',
        ),
    ],
)
async def test_who_has_none_is_refused(given, challenge):
    async with running(flow()) as app:
        message = await app.call("f", "body", given)

    assert message.body == {"error": "unauthorized"}
    assert (message.vars["httpStatus"], message.vars["WWW-Authenticate"]) == (401, challenge)
    assert "sub" not in message.vars


async def test_the_challenge_can_be_left_out():
    async with running(flow(disableWwwAuthenticate=True, rejectStatus=403)) as app:
        message = await app.call("f")

    assert (message.vars["httpStatus"], "WWW-Authenticate" in message.vars) == (403, False)


async def test_an_issuer_that_cannot_be_reached_lets_nobody_pass(port):
    """A message without a token is refused without asking; one with a token fails."""
    text = flow(mode="discover", issuer=f"http://127.0.0.1:{port}", publicKey="")
    async with running(text) as app:
        refused = await app.call("f")
        with pytest.raises(Failure, match="the keys of the issuer"):
            await app.call("f", None, {"Authorization": f"Bearer {token()}"})

    assert refused.vars["httpStatus"] == 401


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mode": "discover"}, "needs `issuer`"),
        ({"mode": "jwks"}, "needs `jwksUrl`"),
        ({"publicKey": ""}, "needs `publicKey`"),
        ({"publicKey": "nope"}, "no key in PEM"),
        ({"publicKeyResource": "issuer.pem"}, "a key has one place"),
        ({"publicKey": "", "publicKeyResource": "issuer.pem"}, "write the key itself"),
        ({"mode": "discover", "issuer": "http://login.example"}, "not https"),
        ({"algorithms": ["HS256"]}, "'HS256' is not accepted"),
        ({"resourceMetadataUrl": 'https://a"b'}, "pattern"),
    ],
)
def test_mistakes_are_found_when_the_configuration_is_read(settings, said):
    with pytest.raises(ConfigError) as error:
        parse(flow(**settings), plugins(), {})

    assert said in str(error.value)
