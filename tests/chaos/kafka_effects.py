"""The module of the flows that are killed with Kafka: the effects of `effects`, and points inside of the connector.

It lies beside the flow, as `effects` does.
"""

from __future__ import annotations

import functools

from effects import POINT, first, passing, second

from octo.connectors.kafka import member, reader, sender

__all__ = ["first", "second"]


def _around(owner, name, before, after, *, counts=lambda _: True):
    """Pass one point before the method and one after it, if this call counts."""
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(self, *arguments, **named):
        matters = counts(self)
        if matters:
            passing(before)
        result = real(self, *arguments, **named)
        if matters:
            passing(after)
        return result

    setattr(owner, name, wrapped)


def _around_async(owner, name, before, after):
    real = getattr(owner, name)

    @functools.wraps(real)
    async def wrapped(*arguments, **named):
        passing(before)
        result = await real(*arguments, **named)
        passing(after)
        return result

    setattr(owner, name, wrapped)


if POINT:
    _around_async(sender.Sender, "send", "before it is sent", "after it is sent")
    _around(sender.Sender, "_acknowledged", "before it is confirmed", "")
    _around(reader.Reader, "read", "before it is received", "after it is received")
    _around_async(reader.Reader, "_settle", "before the acknowledgement", "after the acknowledgement")
    _around(member.Member, "_commit", "before a commit", "between commits", counts=lambda self: self._wanted)
    _around(member.Member, "_answered", "between commits", "after a commit")
