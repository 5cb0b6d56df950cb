"""The log has what is wrong with a server twice: when it begins, and when it ends."""

from __future__ import annotations

import pytest

from octo.core.errors import Transient
from octo.services import codes
from octo.services.trouble import Trouble


def test_the_log_has_the_begin_and_the_end(caplog):
    trouble = Trouble("the server at db")
    for reason in (None, "refused", "timed out", None, None):
        trouble.tell(reason)

    assert [each.message for each in caplog.records] == [
        "services: the server does not answer",
        "services: the server answers again",
    ]


async def test_health_says_what_is_wrong_now():
    trouble = Trouble("the server at db")
    await trouble.health()
    trouble.tell("refused")
    trouble.tell("timed out")
    with pytest.raises(Transient, match="timed out") as caught:
        await trouble.health()
    assert caught.value.code == codes.SERVER

    trouble.tell(None)
    await trouble.health()
