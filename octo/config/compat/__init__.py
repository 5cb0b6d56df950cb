"""What a configuration would notice that was written for the Go implementation, release 0.1.8 (`octo check --compat`).

`table.py` has one entry per difference that a look at the files can find; `docs/differences.md` lists these with their
codes, and those that show only at run time. What Octo refuses is no part of this: it is an error of every check.
"""

from __future__ import annotations

from octo.config.compat.table import DIFFERENCES, compare

__all__ = ["DIFFERENCES", "compare"]
