"""What Octo costs, measured: `bench/run.py --short` in about three minutes, `--full` in about half an hour.

Every figure is a ratio or stands beside one, taken on the same machine in the same run, because a figure alone says
more about the machine than about Octo. One file of `measures/` per question; each answers a `Section`, which
`report.py` writes as `docs/performance.md`.
"""
