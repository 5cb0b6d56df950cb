"""Ids of everything that is stored: texts that sort by the time they were made (UUID version 7, RFC 9562)."""

from __future__ import annotations

import os
import time
from datetime import datetime
from uuid import UUID


def new_id() -> str:
    """A new id, 36 characters: 48 bits of milliseconds, then 74 of chance."""
    milliseconds = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | 0x7 << 76 | (chance >> 64 & 0xFFF) << 64 | 0b10 << 62 | chance & (1 << 62) - 1
    return str(UUID(int=value))


def first_of(moment: datetime) -> str:
    """What sorts before all ids of that moment and later."""
    return str(UUID(int=int(moment.timestamp() * 1000) << 80))
