"""An hour of a bad day: callers, reloads, cut connections, killed workers and restarts of PostgreSQL, all at once.

    python -m bench.soak [--minutes 60]     (`make soak`)

`octo run --watch --processes 2` serves flows with a database and an upstream. Callers know the right answer of each
request, so an answer that belongs to another caller is seen. At the end every row that was acknowledged must be in the
database, and the memory and the file numbers of the supervisor and of the oldest worker, which is never killed, must
have stopped growing.
"""
