"""Deliveries: each verdict reaches the other side, and what nobody settled comes again."""

from __future__ import annotations

from octo.config.documents import SourceDoc
from octo.testing.conformance.subject import Feed, Subject
from octo.testing.conformance.watch import Findings


async def check(subject: Subject, source: SourceDoc, where: str, feed: Feed, found: Findings) -> None:
    """Report what becomes of the deliveries of a pull source that should not."""
