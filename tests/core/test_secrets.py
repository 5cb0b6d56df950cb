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
from octo.core.secrets import mask, masked, named


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    monkeypatch.setattr(secrets, "_secrets", {})
    monkeypatch.setattr(secrets, "_names", {})


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
        lambda text: repr(text.encode()),
        lambda text: repr(text.replace('"', "").encode()),
        lambda text: text.replace("'", "''"),
        lambda text: text.replace('"', '""'),
        lambda text: text.encode().hex(),
        lambda text: text.encode().hex().upper(),
    ],
)
def test_a_secret_is_masked_however_it_is_written(write):
    mask(NASTY)
    mask(NASTY.replace('"', ""))

    shown = masked(f"<{write(NASTY)}>")

    assert "back" not in shown
    assert b"back".hex() not in shown.lower()
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


@pytest.mark.parametrize("write", [json.dumps, ascii, str, lambda text: json.dumps(json.dumps(text))])
def test_a_character_that_takes_two_units_of_utf_16_is_one_of_a_secret(write):
    mask("hunter\U0001f600word")
    assert "word" not in masked(write("hunter\U0001f600word"))


def test_what_only_looks_like_a_secret_stays():
    mask("Hunter\n2")
    assert masked("Huntern2 hunter\n2 Hunter2") == "Huntern2 hunter\n2 Hunter2"


@pytest.mark.parametrize("secret", ["\\" * 30 + "a", "'" * 40, "\\'" * 30 + "word", "% " * 30 + "x", "&" * 20 + "amp"])
def test_no_text_takes_long_to_search(secret):
    """A repetition inside of another over the same characters would take for ever, and the test with it."""
    mask(secret)
    word = max(re.findall("[A-Za-z0-9]*", secret), key=len)
    for nearly in (secret[:-1] + "?", "\\" * 25 + "?", "%25" * 30, "&amp;" * 15 + "?", "' \\"):
        text = nearly * 200 + word

        assert masked(text) == text


LINES = ("-----BEGIN KEY-----", "i2WqFCPYgb1BWaCUo85bbI8ynBboCFoo", "xCGXHzFbcT+LzkG/XI3oG8KDrJ9aY04V", "short")
KEY = "\n".join((*LINES, "-----END KEY-----", ""))


@pytest.mark.parametrize(
    "write",
    [
        lambda key: key.replace("\n", "\r\n"),
        lambda key: key.replace("\n", " "),
        lambda key: key.replace("\n", ""),
        lambda key: key.replace("\n", "\n  | "),
        lambda key: f"cannot read this line: {key.splitlines()[1]}, nor {quote(key.splitlines()[2], safe='')}",
        str.strip,
    ],
)
@pytest.mark.parametrize(
    "secret", [KEY, KEY.replace("\n", "\r\n"), json.dumps({"type": "account", "private_key": KEY})]
)
def test_each_line_of_a_key_is_a_secret(write, secret):
    """An error may tell one of them, and what writes the key may end its lines otherwise, or unpack it from JSON."""
    mask(secret)

    shown = masked(write(KEY))

    assert "i2WqFC" not in shown
    assert "xCGXHz" not in shown
    assert "«secret»" in shown


def test_short_lines_of_a_secret_are_left_alone():
    mask("{\n  default\n  a line of some length\n}")
    assert masked("default {} a line of some length") == "default {} «secret»"


@pytest.mark.parametrize("password", ["hunter22", "p%40ss%3Aword"])
def test_the_password_of_an_address_is_a_secret_by_itself(password):
    mask(f"postgres://user:{password}@db.example/orders")
    plain = password.replace("%40", "@").replace("%3A", ":")
    basic = b64encode(f"user:{plain}".encode()).decode()

    shown = masked(f"authentication failed: {plain} {basic} user db.example")

    assert shown.startswith("authentication failed: «secret» ")
    assert basic not in shown
    assert shown.endswith(" user db.example")


def test_a_secret_is_compiled_once(monkeypatch):
    """Each reload masks all secrets again, and a configuration may have hundreds."""
    compiled, compile_ = [], re.compile

    def counted(pattern):
        compiled.append(pattern)
        return compile_(pattern)

    monkeypatch.setattr(secrets.re, "compile", counted)
    for number in [*range(20), *range(20)]:
        mask(f"a-secret-{number:02}")

    assert len(compiled) == len(set(compiled))
    assert max(map(len, compiled)) < 20 * min(map(len, compiled))


def test_the_mark_of_one_secret_is_not_searched_for_another():
    mask("secret")
    mask("hunter22")
    assert masked("hunter22 secret") == "«secret» «secret»"


def test_a_name_tells_one_secret_from_another():
    mask("hunter2-of-the-bank", "BANK_KEY")
    mask("hunter2")
    mask("BANK_KEY", "NAME")

    assert named("hunter2-of-the-bank, hunter2, BANK_KEY") == "«secret:BANK_KEY», «secret», «secret:NAME»"
    assert named(b64encode(b"me:hunter2-of-the-bank").decode()).count("«secret:BANK_KEY»") == 1
    assert named("nothing") == "nothing"


def test_a_secret_gets_its_name_late():
    mask("hunter2-of-the-bank")
    mask("hunter2-of-the-bank", "BANK_KEY")

    assert named("hunter2-of-the-bank") == "«secret:BANK_KEY»"
    assert masked("hunter2-of-the-bank") == "«secret»"
