"""The members of a cluster: the processes that use the same services, and what each of them leads.

Each is an entry of the key-value service that it renews, so one that is gone or cut off is none after `TTL` seconds.
The entry tells people (`octo cluster`); nothing that must be right depends on it.
"""

from __future__ import annotations

import functools
import os
import secrets


@functools.cache
def _id(_: int) -> str:
    return secrets.token_hex(6)


def me() -> str:
    """The id of this process as a member: 12 hexadecimal digits, never used again."""
    return _id(os.getpid())  # a forked process is another member
