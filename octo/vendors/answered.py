"""What a block does with the answer of a vendor: it becomes the body, or a variable."""

from __future__ import annotations

from collections.abc import Awaitable

from octo.core.errors import OctoError
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.state import State


class Answered(Settings):
    result_var: str = ""
    """Variable for the answer; without it the answer becomes the body."""
    fail_on_error: bool = True
    """Whether an error of the vendor is one of the block. If not, the answer is `{error: {code, message, status}}`."""

    def after(self, before: State) -> State:
        """What is known of the message then."""
        return before.without_var(self.result_var) if self.result_var else before.with_body()


async def answered(settings: Answered, message: Message, call: Awaitable[object]) -> Message:
    """Return the message with the answer."""
    try:
        answer = await call
    except OctoError as error:
        if settings.fail_on_error:
            raise
        answer = {"error": {"code": error.code, "message": str(error), "status": error.status}}
    return message.with_var(settings.result_var, answer) if settings.result_var else message.with_body(answer)
