"""Cross-origin resource sharing: headers that say what pages of other origins may do."""

from __future__ import annotations

from octo.connectors.http import settings

Headers = list[tuple[str, str]]


class Cors:
    """The headers for one connector, prepared in advance: a request only looks up its origin."""

    def __init__(self, cors: settings.Cors) -> None:
        self._methods = {*cors.allowed_methods}
        self._any = cors.allowed_origins == ["*"]
        self._credentials: Headers = [("access-control-allow-credentials", "true")] if cors.allow_credentials else []
        self._exposed: Headers = _list("access-control-expose-headers", cors.exposed_headers)
        self._allowed_headers = ", ".join(cors.allowed_headers)
        self._max_age: Headers = [] if cors.max_age is None else [("access-control-max-age", str(cors.max_age))]
        self._allow_methods = ("access-control-allow-methods", ", ".join(cors.allowed_methods))
        # A shared cache must keep the responses to different origins apart, also those to requests without one.
        self._varies: Headers = [] if self._any and not cors.allow_credentials else [("vary", "Origin")]
        self._known = {} if self._any else {origin: self._for(origin) for origin in cors.allowed_origins}
        self._star = self._for("*")

    def headers(self, origin: str | None) -> Headers:
        """Return the headers of an ordinary response to a request from this origin."""
        if origin is None:
            return self._varies
        if not self._any:
            return self._known.get(origin, self._varies)
        return self._for(origin) if self._credentials else self._star

    def preflight(self, origin: str, method: str, asked: str | None) -> Headers:
        """Return the headers of the response to a preflight. Only `Vary` means that the request is not allowed."""
        vary = ("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
        if not (self._any or origin in self._known) or method not in self._methods:
            return [vary]
        headers = [each for each in self._for(origin if self._varies else "*") if each[0] != "vary"]
        allowed = self._allowed_headers or asked
        if allowed:
            headers.append(("access-control-allow-headers", allowed))
        return [*headers, self._allow_methods, *self._max_age, vary]

    def _for(self, origin: str) -> Headers:
        return [("access-control-allow-origin", origin), *self._credentials, *self._exposed, *self._varies]


def _list(name: str, values: list[str]) -> Headers:
    return [(name, ", ".join(values))] if values else []
