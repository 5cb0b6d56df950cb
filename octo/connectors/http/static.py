"""Files of a folder, served as they are: with entity tags, ranges and the right content type."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

from octo.connectors.http import conditions, files, response, settings, sources
from octo.connectors.http.attended import Disconnected, attended
from octo.connectors.http.call import Headers as Given, Proto, Scope
from octo.connectors.http.conditions import Part
from octo.connectors.http.cors import Cors
from octo.connectors.http.endpoint import OVERLOADED, Endpoint
from octo.connectors.http.files import File
from octo.connectors.http.gate import Gate
from octo.connectors.http.limit import TimeLimit
from octo.connectors.http.sending import PIECE, send
from octo.core.flow import Drop
from octo.core.message import Message
from octo.core.source import Inlet

Headers = list[tuple[str, str]]
INDEX = "index.html"
_NONE = re.compile(r"q\s*=\s*0(\.0{0,3})?")


class Static(Endpoint):
    """Answers with the files of a folder, each after a run of the flow, which may answer instead."""

    def __init__(
        self, server: settings.Server, static: sources.Static, inlet: Inlet, gate: Gate, cors: Cors | None
    ) -> None:
        super().__init__(server, static.route, inlet, gate, cors)
        self._static = static
        self._cache: Headers = [("cache-control", static.cache_control)] if static.cache_control else []

    def serve(self, scope: Scope, proto: Proto, values: tuple[str, ...]) -> Coroutine[Any, Any, None] | None:
        headers = self.headers(scope.headers)
        user = self._known(scope, proto, headers)
        if user is None:
            return None
        if not self._gate.admits(self.share):
            response.busy(proto, OVERLOADED, headers)
            return None
        return self._answer(scope, proto, values[-1] if values else "", headers, user)

    async def _answer(self, scope: Scope, proto: Proto, path: str, headers: Headers, user: str) -> None:
        message = self._message(scope, (path,), b"", _sent(headers, self._correlation), user)
        self._gate.enter(self.share)
        file = None
        try:
            file = await self._find(scope, proto, path, headers)
            if file is not None:
                outcome = await attended(_awaited(self._inlet.call(message, self._timeout)), proto)
                if isinstance(outcome, Drop):
                    response.refuse(proto, 404, "not found", headers)
                elif "httpStatus" not in outcome.vars:
                    await self._send(scope, proto, file, headers)
                elif (rest := self._write(proto, outcome, headers)) is not None:
                    await rest(self._gate.taking)
        except Disconnected:
            pass
        except Exception as error:  # noqa: BLE001  the caller gets a response after any error
            response.failed(proto, error, message, headers)
        finally:
            self._gate.leave(self.share)
            if file is not None:
                file.close()

    async def _find(self, scope: Scope, proto: Proto, path: str, headers: Headers) -> File | None:
        """Return the file; if there is none, answer and return None."""
        names = files.parts_of(path)
        folder = self._static.folder
        if names is not None:
            zipped = self._static.zipped and _takes_gzip(scope.headers)
            is_index = not path or path.endswith("/")
            found = await asyncio.to_thread(files.find, folder, [*names, INDEX] if is_index else names, zipped=zipped)
            if found is None and not is_index and await asyncio.to_thread(files.is_folder, folder, names):
                response.moved(proto, scope.path + "/", scope.query_string)
                return None
            if found is None and self._static.fallback and "text/html" in scope.headers.get("accept", ""):
                found = await asyncio.to_thread(files.find, folder, self._static.fallback.split("/"), zipped=zipped)
            if found is not None:
                return found
        response.refuse(proto, 404, "not found", headers)
        return None

    async def _send(self, scope: Scope, proto: Proto, file: File, headers: Headers) -> None:
        version, given = file.version, scope.headers
        headers = [
            *[each for each in headers if each[0] not in ("cache-control", "etag", "last-modified")],
            *self._cache,
            ("etag", version.tag),
            ("last-modified", version.date),
        ]
        if self._static.zipped:
            headers.append(("vary", "Accept-Encoding"))
        status = conditions.status(given, version)
        if status == 304:
            proto.response_empty(304, headers)
            return
        if status == 412:
            response.refuse(proto, 412, "precondition failed", headers)
            return
        part = conditions.part(given, version, file.size) if scope.method == "GET" else None
        if part == conditions.NOTHING:
            response.refuse(proto, 416, "range not satisfiable", [*headers, ("content-range", f"bytes */{file.size}")])
            return
        headers += [("content-type", file.kind), ("x-content-type-options", "nosniff"), ("accept-ranges", "bytes")]
        if file.encoding:
            headers.append(("content-encoding", file.encoding))
        if part is not None:
            status = 206
            headers.append(("content-range", f"bytes {part.first}-{part.end - 1}/{file.size}"))
        await _send(proto, status, headers, file, part or Part(0, file.size), self._gate.taking)


async def _send(proto: Proto, status: int, headers: Headers, file: File, part: Part, taking: TimeLimit) -> None:
    size = part.end - part.first
    if size <= PIECE:  # in one go, as most files
        data = await asyncio.to_thread(b"".join, file.pieces(part))
        if len(data) == size:
            proto.response_bytes(status, headers, data)
            return
    await send(proto, status, headers, file.pieces(part), size, taking)


async def _awaited(result: Any) -> Any:
    return result if isinstance(result, Message | Drop) else await result


def _sent(headers: Headers, name: str) -> str:
    """Return the correlation id that the response has."""
    return next((value for each, value in headers if each == name), "") if name else ""


def _takes_gzip(given: Given) -> bool:
    wanted: dict[str, bool] = {}
    for each in ",".join(given.all("accept-encoding")).lower().split(","):
        coding, *parameters = (part.strip() for part in each.split(";"))
        wanted[coding] = not any(_NONE.fullmatch(part) for part in parameters)
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", False)))
