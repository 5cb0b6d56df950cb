"""The annotations of a function say which services it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from octo.core.message import Message
from octo.core.port import port, services_of
from octo.core.settings import Settings
from octo.services.ports import KeyValue, Queues

if TYPE_CHECKING:
    from octo.services.ports import Topics


class Nothing(Settings):
    pass


@port("ledger")
class Ledger(Protocol):
    """A port of another package."""


class InMemory(Ledger):
    """A provider that says which port it implements."""


def block(settings: Nothing, message: Message, store: KeyValue, jobs: Queues) -> Message: ...


def method(self, settings: Nothing, message: Message, site: object, *, ledger: Ledger) -> Message: ...


def opening(cls, settings: Nothing, store: KeyValue): ...


def plain(settings: Nothing, message: Message, site: object, tries: int = 3, *rest: int, **more: int) -> Message: ...


def test_services_are_asked_for_by_annotation():
    """With any parameter names, in any order, and for ports of any package."""
    assert services_of(block, 1) == {"store": "key-value", "jobs": "queues"}
    assert services_of(method, 1) == {"ledger": "ledger"}
    assert services_of(opening) == {"store": "key-value"}


def test_annotations_may_be_text_or_not():
    """A module with `from __future__ import annotations` and one without say the same."""

    def evaluated(settings, message, store): ...

    evaluated.__annotations__ = {"store": KeyValue}

    assert services_of(evaluated, 1) == {"store": "key-value"}


def test_what_is_given_otherwise_is_no_service():
    """The usual parameters, those with a default, and those that take anything."""
    assert services_of(plain, 1) == {}


def unannotated(settings: Nothing, message: Message, store): ...


def mistaken(settings: Nothing, message: Message, store: Message): ...


def provider(settings: Nothing, message: Message, ledger: InMemory): ...


def perhaps(settings: Nothing, message: Message, store: KeyValue | None): ...


def unimported(settings: Nothing, message: Message, events: Topics): ...


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (
            unannotated,
            "unannotated: the parameter `store` has no annotation; annotate it with one, e.g. `octo.KeyValue`",
        ),
        (mistaken, "the parameter `store` is annotated with `Message`, which is no service"),
        (provider, "the parameter `ledger` is annotated with `InMemory`, which is no service"),
        (perhaps, "the parameter `store` is annotated with `octo.services.ports.KeyValue | None`, which is no service"),
        (unimported, "the annotation of `events` is `Topics`, and there is no `Topics` at run time; import it"),
    ],
)
def test_what_is_no_service_is_refused(function, complaint):
    """When the function is declared; the error says what to write instead."""
    with pytest.raises(TypeError) as caught:
        services_of(function, 1)

    assert complaint in str(caught.value)
