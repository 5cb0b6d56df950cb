"""Ask for one page after the other until the last, with one of them in memory."""

from __future__ import annotations

import inspect
import logging
from dataclasses import replace
from hashlib import blake2b

from yarl import URL

from octo.connectors.http_client import codes, sending
from octo.connectors.http_client.caller import Caller
from octo.connectors.http_client.follow import Follow
from octo.connectors.http_client.links import linked
from octo.connectors.http_client.redirects import address, led, shown
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Request
from octo.connectors.http_client.rest import Rest
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.flow import Outcome
from octo.core.log import fields
from octo.core.message import Message
from octo.expr import ExprError, render

log = logging.getLogger("octo.http-client")

MOST_BYTES = 64 * 1024 * 1024
"""Bytes of the answers whose items become one body."""
_NO_SUCH_KEY = "OCTO-E201"


async def pages(caller: Caller, rest: Rest, message: Message) -> Outcome:
    """Return the message with the items of all pages, or with their number if a chain takes each page."""
    assert rest.follow is not None
    return await _Paging(caller, rest, rest.follow, message).run(message)


class _Paging:
    """One walk through the pages.

    _origin: the message that all requests are made from. _seen: digests of what was asked for, to notice a circle.
    _last: that of the last page.
    """

    def __init__(self, caller: Caller, rest: Rest, follow: Follow, message: Message) -> None:
        self._caller = caller
        self._rest = rest
        self._follow = follow
        self._origin = message
        self._seen: set[bytes] = set()
        self._joined: list[object] = []
        self._pages = 0
        self._items = 0
        self._bytes = 0
        self._number = follow.start
        self._last = b""

    async def run(self, message: Message) -> Outcome:
        upcoming: Request | None = self._first()
        while upcoming is not None:
            request = upcoming
            reply, page = await self._caller.ask(request, self._rest, message)
            message = message.with_vars(page.vars)
            if reply.status >= 400:
                break
            found = self._items_of(page, request)
            outcome = await self._passed(self._within(found, request), message, reply, request)
            if not isinstance(outcome, Message):
                return outcome
            message = outcome
            upcoming = self._next(request, reply, page, found)
            if upcoming is not None and self._is_full(request):
                break
        counts: dict[str, object] = {"pages": self._pages, "items": self._items}
        return message.with_body(self._joined if self._follow.each is None else counts)

    # --- the items of a page -------------------------------------------------------------------------------------

    def _items_of(self, page: Message, request: Request) -> list[object]:
        written = self._follow.items
        value = page.body if written is None else written(page)
        if value is None:
            return []
        if not isinstance(value, list):
            what = "the answer is no list: write `items`" if written is None else f"`items` ({written.text}) is no list"
            raise _broken(request, what)
        return value

    def _within(self, items: list[object], request: Request) -> list[object]:
        """Return the items that are within the limit, and count them."""
        most = self._follow.most_items
        if most is not None and self._items + len(items) > most:
            self._stop(request, f"more than {most} items (`maxItems`)")
            items = items[: most - self._items]
        self._pages += 1
        self._items += len(items)
        return items

    async def _passed(self, items: list[object], message: Message, reply: Reply, request: Request) -> Outcome:
        """Return the message after the chain for the page, or after its items were joined to those before."""
        each = self._follow.each
        if each is not None:
            result = each(message.with_body(items))
            return await result if inspect.isawaitable(result) else result
        self._bytes += len(reply.data)
        if self._bytes > MOST_BYTES:
            size = f"{MOST_BYTES >> 20} MiB"
            raise Permanent(f"{_of(request)} have more than {size}; take them with `each`", code=codes.TOO_MANY)
        self._joined += items
        return message

    # --- the next page -------------------------------------------------------------------------------------------

    def _first(self) -> Request:
        follow = self._follow
        if follow.counter is not None:
            return self._with(self._made(self._number), follow.counter, self._number)
        request = self._made(None)
        self._remember(str(request.url), request)
        return request

    def _next(self, request: Request, reply: Reply, page: Message, items: list[object]) -> Request | None:
        """Return the request for the next page, None after the last."""
        follow = self._follow
        if follow.until is not None and follow.until(page):
            return None
        if follow.counter is not None:
            return self._counted(follow.counter, request, reply, items)
        if follow.cursor is not None:
            cursor = self._found(follow.cursor, page, request)
            if cursor is None:
                return None
            self._remember(render(cursor), request)
            return self._with(self._made(cursor), follow.param, cursor)
        found = (
            linked(reply.headers.get("link", ""), follow.link)
            if follow.link
            else self._found(follow.next, page, request)
        )
        return None if found is None or found == "" else self._linked(request, reply, found)

    def _found(self, expression: Expr[object] | None, page: Message, request: Request) -> object:
        """Return what names the next page, None if nothing does: many servers leave the field out on the last page."""
        assert expression is not None
        try:
            value = expression(page)
        except ExprError as error:
            if error.code != _NO_SUCH_KEY and page.body is not None:
                raise
            if self._pages == 1 and error.hint.startswith("Did you mean"):
                about = {"url": request.target, "error": str(error)}
                log.warning("the first page is taken for the last: it does not name the next", extra=fields(**about))
            return None
        return None if value == "" or value is False else value

    def _counted(self, name: str, request: Request, reply: Reply, items: list[object]) -> Request | None:
        follow = self._follow
        if not items or (follow.size is not None and len(items) < follow.size):
            return None
        digest = blake2b(bytes(reply.data), digest_size=16).digest()
        if digest == self._last:
            raise _circle(request, "the server gave the same page twice")
        self._last = digest
        self._number += len(items) if follow.offset is not None else 1
        return self._with(self._made(self._number), name, self._number)

    def _made(self, value: object) -> Request:
        """Return the block's own request; its expressions see the cursor or number if it has a variable."""
        name = self._follow.as_
        message = self._origin if name is None else self._origin.with_var(name, value)
        asked = sending.asked(self._caller, self._rest, message)
        return sending.request(self._caller, asked, self._rest, self._rest, message)

    def _with(self, request: Request, name: str, value: object) -> Request:
        """Return the request with the cursor or number in its query, unless the request's author puts it elsewhere."""
        return request if self._follow.as_ else replace(request, url=request.url.update_query({name: render(value)}))

    def _linked(self, request: Request, reply: Reply, found: object) -> Request:
        def refused(why: str) -> Permanent:
            return Permanent(f"rest request to {request.target}: its next page {why}", code=codes.BAD_LINK)

        if not isinstance(found, str):
            raise refused("is no text; a number or a token is a `cursor`")
        url = address(URL(reply.url, encoded=True), found, lambda what: refused(f"is {what}"))
        self._remember(str(url), request)
        return led(
            request, url, self._caller.redirects, lambda why: refused(f"is at {shown(url)}, not followed: {why}")
        )

    def _remember(self, place: str, request: Request) -> None:
        """Note an address or a cursor. Raises `Permanent` if it was there before."""
        digest = blake2b(place.encode(errors="surrogatepass"), digest_size=16).digest()
        if digest in self._seen:
            raise _circle(request, "the next page is one that was there before")
        self._seen.add(digest)

    # --- the limits ----------------------------------------------------------------------------------------------

    def _is_full(self, request: Request) -> bool:
        """Whether no further page may be asked for, though there is one."""
        most = self._follow.most_items
        if self._pages >= self._follow.max_pages:
            self._stop(request, f"more than {self._follow.max_pages} pages (`maxPages`)")
            return True
        return most is not None and self._items >= most and self._follow.on_limit == "stop"

    def _stop(self, request: Request, what: str) -> None:
        if self._follow.on_limit == "error":
            hint = "raise the limit, or set `onLimit: stop`"
            raise Permanent(f"{_of(request)} are {what}; {hint}", code=codes.TOO_MANY)


def _of(request: Request) -> str:
    return f"the pages of {request.target}"


def _circle(request: Request, what: str) -> Permanent:
    return Permanent(f"rest request to {request.target}: {what}; the pages would never end", code=codes.CIRCLE)


def _broken(request: Request, what: str) -> Permanent:
    return Permanent(f"rest request to {request.target}: {what}", code=codes.NO_ITEMS)
