"""What is told to a client whose request cannot be carried out, as RFC 9457 says (`application/problem+json`)."""

from __future__ import annotations

from collections.abc import Mapping

from octo_platform.codes import CODES


class Problem(Exception):
    """A request that cannot be carried out. code: one of `codes.CODES`, which says its status and title.

    detail: a sentence for the caller; it never has what is inside of the platform. extra: further members, e.g.
    `problems` of a flow file.
    """

    def __init__(self, code: str, detail: str = "", **extra: object) -> None:
        self.status, self.title = CODES[code]
        super().__init__(detail or self.title)
        self.code = code
        self.detail = detail
        self.extra = extra
        self.headers: dict[str, str] = {}

    def with_headers(self, headers: Mapping[str, str]) -> Problem:
        self.headers |= headers
        return self

    def as_json(self) -> dict[str, object]:
        body: dict[str, object] = {
            "type": f"urn:octo:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        return body | ({"detail": self.detail} if self.detail else {}) | self.extra
