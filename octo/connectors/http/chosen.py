"""The headers that a flow chooses for its response: from variables, from expressions, and cookies."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Self

from octo.connectors.http import sources
from octo.connectors.http.cookies import Setter
from octo.connectors.http.response import line, lines
from octo.core.log import fields
from octo.core.message import Message

Headers = list[tuple[str, str]]
log = logging.getLogger("octo.http")


class Chosen:
    """The headers that one route declares."""

    def __init__(self, route: sources.Route, flow: str) -> None:
        self._flow = flow
        given = route.response_headers
        self._variables = [(name, name.lower()) for name in given] if isinstance(given, list) else []
        self._expressions = [(name.lower(), each) for name, each in given.items()] if isinstance(given, dict) else []
        self._cookies = [Setter(name, cookie) for name, cookie in route.set_cookies.items()]

    @classmethod
    def of(cls, route: sources.Route, flow: str) -> Self | None:
        """Return the headers of a route, None if it declares none."""
        return cls(route, flow) if route.response_headers or route.set_cookies else None

    def headers(self, message: Message) -> Headers:
        """Return the headers; what is no single line of text is left out. Raises `ExprError`."""
        return [*self._from_values(message), *self._from_cookies(message)]

    def _from_values(self, message: Message) -> Iterator[tuple[str, str]]:
        values = [(name, header, message.vars.get(name)) for name, header in self._variables]
        values += [(header, header, expression(message)) for header, expression in self._expressions]
        for name, header, value in values:
            found = lines(value)
            if None in found:
                extra = fields(flow=self._flow, variable=name, event_id=message.event_id)
                log.warning("value left out of the response headers: it is not a single line of text", extra=extra)
            yield from ((header, each) for each in found if each is not None)

    def _from_cookies(self, message: Message) -> Iterator[tuple[str, str]]:
        for cookie in self._cookies:
            value = cookie.value(message)
            if value is None:
                continue
            text = line(value)
            written = None if text is None else cookie.line(text)
            if written is None:
                extra = fields(flow=self._flow, cookie=cookie.name, event_id=message.event_id)
                log.warning("cookie left out of the response: it cannot have this value", extra=extra)
            else:
                yield "set-cookie", written
