"""Why a tool did not do what it was asked to: for a model, with what to do instead."""

from __future__ import annotations


class Refused(Exception):
    """code: for `explain`. facts: what else the next call needs, such as the hash that a file has now."""

    def __init__(self, code: str, message: str, hint: str = "", **facts: object) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.facts = facts

    def as_json(self) -> dict[str, object]:
        hint = {"hint": self.hint} if self.hint else {}
        return {"code": self.code, "message": str(self), **hint, **self.facts}
