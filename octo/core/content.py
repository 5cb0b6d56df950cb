"""Raw content, `{contentType, rawData}`: text or bytes by its content type, large content in a file."""

from __future__ import annotations

from octo.core.charsets import encode, taken
from octo.core.spool import Content
from octo.expr import ExprError
from octo.expr.errors import BUDGET
from octo.expr.limits import MAX_SIZE

BINARY = "application/octet-stream"
_MARKUP = ("text/html", "application/xml", "text/xml", "text/xsl")


class Held(dict[str, object]):
    """A raw body with large content. Selecting its `rawData` reads it as text or bytes; `data` does not read it."""

    def __getitem__(self, key: str) -> object:
        return self._seen(super().__getitem__(key))

    def get(self, key: str, default: object = None) -> object:
        return self._seen(super().get(key, default))

    def values(self) -> list[object]:  # type: ignore[override]
        return [self._seen(each) for each in super().values()]

    def items(self) -> list[tuple[str, object]]:  # type: ignore[override]
        return [(key, self._seen(each)) for key, each in super().items()]

    def _seen(self, value: object) -> object:
        if not isinstance(value, Content):
            return value
        if value.size > MAX_SIZE:
            raise ExprError(
                BUDGET,
                f"content of {value.size:,} bytes is too large for an expression (at most {MAX_SIZE:,})",
                hint="Pass it on as the body",
            )
        return taken(value.read(), str(super().get("contentType", "")))


def raw(data: bytes | Content, content_type: str) -> dict[str, object]:
    """Incoming data as a raw body. Spooled data stays in its file, even if it is text."""
    if isinstance(data, Content):
        return Held(contentType=content_type, rawData=data)
    return {"contentType": content_type, "rawData": taken(data, content_type)}


def out(body: object) -> tuple[str, bytes | Content]:
    """The content type of a raw body, and its bytes: a text is encoded in its charset."""
    content_type = str(body.get("contentType") or BINARY) if isinstance(body, dict) else BINARY
    found = data(body)
    return content_type, encode(found, content_type) if isinstance(found, str) else found


def data(body: object) -> str | bytes | Content:
    """The `rawData` of a raw body as it is: large content is not read."""
    found = dict.get(body, "rawData") if isinstance(body, dict) else None
    return found if isinstance(found, str | bytes | Content) else str(found or "")


def is_markup(content_type: str) -> bool:
    """Whether a browser reads this media type as HTML or XML, in which texts must be escaped."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in _MARKUP or kind.endswith("+xml")
