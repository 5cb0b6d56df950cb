"""Exit codes. A script can tell a failed flow from a dropped message and from bad usage."""

DONE = 0
FAILED = 1
USAGE = 2
"""Bad usage or a bad configuration; click uses the same number for usage errors."""
DROPPED = 3
LATE = 4
