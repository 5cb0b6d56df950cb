"""Partial failure as a value says what failed, and nothing more."""

from __future__ import annotations

from octo.blocks.tried import tried
from octo.core.errors import Permanent
from octo.core.flow import Drop, Failure, Stop
from octo.core.message import Message

MESSAGE = Message("in")


def failing(message: Message):
    raise Failure(Permanent("no", code="ACME-1", status=404), "ask", "f.ask", message)


def test_success_failure_and_drop_are_values():
    assert tried(lambda message: message.with_body(1), MESSAGE).body == {"ok": True, "value": 1}
    assert tried(lambda _: Drop("no"), MESSAGE).body == {"ok": True, "value": None}
    assert tried(failing, MESSAGE).body == {
        "ok": False,
        "error": {
            "type": "Permanent",
            "code": "ACME-1",
            "message": 'block "ask": no',
            "status": 404,
            "retryable": False,
            "block": "ask",
        },
    }


def test_a_stop_stays_a_stop():
    assert isinstance(tried(Stop, MESSAGE), Stop)
