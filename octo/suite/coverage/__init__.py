"""Coverage: which blocks, branches, error paths and decisions of flows ran while tests ran.

coverage = Coverage()
coverage.add(config)
...  # run cases, with `coverage` as the last of their observers
result = coverage.result()
print(text(result), html(result, Path("coverage")))
"""

from __future__ import annotations

from octo.suite.coverage.console import text
from octo.suite.coverage.counting import Coverage
from octo.suite.coverage.export import json
from octo.suite.coverage.page import html
from octo.suite.coverage.result import File, Flow, Item, Result, Score

__all__ = ["Coverage", "File", "Flow", "Item", "Result", "Score", "html", "json", "text"]
