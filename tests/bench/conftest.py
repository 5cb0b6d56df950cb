"""The suite is a package of scripts at the root, not installed; its tests find it there."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
