"""Secrets: masked in every form in which they may be printed."""

from __future__ import annotations

import html
import json
import re
import shlex
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree as ET
from xml.sax import saxutils

import orjson
import pytest
from yarl import URL

from octo.core import secrets
from octo.core.secrets import mask, masked


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    monkeypatch.setattr(secrets, "_secrets", {})
    monkeypatch.setattr(secrets, "_pattern", None)


NASTY = "quo\"te's back\\slash/ <é&+>"


@pytest.mark.parametrize(
    "write",
    [
        str,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: orjson.dumps({"a": text}).decode(),
        lambda text: json.dumps(json.dumps(text)),
        lambda text: json.dumps(json.dumps(text, ensure_ascii=False)),
        lambda text: orjson.dumps(orjson.dumps(text).decode()).decode(),
        repr,
        lambda text: repr(f"{text}'"),
        lambda text: repr(text.replace('"', "")) + repr(text),
        lambda text: json.dumps(repr(text), ensure_ascii=False),
        lambda text: repr(json.dumps(text)),
        quote,
        lambda text: quote(text, safe=""),
        quote_plus,
        lambda text: str(URL("http://host") / text),
        shlex.quote,
        saxutils.escape,
        saxutils.quoteattr,
        html.escape,
        lambda text: ET.tostring(ET.Element("a", b=text), "unicode"),
        lambda text: quote(quote(quote(text))),
        lambda text: html.escape(html.escape(text)),
        lambda text: text.replace("'", "&#39;").replace('"', "&#34;"),
        lambda text: json.dumps(json.dumps(json.dumps(text))),
        lambda text: repr(repr(repr(text))),
        lambda text: json.dumps(quote(text)).replace("%", "\\u0025"),
        lambda text: json.dumps(text).replace("/", "\\/"),
    ],
)
def test_a_secret_is_masked_however_it_is_written(write):
    mask(NASTY)
    mask(NASTY.replace('"', ""))

    shown = masked(f"<{write(NASTY)}>")

    assert "back" not in shown
    assert "«secret»" in shown


@pytest.mark.parametrize("secret", ["\"'\"'\"'", "éééééé", "\ud800\udc00\ud800 half"])
def test_a_secret_without_a_letter_is_masked_too(secret):
    mask(secret)
    assert masked(f"<{secret}>") == "<«secret»>"
    assert masked(json.dumps(secret)) == '"«secret»"'


def test_short_secrets_are_left_alone():
    """Masking three letters would make the log unreadable, and reveal the secret."""
    mask("root")
    assert masked("root cause") == "root cause"


def test_the_longer_of_two_secrets_wins():
    """When a secret begins with another secret, no end of it stays visible."""
    mask("hunter2")
    mask("hunter2-and-more")
    assert masked("x hunter2-and-more y hunter2 z") == "x «secret» y «secret» z"


def test_five_characters_are_left_alone_and_six_are_a_secret():
    mask("12345")
    mask("123456")
    assert masked("12345 123456") == "12345 «secret»"


@pytest.mark.parametrize("user", ["", "u", "us", "user", "a much longer name"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("secret", ["hunter22", NASTY, "p@ss/w:rd 123", "\xff\xfe\xfd\xfc\xfb\xfa"])
def test_a_secret_inside_of_base64_is_masked(user, encode, secret):
    """As HTTP Basic sends it, and as Kubernetes keeps it; but not more than what is made of the secret."""
    mask(secret)
    text = encode(f"{user}:{secret}:after".encode()).decode()

    shown = masked(f"Authorization: Basic {text}")

    left = shown.replace("«secret»", "")
    assert "«secret»" in shown
    assert len(left) <= len(f"Authorization: Basic {text}") - (len(secret.encode()) * 8 // 6 - 2)
    assert left.startswith("Authorization: Basic ")


def test_what_only_looks_like_a_secret_stays():
    mask("Hunter\n2")
    assert masked("Huntern2 hunter\n2 Hunter2") == "Huntern2 hunter\n2 Hunter2"


@pytest.mark.parametrize("secret", ["\\" * 30 + "a", "'" * 40, "\\'" * 30 + "word", "% " * 30 + "x", "&" * 20 + "amp"])
def test_no_text_takes_long_to_search(secret):
    """Counted in steps of the search: the pattern has no repetition inside of another over the same characters."""
    mask(secret)
    word = max(re.findall("[A-Za-z0-9]*", secret), key=len)
    for text in (secret[:-2] * 40 + word, "\\" * 5000 + word, "%25" * 3000 + word, "&amp;" * 2000 + word):
        assert masked(text) is not None
