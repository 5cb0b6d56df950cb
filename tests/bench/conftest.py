"""Makes the benchmark suite importable: it is a package of scripts in the root folder, and is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
