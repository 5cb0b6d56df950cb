"""The settings that authors may write, and the messages for those they may not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.connectors.http import Route, Server
from octo.connectors.http.settings import Cors


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"path": "x"}, "starts with a slash"),
        ({"path": "/{method}"}, "cannot be called `method`"),
        ({"path": "/{query}"}, "cannot be called `query`"),
        ({"path": "/{id}", "headers": ["id"]}, "set both by the path and by `headers`"),
        ({"path": "/x", "rawBodyVar": "query"}, "set both by the request itself"),
        ({"path": "/x", "methods": ["GTE"]}, "did you mean GET"),
        ({"path": "/x", "methods": []}, "at least 1"),
        ({"path": "/x", "headers": ["a b"]}, "not a header name"),
        ({"path": "/x", "responseHeaders": ["Content-Type"]}, "written by the connector itself"),
        ({"path": "/x", "responseHeaders": ["Transfer-Encoding"]}, "written by the connector itself"),
        ({"path": "/x", "maxBodyBytes": -1}, "greater than or equal to 0"),
        ({"path": "/x", "pth": "/y"}, "Extra inputs"),
    ],
)
def test_route_refuses(settings, why):
    """A mistake is found when the flow is built."""
    with pytest.raises(ValidationError, match=why):
        Route.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"port": 65536}, "65535"),
        ({"basePath": "/a/{x}"}, "plain text"),
        ({"responseHeaders": {"X": "a\r\nb"}}, "control characters"),
        ({"cors": {"allowedOrigins": ["*", "http://a"]}}, "alone"),
        ({"maxConcurrentRequests": 0}, "greater than or equal to 1"),
        ({"maxHeaderBytes": 100}, "8192"),
        ({"tls": {"cert": "a.pem"}}, "Field required"),
    ],
)
def test_server_refuses(settings, why):
    """A mistake is found before a port is opened."""
    with pytest.raises(ValidationError, match=why):
        Server.model_validate(settings)


def test_lower_case_methods_are_meant():
    """The letter case does not matter."""
    assert Route.model_validate({"path": "/x", "methods": ["get", "Post"]}).methods == ["GET", "POST"]


@pytest.mark.parametrize(("written", "meant"), [("", ""), ("/", ""), ("api", "/api"), ("/api/v1/", "/api/v1")])
def test_base_path_gets_its_slash_in_front_and_none_behind(written, meant):
    """However it is written."""
    assert Server.model_validate({"basePath": written}).base_path == meant


@pytest.mark.parametrize(("written", "seconds"), [(600, 600), ("600", 600), ("10m", 600), ("1h30m", 5400), (0, 0)])
def test_the_age_of_a_preflight_is_seconds_or_a_duration(written, seconds):
    assert Cors.model_validate({"allowedOrigins": ["*"], "maxAge": written}).max_age == seconds


def test_an_age_that_is_neither_is_refused():
    with pytest.raises(ValidationError, match="not a duration"):
        Cors.model_validate({"allowedOrigins": ["*"], "maxAge": "soon"})


def test_openapi_true_is_told_to_be_a_path():
    with pytest.raises(ValidationError, match="this is the path of a page"):
        Server.model_validate({"openapi": True})


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/a/:id", "a parameter is `{id}`"),
        ("/a/<int:id>/b", "a parameter is `{id}`"),
        ("/a/*", "`{rest...}` takes all segments that follow"),
        ("/a/{id}", None),
        ("/v1:batch", None),
    ],
)
def test_a_parameter_as_other_servers_write_it_is_told_to_be_a_text(path, hint):
    assert [each[2] for each in Route(path=path).advice()] == ([hint] if hint else [])
