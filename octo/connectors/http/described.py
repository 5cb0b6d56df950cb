"""Serve the OpenAPI document of a connector's routes, and a page of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any

from octo.connectors.http import openapi, page, response, settings, sources
from octo.connectors.http.call import Proto, Scope
from octo.connectors.http.cors import Cors
from octo.connectors.http.endpoint import Endpoint
from octo.connectors.http.gate import Gate
from octo.core import codec
from octo.core.deadline import Lift
from octo.core.flow import Ending
from octo.core.message import Message
from octo.core.partial import Receiver

Headers = list[tuple[str, str]]
Text = tuple[Headers, bytes]


class _Nobody:
    """An inlet without a flow."""

    flow = connector = description = service = ""
    input: Mapping[str, object] | None = None

    def call(
        self,
        message: Message,
        timeout: float | None = None,  # noqa: ARG002  of `Inlet`
        partial: Receiver | None = None,  # noqa: ARG002
        lift: Lift | None = None,  # noqa: ARG002
    ) -> Ending | Awaitable[Ending]:
        return message


class Page(Endpoint):
    """Answers with a text that is made anew when the routes have changed. Credentials are those of the connector."""

    def __init__(
        self, server: settings.Server, path: str, make: Callable[[], Text], gate: Gate, cors: Cors | None
    ) -> None:
        super().__init__(server, sources.Route(path=path, methods=["GET"]), _Nobody(), gate, cors)
        self._make = make
        self._text: Text | None = None

    def forget(self) -> None:
        """Make the text anew when it is asked for."""
        self._text = None

    def serve(self, scope: Scope, proto: Proto, values: tuple[str, ...]) -> Coroutine[Any, Any, None] | None:
        del values
        headers = self.headers(scope.headers)
        if self._known(scope, proto, headers) is None:
            return None
        try:
            own, body = self._text = self._text or self._make()
        except Exception as error:  # noqa: BLE001  the caller gets a response after any error
            response.failed(proto, error, Message(), headers)
            return None
        proto.response_bytes(200, [*own, ("cache-control", "no-cache"), *headers], body)
        return None


def pages(
    server: settings.Server,
    routes: Callable[[], Iterable[openapi.Described]],
    title: str,
    origin: str,
    gate: Gate,
    cors: Cors | None,
) -> list[Page]:
    """Return what the connector's settings ask for: the document, the page, or both."""

    def document() -> dict[str, Any]:
        return openapi.document(title, server.api_version, routes())

    def as_json() -> Text:
        return [("content-type", "application/json")], codec.write(document(), indent=True)

    def as_html() -> Text:
        source = f"{server.base_path}{server.openapi}" if server.openapi else ""
        headers = [("content-type", "text/html; charset=utf-8"), ("content-security-policy", page.POLICY)]
        return [*headers, ("x-content-type-options", "nosniff")], page.page(document(), source, origin)

    wanted = [(server.openapi, as_json), (server.docs, as_html)]
    return [Page(server, path, make, gate, cors) for path, make in wanted if path]
