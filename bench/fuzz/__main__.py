"""The command line: `python -m bench.fuzz`."""

from __future__ import annotations

import argparse
import sys

import bench.fuzz
from bench.fuzz.search import compare
from bench.fuzz.texts import mutate


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.fuzz",
        description=bench.fuzz.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=0, help="stop after this time")
    parser.add_argument("--count", type=int, default=0, help="stop after this many expressions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutate", action="store_true", help="random texts instead of random expressions")
    parser.add_argument("--oracle", default=sys.executable, help="a Python that has cel-expr-python")
    options = parser.parse_args()
    if not (options.seconds or options.count):
        options.seconds = 60.0
    return mutate(options) if options.mutate else compare(options)


if __name__ == "__main__":
    sys.exit(main())
