"""The page docs/cluster.md, typed: two processes on one file, and what `octo cluster` shows of them."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text()
FLOW = re.search(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1]
SCREEN = re.search(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1]
PATIENCE = 60.0


def shown(folder):
    arguments = SCREEN.split("$ ")[3].splitlines()[0].split()[1:]
    done = subprocess.run(
        [sys.executable, "-m", "octo", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def alike(text):
    """The lines, without what differs from machine to machine and from moment to moment."""
    text = re.sub(r"\b[0-9a-f]{12}\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "MOMENT", text)
    lines = [line.split() for line in text.splitlines()]
    for line in lines:
        if line[:2] == ["ID", "shop"]:
            line[4:] = ["HOST", "PID", "UP", "ADDRESS"]
        elif line[:2] == ["ID", "events"]:
            line[-1] = "TOKEN"
    return lines


def test_the_page_is_right(octo, tmp_path, free_port):
    (tmp_path / "shop.yaml").write_text(FLOW)
    for each in SCREEN.split("$ ")[1:3]:
        arguments = re.sub(r":3999\d", f":{free_port()}", each.strip()).split()[1:]
        octo(*arguments)
    expected = alike(SCREEN.split("shop.db\n", 3)[-1])
    end = time.monotonic() + PATIENCE
    while alike(shown(tmp_path)) != expected:
        assert time.monotonic() < end, shown(tmp_path)


def test_when_one_is_stopped_the_other_goes_on(octo, tmp_path):
    (tmp_path / "shop.yaml").write_text(FLOW)
    first, second = (octo("run", "--services", "sqlite:shop.db", "--admin-addr", "off", "shop.yaml") for _ in range(2))
    first.wait_for("archived")
    first.stop()
    second.wait_for("archived")
