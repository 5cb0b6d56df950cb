"""object-read, object-write and object-delete: values that outlive a message, by key."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.core.block import block
from octo.core.durations import Duration
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Advanced, Settings
from octo.core.state import State
from octo.services.ports import KeyValue


class Keyed(Settings):
    key: Expr[str]
    """The key, e.g. `"order/" + body.id`: 1 to 512 bytes."""
    volatile: Annotated[bool, Advanced] = False
    """Whether the key is one of those that need not outlive a restart. These are apart from the others: what was
    written with `volatile` is read with `volatile`."""

    @property
    def namespace(self) -> str:
        return "user_volatile" if self.volatile else "user"


class ObjectRead(Keyed):
    as_: str = Field("", alias="as")
    """Variable for the value; without it the value becomes the body."""
    default: Expr[object] | None = None
    """The value if there is none under the key. Without a default the body becomes null, or the variable is removed."""
    exists_var: str = ""
    """Variable that says whether there was a value under the key."""

    def shape_after(self, before: State) -> State:
        before.of(self.key)
        before.of(self.default)
        after = before.without_var(self.as_) if self.as_ else before.with_body()
        return after.without_var(self.exists_var) if self.exists_var else after


@block("object-read")
async def object_read(settings: ObjectRead, message: Message, store: KeyValue) -> Message:
    """Read a value that `object-write` has written, in this flow or another."""
    entry = await store.get(settings.namespace, settings.key(message))
    if settings.exists_var:
        message = message.with_var(settings.exists_var, entry is not None)
    if entry is None and settings.default is None and settings.as_:
        return message.with_vars({name: each for name, each in message.vars.items() if name != settings.as_})
    value = entry.value if entry is not None else settings.default and settings.default(message)
    return message.with_var(settings.as_, value) if settings.as_ else message.with_body(value)


class ObjectWrite(Keyed):
    value: Expr[object] | None = None
    """The value, at most 1 MiB. Default: the body."""
    ttl: Duration | None = None
    """How long the value is kept. Without it, and with 0, until it is deleted."""

    def shape_after(self, before: State) -> State:
        before.of(self.key)
        before.of(self.value)
        return before


@block("object-write", guarantee="at least once", steps=("send", "confirm"), idempotent="always")
async def object_write(settings: ObjectWrite, message: Message, store: KeyValue) -> Message:
    """Write a value under a key, over the one that is there. The message passes through.

    The last of several writes wins. To count, or to do something once, use blocks that are made for it.
    """
    value = message.body if settings.value is None else settings.value(message)
    ttl = settings.ttl.total_seconds() or None if settings.ttl is not None else None
    await store.put(settings.namespace, settings.key(message), value, ttl=ttl)
    return message


class ObjectDelete(Keyed):
    def shape_after(self, before: State) -> State:
        before.of(self.key)
        return before


@block("object-delete", guarantee="at least once", steps=("send", "confirm"), idempotent="always")
async def object_delete(settings: ObjectDelete, message: Message, store: KeyValue) -> Message:
    """Delete the value under a key; none is no error. The message passes through."""
    await store.delete(settings.namespace, settings.key(message))
    return message
