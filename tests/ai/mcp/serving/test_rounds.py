"""Who calls, and what a chain is told of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from octo.ai.mcp.serving.rounds import caller, principal
from octo.core.message import Message


def context(**variables):
    return SimpleNamespace(lifespan_context=Message(None, variables))


def test_the_caller_of_a_router_is_who_the_flow_says():
    assert principal(context(sub="ada")) == "ada"
    assert principal(context()) is None


@pytest.fixture
def token():
    given = AccessToken(token="t", client_id="c", scopes=[], subject="ada", claims={"sub": "ada", "org": "shop"})
    reset = auth_context_var.set(AuthenticatedUser(given))
    yield
    auth_context_var.reset(reset)


@pytest.mark.usefixtures("token")
def test_the_caller_with_a_token_is_who_that_says():
    assert principal(context(sub="eve")) == "ada"
    assert caller(context()).vars == {"jwt": {"sub": "ada", "org": "shop"}, "sub": "ada"}
