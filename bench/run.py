"""Run the suite, keep its results, write the page.

bench/run.py [--short]                   every measure, briefly: a few minutes (`make bench`)
bench/run.py --full                      long enough to trust: about half an hour (`make bench-full`)
bench/run.py --only growth,proxy         some measures; the others keep their last results
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path[:] = [each for each in sys.path if each != str(Path(__file__).parent)]

if TYPE_CHECKING:
    from bench.section import Effort


def main() -> None:
    from bench import machine, report
    from bench.section import Effort

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: sys.exit("stopped"))  # an exit stops all started processes
    chosen = _arguments()
    effort = Effort.long() if chosen.full else Effort.short()
    effort.minutes = chosen.minutes or effort.minutes
    machine.compiled()
    report.RESULTS.mkdir(exist_ok=True)
    names = chosen.only.split(",") if chosen.only else report.MEASURES
    good = [_one(name, effort) for name in names]
    report.write()
    print("page: docs/performance.md")
    sys.exit(not all(good))


def _arguments() -> argparse.Namespace:
    from bench.report import MEASURES

    parser = argparse.ArgumentParser(description="Measure what Octo costs.")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--short", action="store_true", help="a few minutes; the default")
    length.add_argument("--full", action="store_true", help="about half an hour")
    parser.add_argument("--minutes", type=float, help="of steady load for the memory measure; 1, or 10 with --full")
    parser.add_argument("--only", help=f"measures by name, separated by commas: {', '.join(MEASURES)}")
    return parser.parse_args()


def _one(name: str, effort: Effort) -> bool:
    """Run one measure and keep its result. An error is recorded, and the other measures still run."""
    from bench import machine, report

    print(f"--- {name}", flush=True)
    began = time.monotonic()
    result: dict[str, Any] = {
        "suite": "full" if effort.full else "short",
        "at": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine.description(),
        "load": machine.load_average(),
    }
    try:
        section = importlib.import_module(f"bench.measures.{name}").measure(effort)
        result["section"] = section.as_json()
        _show(section)
    except Exception as error:  # noqa: BLE001  whatever it is, it is reported
        traceback.print_exc()
        result["failed"] = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    result["took"] = time.monotonic() - began
    (report.RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    return "section" in result


def _show(section: Any) -> None:
    for table in section.tables:
        print("    " + " | ".join(table.columns))
        for row in table.rows:
            print("    " + " | ".join(str(cell) for cell in row))
    for budget in section.budgets:
        value = "not measured" if budget.value is None else f"{budget.value:.2f}{budget.unit}"
        print(f"  {'ok ' if budget.met else '-- '} {budget.what}: {value} ({budget.promise}) {budget.detail}")


if __name__ == "__main__":
    main()
