"""Ask the API of the platform whatever its document allows, and more: nothing may be answered with a 5xx.

scripts/fuzz_api.py [--examples 20]        runs schemathesis, a program of its own, which uv fetches

The platform is a real one on SQLite, whose deployments run nowhere (`tests/platform/pretence.py`). Everybody is its
administrator, so no request ends at the door.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import uvicorn

from octo.testing.servers import free_port
from octo_platform.api.app import PREFIX, create_app
from octo_platform.api.serving import installed
from octo_platform.deployments.reconciler import Reconciler
from octo_platform.options import Options
from tests.platform.pretence import Pretence

VERSION = "4.32.5"
CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance"
ENDLESS = "events$"
"""Streams do not end by themselves; tests/platform/deployments/test_watching.py asks them."""


async def fuzz(examples: int) -> int:
    """Return the exit code of schemathesis."""
    nowhere = Pretence()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        options = Options(folder=Path(folder), port=port, insecure_local=True, targets=("local", "kubernetes"))
        async with (
            installed(options, {"local": nowhere.opened, "kubernetes": nowhere.opened}) as installation,
            asyncio.TaskGroup() as group,
        ):
            config = uvicorn.Config(create_app(installation), port=port, log_config=None, lifespan="off")
            server = uvicorn.Server(config)
            serving = group.create_task(server.serve())
            reconciling = group.create_task(Reconciler(installation).run())
            code = await _ask(f"http://127.0.0.1:{port}{PREFIX}/openapi.json", examples)
            reconciling.cancel()
            server.should_exit = True
            await serving
    return code


async def _ask(document: str, examples: int) -> int:
    uv = Path(sys.executable).parent / "uv"
    program = (str(uv), "tool", "run", "--python", sys.executable, "--from", f"schemathesis=={VERSION}", "st", "run")
    process = await asyncio.create_subprocess_exec(
        *program, document,
        *("--checks", CHECKS, "--max-examples", str(examples), "--phases", "examples,fuzzing,stateful"),
        *("--exclude-path-regex", ENDLESS, "--request-timeout", "30", "--header", "Sec-Fetch-Site: same-origin"),
    )  # fmt: skip
    return await process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=20, help="of each operation")
    sys.exit(asyncio.run(fuzz(parser.parse_args().examples)))
