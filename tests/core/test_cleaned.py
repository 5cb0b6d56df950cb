"""What must not be written down, and is not."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote_plus

import pytest
from hypothesis import given, strategies as st

from octo.core import secrets
from octo.core.cleaned import clean, names_secret
from octo.core.secrets import mask


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch):
    monkeypatch.setattr(secrets, "_secrets", {})
    monkeypatch.setattr(secrets, "_names", {})


CANARY = "canary/4711+äö?x"


@pytest.mark.parametrize(
    "written",
    [str, quote_plus, lambda text: b64encode(f"me:{text}".encode()).decode(), lambda text: text.encode().hex()],
)
@given(st.text(max_size=5), st.text(max_size=5))
def test_a_known_secret_is_never_left(written, before, behind):
    mask(CANARY, "KEY")
    text = written(CANARY)

    found = clean({f"{text}x": [f"{before}{text}{behind}", {"a": text}], "raw": f"{before}{text}".encode()})

    assert text not in repr(found)
    assert text.encode() not in found["raw"]
    assert "«secret:KEY»" in str(found)


def test_what_stands_under_a_key_that_names_a_secret_is_masked_everywhere_from_then_on():
    token = "a-token-that-the-server-made"

    assert clean({"access_token": token, "n": 1}) == {"access_token": "«secret:access_token»", "n": 1}
    assert clean(f"with {token}") == "with «secret:access_token»"
    assert clean({"password": "string", "token": ""}) == {"password": "«secret:password»", "token": ""}
    assert clean("a string") == "a string"


def test_numbers_may_be_secrets():
    mask("47114711", "PIN")

    assert clean({"pin": 47114711, "n": 4711, "yes": True}) == {"pin": "«secret:PIN»", "n": 4711, "yes": True}


@pytest.mark.parametrize(
    ("key", "is_one"),
    [
        ("access_token", True),
        ("X-Api-Key", True),
        ("apiKey", True),
        ("clientSecret", True),
        ("PASSWORD", True),
        ("token", True),
        ("nextPageToken", False),
        ("max_tokens", False),
        ("key", False),
        ("secretary", False),
    ],
)
def test_keys_that_name_secrets(key, is_one):
    assert names_secret(key) is is_one
