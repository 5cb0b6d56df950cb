"""A process that has imported Octo and forks: each fork is an `octo run`, and is up after a fraction of a second.

For each line on stdin, `{"arguments", "environment", "folder", "log"}`, it writes the id of the fork and, when that has
ended, how it ended (as `subprocess` counts).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import traceback

MODULES = (
    *("octo.cli", "octo.cli.run", "octo.cli.serving", "octo.connectors.http", "octo.connectors.queue"),
    *("octo.connectors.events", "octo.blocks.python", "octo.blocks.set", "octo.blocks.lock", "octo.blocks.idempotent"),
    *("octo.services.embedded.queues", "octo.services.embedded.key_value", "octo.services.embedded.leases"),
    *("octo.services.embedded.topics", "octo.services.postgres.store", "octo.services.postgres.queues"),
    *("octo.services.postgres.key_value", "octo.services.postgres.leases", "octo.services.postgres.topics"),
    *("octo.services.redis.store", "octo.services.redis.queues", "octo.services.redis.key_value"),
    *("octo.services.redis.leases", "octo.services.redis.topics"),
    *("octo.services.nats.opening", "octo.services.nats.queues", "octo.services.nats.key_value"),
    *("octo.services.nats.leases", "octo.services.nats.topics"),
    *("octo.connectors.amqp.client", "octo.services.memory.topics", "octo.services.memory.queues"),
    *("octo.services.places", "octo.operations.port", "uvloop", "aiohttp.web"),
)


def life(arguments, environment, folder, log):
    """Be an `octo run` from here on."""
    for number, opened in ((0, os.open(os.devnull, os.O_RDWR)), (1, os.open(os.devnull, os.O_RDWR))):
        os.dup2(opened, number)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["octo", *arguments]
    from octo.__main__ import main

    main()


def main():
    for each in MODULES:
        try:
            importlib.import_module(each)
        except ImportError:
            print(f"not preloaded: {each}", file=sys.stderr)
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        process = os.fork()
        if not process:
            code = 1
            try:
                life(**json.loads(line))
                code = 0
            except SystemExit as error:
                code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
            except BaseException:  # noqa: BLE001  it goes to the log of the life, and to nobody else
                traceback.print_exc()
            finally:
                os._exit(code)
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
