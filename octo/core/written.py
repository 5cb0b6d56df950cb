"""A body as somebody wrote it into a test or a debug configuration."""

from __future__ import annotations

from octo.core import content
from octo.core.spool import Content, Spool


def body(data: object, content_type: object = None) -> object:
    """The body that is meant: with a content type raw content, as a source would have made it of these bytes.

    Raises ValueError if that is not possible.
    """
    if content_type is None:
        return data
    if not isinstance(content_type, str) or not isinstance(data, str | bytes | Content):
        raise ValueError("with `contentType`, a text, the body is a text or bytes (`!!binary`)")  # noqa: TRY004
    if isinstance(data, str):
        return {"contentType": content_type, "rawData": data}
    if isinstance(data, Content):
        return content.raw(data, content_type)
    spool = Spool()
    spool.write(data)
    return content.raw(spool.finish(), content_type)
