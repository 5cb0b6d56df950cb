"""What an author may write, and what is refused with what to do about it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.ai.mcp.client.settings import Server
from octo.core.secrets import masked

URL = {"url": "https://tools.test/mcp"}
CREDENTIALS = {"clientID": "c", "clientSecret": "s", "issuer": "https://login.test"}


@pytest.mark.parametrize(
    "written",
    [
        URL,
        {"command": "uvx", "args": ["server"], "env": {"A": "b"}, "inherit": ["C"], "cwd": "/tmp"},
        {**URL, "token": "t", "headers": {"X-Team": "blue"}, "proxy": "http://proxy.test:3128", "tls": {}},
        {**URL, "oauth": CREDENTIALS},
        {**URL, "oauth": {"grant": "authorization-code"}},
    ],
)
def test_what_an_author_may_write(written):
    Server.model_validate(written)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ({}, "write either `url` or `command`"),
        ({**URL, "command": "x"}, "write either `url` or `command`"),
        ({"url": "tools.test"}, "write an address such as"),
        ({"url": "https://user:pass@tools.test"}, "credentials do not belong into the address"),
        ({"command": "x", "token": "t"}, "`token` does not belong to a server with `command`"),
        ({**URL, "env": {"A": "b"}}, "`env` does not belong to a server with `url`"),
        ({"command": "x", "env": {"A=B": "c"}}, "'A=B' is no name of an environment variable"),
        ({**URL, "headers": {"X-Team": "a\nb"}}, "'X-Team' is no header"),
        ({**URL, "token": "t", "oauth": CREDENTIALS}, "set one of `token` and `oauth`"),
        ({**URL, "token": "t", "headers": {"authorization": "x"}}, "set one of `token` and `headers.Authorization`"),
        ({**URL, "oauth": {"clientID": "c"}}, "needs `clientID`, and either `clientSecret` or `key`"),
        ({**URL, "oauth": {**CREDENTIALS, "key": "k"}}, "needs `clientID`, and either `clientSecret` or `key`"),
        ({**URL, "oauth": {**CREDENTIALS, "issuer": ""}}, "needs `issuer`"),
        ({**URL, "oauth": {"grant": "authorization-code", "key": "k"}}, "`key` belongs to `client-credentials`"),
    ],
)
def test_what_is_refused(written, text):
    with pytest.raises(ValidationError, match=text):
        Server.model_validate(written)


def test_keys_in_headers_and_variables_are_masked():
    Server.model_validate({**URL, "headers": {"X-API-Key": "k3y-of-header"}})
    Server.model_validate({"command": "x", "env": {"DB_PASSWORD": "k3y-of-variable"}})

    assert masked("k3y-of-header and k3y-of-variable") == "«secret» and «secret»"
