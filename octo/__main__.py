"""The program `octo`, also as `python -m octo`. It answers signals before it imports anything that takes time.

A process that is process 1 of its container has no default actions: without a handler SIGTERM would be lost.
"""

import os
import signal
import sys


def main() -> None:
    """Run the command line. Until a verb handles signals itself, each of them ends the process at once."""
    _end_on_signals(_may_run(sys.argv[1:2]))
    from octo.cli import main as cli, meant

    if meant(sys.argv[1:])[0] != "run":
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli()


def _may_run(first: list[str]) -> bool:
    """Whether the first argument may mean `run`; what exactly it means is not known before the verbs are imported."""
    return any(each == "run" or each.startswith("-") or each.endswith((".yaml", ".yml")) for each in first)


def _end_on_signals(runs: bool) -> None:
    """runs: whether the verb is `run`, which a signal ends with exit code 0 at any time."""

    def end(number: int, _: object) -> None:
        os._exit(0 if runs else 128 + number)

    signal.signal(signal.SIGINT, end)  # without it the imports would show a traceback
    if runs or os.getpid() == 1:
        signal.signal(signal.SIGTERM, end)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under `nohup`
            signal.signal(signal.SIGHUP, end)


if __name__ == "__main__":
    main()
