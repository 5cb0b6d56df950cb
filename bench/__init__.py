"""What Octo costs, measured: `bench/run.py --short` in about three minutes, `--full` in about half an hour.

Every figure is a ratio, or has one beside it from the same machine and the same run, because a figure alone says more
about the machine than about Octo. `measures/` has a file per question; each returns a `Section`, which `report.py`
writes to `docs/performance.md`.
"""
