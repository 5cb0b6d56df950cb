"""One client's connection: requests come in, one at a time is served, and the responses go out in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from octo.connectors.http.call import Call
from octo.connectors.http.exchange import Exchange
from octo.connectors.http.head import MOST_HEADERS, NO_HEAD, Head, framing, head, malformed
from octo.connectors.http.limit import Deadline
from octo.connectors.http.request import Rejected
from octo.connectors.http.response import reject
from octo.connectors.http.unsent import unsent

MOST_AT_ONCE = 16
"""Requests of one connection that are served before other connections get their turn."""
PIECE = 8192
"""Bytes that are parsed at once. What comes behind a request in line waits unparsed, as it needs the least room so."""
MOMENT = 0.2
"""Seconds that a stopping server gives a client for its request which has just connected, or has sent half a head."""
LINGER = 2.0
"""Seconds without a byte of the rest of a refused request, which is read and dropped. If the connection were closed at
once, the client's system would throw away the response together with what the client still sends (RFC 9112, 9.6)."""
MOST_DROPPED = 64 << 20
"""Bytes that nobody wants of one connection; with more it is closed."""
NOTHING = memoryview(b"")
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Client(Protocol):
    """A connection as its server sees it."""

    def expire(self) -> None:
        """Take note that it was waited for in vain."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...

    def refuse(self) -> None:
        """Close without serving anything."""
        ...

    def stop(self) -> None:
        """Close as soon as what has come is answered."""
        ...


class Server(Protocol):
    """What a connection needs of its server.

    most_head: bytes of a request line and headers. keeps: whether connections may be kept. is_leaving, is_stopping:
    whether clients shall go elsewhere, soon or at once. quiet: those that are waited for. open: all of them.
    """

    serve: Callable[[Call], None]
    most_head: int
    keeps: bool
    is_leaving: bool
    is_stopping: bool
    quiet: Deadline[Client]

    def come(self, client: Client) -> None: ...
    def left(self, client: Client) -> None: ...


class Connection(asyncio.Protocol):
    """Parses what the client sends, and has the server serve the requests.

    Invariant: the client is waited for (`quiet`) while no request of its is being served: to send one, or to take
    what it was sent.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser: Any = None
        self._transport: Any = None
        self._line: deque[Exchange] = deque()
        self._serving: Exchange | None = None
        self._arriving: Exchange | None = None
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._rest = NOTHING
        self._steps = 0
        self._is_in_head = False
        self._pending = 0
        self._may_be_large = False
        self._framing = b""
        self._is_beginning = False
        self._dropped = 0
        self._is_over = False
        """Whether nothing more is parsed: after a malformed request, or before the connection closes."""
        self._is_writable = True
        self._is_paused = False
        self._is_turning = False

    # --- the connection ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = HttpRequestParser(self)
        self._server.come(self)
        self._server.quiet.start(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's parameter
        self._leave()
        self._line.clear()
        self._rest = NOTHING
        # They refer to the connection, and only the garbage collector would notice.
        self._parser = self._serving = self._arriving = None
        self._server.quiet.stop(self)
        self._server.left(self)

    def eof_received(self) -> bool:
        """Take the end of what the client sends for its leaving: nothing tells it from a connection that was closed.

        A flow that does not wait answers all the same.
        """
        self._leave()
        # TLS cannot go on in one direction only, and asyncio warns of who asks for it.
        return self._transport.can_write_eof() and (self._serving is not None or bool(self._line))

    def _leave(self) -> None:
        self._is_over = True
        for exchange in (self._arriving, self._serving, *self._line):
            if exchange is not None:
                exchange.leave()

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        if self._serving is not None:
            self._serving.resume()
        if self._line:
            self._server.quiet.stop(self)
        self._turn()

    def expire(self) -> None:
        """Close: the client has not sent a whole head in time. One that still takes its last answer has more time."""
        if unsent(self._transport):
            self._server.quiet.start(self)
        else:
            self.abort()

    def abort(self) -> None:
        """Close at once, also if the client has not taken what was written."""
        self._transport.abort()

    def refuse(self) -> None:
        """Close without serving anything."""
        self._transport.write(_FULL)
        self._transport.close()

    def stop(self) -> None:
        """Close as soon as the requests that have come are answered, and one that may be on its way."""
        if not self._steps or self._is_in_head:
            asyncio.get_running_loop().call_later(MOMENT, self._stop_idle)
        else:
            self._stop_idle()

    def _stop_idle(self) -> None:
        if self._serving is None and not self._line and not self._rest:
            self._transport.close()

    def close(self) -> None:
        """Send what was written and close, but first let the client come to an end."""
        self._is_over = True
        self._serving = None
        self._line.clear()
        self._rest = NOTHING
        self._wait()
        if (self._arriving is None and not self._is_in_head) or not self._transport.can_write_eof():
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write_eof()
            self.read_on()
            self._linger()

    def _wait(self) -> None:
        if self not in self._server.quiet and not self._transport.is_closing():
            self._server.quiet.start(self)

    def _linger(self) -> None:
        asyncio.get_running_loop().call_later(LINGER, self._end, self._dropped)

    def _end(self, dropped: int) -> None:
        if unsent(self._transport) or self._dropped > dropped:
            self._linger()
        else:
            self._transport.abort()

    # --- what comes in -------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            self.drop(data)
            return
        if self._line or self._rest or len(data) > PIECE:
            self._rest = memoryview(bytes(self._rest) + data)
        else:
            self._parse(data)
        self._turn()

    def _parse_on(self) -> None:
        """Parse what waits, until a request is in line."""
        while self._rest and not self._line and not self._is_over:
            piece, self._rest = self._rest[:PIECE], self._rest[PIECE:]
            self._parse(piece)
        if not self._rest or self._is_over:
            self._rest = NOTHING  # an empty view would keep what it is a view of

    def _parse(self, piece: bytes | memoryview) -> None:
        steps, is_between = self._steps, not self._is_in_head and self._arriving is None
        # Invariant: a piece is not larger than the largest head, so one that comes whole need not be measured.
        self._may_be_large = not is_between
        try:
            self._feed(piece)
            if (self._is_in_head or self._arriving is not None) and not self._is_over:
                self._measure(len(piece), steps, is_first=is_between)
        except HttpParserCallbackError:
            raise
        except HttpParserError as error:
            self._give_up(malformed(str(error)))
        except Rejected as rejected:
            self._give_up(rejected)

    def _feed(self, data: bytes | memoryview) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                # The offer of another protocol is never taken up, so what follows is the body, or the next request.
                data = data[upgrade.args[0] :]
                if self._framing:
                    self._begin_body()
            else:
                return

    def _begin_body(self) -> None:
        """Parse on with the body of a request that offers another protocol, which the parser leaves out.

        Invariant: a body is never parsed as a request. A new parser gets a head with the same framing, and no one else.
        """
        head, self._framing = b"POST / HTTP/1.1\r\n%b\r\n\r\n" % self._framing, b""
        self._parser = HttpRequestParser(self)
        self._is_beginning = True
        self._parser.feed_data(head)
        self._is_beginning = False

    def _measure(self, size: int, steps: int, *, is_first: bool) -> None:
        """Refuse what is not complete and already too large: a head, or what surrounds the pieces of a body.

        The parser keeps an incomplete line, and with each piece copies it. Raises `Rejected`.
        """
        if self._steps == steps:
            self._pending += size
        else:  # the first bytes of a head that comes behind another request are not counted
            self._pending = size if is_first and self._steps == steps + 1 else 0
        if self._pending <= self._server.most_head:
            return
        if self._arriving is not None:
            raise malformed(f"extensions of chunks, and trailers, may have at most {self._server.most_head} bytes")
        raise self._too_large(is_target=not self._fields)

    def _too_large(self, *, is_target: bool) -> Rejected:
        limit = f"the limit is {self._server.most_head} bytes"
        return Rejected(414, "URI too long", limit) if is_target else Rejected(431, "headers too large", limit)

    def _give_up(self, rejected: Rejected) -> None:
        """Parse nothing more: nobody knows where another request would begin."""
        if self._is_over:
            return
        self._is_over = True
        if self._arriving is not None:
            self._arriving.lose(rejected.detail)
        else:
            self._is_in_head = True
            self._server.quiet.stop(self)
            self._line.append(Exchange(self, NO_HEAD, rejected))

    def drop(self, data: bytes) -> None:
        """Throw away what nobody wants, within limits."""
        self._dropped += len(data)
        if self._dropped > MOST_DROPPED:
            self._transport.abort()

    def read_on(self) -> None:
        """Read as long as there is room for what comes."""
        if self._transport.is_closing():
            return
        is_full = self._arriving is not None and self._arriving.is_full and not self._is_over
        full = bool(self._line or self._rest) or is_full
        if full and not self._is_paused:
            self._transport.pause_reading()
        elif self._is_paused and not full:
            self._transport.resume_reading()
        self._is_paused = full

    # --- the parser's callbacks ----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._is_beginning:
            return
        self._target = b""
        self._fields = []
        self._steps += 1
        self._is_in_head = True

    def on_url(self, piece: bytes) -> None:
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # else it is a trailer, which nobody reads
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        if self._is_over or self._is_beginning:
            return
        try:
            scope = self._head()
        except Rejected as rejected:
            self._give_up(rejected)
            return
        self._is_in_head = False
        self._server.quiet.stop(self)
        self._arriving = Exchange(self, scope)
        self._line.append(self._arriving)
        if self._parser.should_upgrade():
            self._framing = framing(scope.headers)

    def _head(self) -> Head:
        """Return the head that was parsed. Raises `Rejected`."""
        parser, fields = self._parser, self._fields
        method = parser.get_method()
        if self._may_be_large:
            line = len(method) + len(self._target) + len(b"  HTTP/1.1\r\n")
            if line + sum([len(name) + len(value) + 4 for name, value in fields]) + 2 > self._server.most_head:
                raise self._too_large(is_target=line > self._server.most_head)
        if len(fields) > MOST_HEADERS:
            raise Rejected(431, "too many headers", f"the limit is {MOST_HEADERS} headers")
        keeps = self._server.keeps and parser.should_keep_alive()
        return head(method.decode("ascii"), self._target, parser.get_http_version(), fields, is_persistent=keeps)

    def on_body(self, piece: bytes) -> None:
        self._steps += 1
        if self._arriving is not None:
            self._arriving.take(piece)

    def on_message_complete(self) -> None:
        if self._arriving is not None and not self._framing:
            self._arriving.end()
            self._arriving = None

    # --- what goes out -------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Serve what has come, one request at a time."""
        if self._is_turning:
            return
        self._is_turning = True
        for _ in range(MOST_AT_ONCE):
            if self._rest and not self._line:
                self._parse_on()
            if self._serving is not None or not self._line or not self._is_writable:
                break
            self._serving = exchange = self._line.popleft()
            if exchange.rejected is None:
                self._server.serve(exchange)
            else:
                reject(exchange, exchange.rejected, [])
        else:
            asyncio.get_running_loop().call_soon(self._turn)
        self._is_turning = False
        if self._line or self._rest or self._is_paused or self._arriving is not None:
            self.read_on()
            if self._line and not self._is_writable and self._serving is None:
                self._wait()

    @property
    def persists(self) -> bool:
        """Whether another request may follow the one that is being served."""
        server = self._server
        return not (self._is_over or server.is_leaving or server.is_stopping) or bool(self._line)

    @property
    def is_writable(self) -> bool:
        """Whether the client has taken enough of what was written."""
        return self._is_writable

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def answer(self, data: bytes, *, persists: bool) -> None:
        """Send the response to the request that is being served, and go on with the next."""
        if not self._transport.is_closing():
            self._transport.write(data)
        self._serving = None
        if not persists:
            self.close()
            return
        if not self._line:
            self._server.quiet.start(self)
        self._turn()
