"""The programs that Octo is compared with, installed in `bench/.peers` on first use."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from bench.machine import PEERS, ROOT, environment

BINDING = "cel-expr-python==0.1.3"
NEWER = (
    "python3.12",
    "python3.13",
    "/root/.pyenv/versions/3.12.1/bin/python",
    "/root/.pyenv/versions/3.13.0/bin/python",
)


class Missing(Exception):
    """A peer is not installed and could not be; the text says why."""


def _folder(name: str) -> Path:
    PEERS.mkdir(exist_ok=True)
    (PEERS / ".gitignore").write_text("*\n")
    return PEERS / name


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=300)
    except FileNotFoundError:
        raise Missing(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{command[0]} took more than five minutes") from None
    except subprocess.CalledProcessError as error:
        raise Missing(f"{' '.join(map(str, command))} failed: {error.stderr.strip()[-300:]}") from None


def official_binding() -> Path:
    """The Python that has the official binding of CEL, and what Octo needs to run beside it."""
    folder, packages = _folder("cel"), [BINDING, *_needs()]
    python, installed = folder / "bin" / "python", folder / "installed"
    if not (installed.exists() and installed.read_text() == "\n".join(packages)):
        _run(_newer_python(), "-m", "venv", "--clear", folder)
        _run(python, "-m", "pip", "install", "--quiet", *packages)
        installed.write_text("\n".join(packages))
    return python


def _needs() -> list[str]:
    """The packages that Octo itself depends on."""
    needs: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return needs


def _newer_python() -> str:
    if sys.version_info >= (3, 12):
        return sys.executable
    for name in NEWER:
        if (path := shutil.which(name)) and _works(path):
            return path
    raise Missing("the official binding needs Python >= 3.12, and none was found")


def _works(python: str) -> bool:
    command = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"]
    return subprocess.run(command, check=False, capture_output=True, env=environment()).returncode == 0


def node_red() -> Path:
    """The script that starts Node-RED."""
    folder = _folder("node-red")
    start = folder / "node_modules" / "node-red" / "red.js"
    if not start.exists():
        folder.mkdir(exist_ok=True)
        _run("npm", "install", "--no-audit", "--no-fund", "--prefix", folder, "node-red", cwd=folder)
    return start
