"""`--watch` follows the Python modules of the project: a good edit takes effect, a bad one changes nothing."""

from __future__ import annotations

import threading

import pytest

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: f
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: python, settings: {{call: "shop:answer"}}}}]
  - name: slow
    source: {{connector: web, type: http, settings: {{path: /slow}}}}
    process: [{{type: python, settings: {{call: "shop:slow"}}}}]
"""

SHOP = """
import asyncio, itertools
from pathlib import Path
from prices import PRICE

count = itertools.count(1)

def answer():
    return [PRICE, next(count)]

async def slow():
    Path("begun").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.01)
    return PRICE
"""


@pytest.fixture
def running(octo, tmp_path, port, http):
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "prices.py").write_text("PRICE = 1\n")
    process = octo("run", "flow.yaml", "--watch", "--admin-addr=off")
    assert http(f"http://127.0.0.1:{port}/") == (200, [1, 1])
    return process


def test_an_edit_of_a_module_that_another_imports_takes_effect(running, tmp_path, port, http, save):
    save(tmp_path / "prices.py", "PRICE = 2\n")
    running.wait_for("runtime ready", 2)

    assert http(f"http://127.0.0.1:{port}/") == (200, [2, 1])


def test_an_edit_of_the_flow_keeps_what_modules_remember(running, tmp_path, port, http, save):
    save(tmp_path / "flow.yaml", FLOW.format(port=port) + "# edited\n")
    running.wait_for("runtime ready", 2)

    assert http(f"http://127.0.0.1:{port}/") == (200, [1, 2])


@pytest.mark.parametrize(
    ("shop", "says"),
    [
        (SHOP + "def broken(:\n", r"SyntaxError: .*\(shop.py:16\)"),
        (SHOP + "1 / 0\n", r"ZeroDivisionError: division by zero \(shop.py:16\)"),
        (SHOP + "import nowhere\n", r"No module named 'nowhere' \(shop.py:16\)"),
        (SHOP.replace("def answer", "def reply"), r"`shop` has no `answer` \(in shop.py\)"),
    ],
)
def test_a_broken_module_keeps_the_old_ones_and_says_where(running, tmp_path, port, http, save, shop, says):
    save(tmp_path / "shop.py", shop)
    running.wait_for(f"flow.yaml:6:.*{says}")
    save(tmp_path / "prices.py", "PRICE = 2\n")
    running.wait_for("running flows are unchanged")
    assert http(f"http://127.0.0.1:{port}/") == (200, [1, 2])

    save(tmp_path / "shop.py", SHOP.replace("[PRICE", "['mended', PRICE"))
    running.wait_for("runtime ready", 2)
    assert http(f"http://127.0.0.1:{port}/") == (200, ["mended", 2, 1])


def test_a_message_in_flight_finishes_with_the_old_modules(running, tmp_path, port, http, save):
    answers: list = []
    caller = threading.Thread(target=lambda: answers.append(http(f"http://127.0.0.1:{port}/slow")))
    caller.start()
    while not (tmp_path / "begun").exists():
        pass

    save(tmp_path / "prices.py", "PRICE = 2\n")
    running.wait_for("runtime ready", 2)
    assert http(f"http://127.0.0.1:{port}/") == (200, [2, 1])
    (tmp_path / "go").touch()
    caller.join()

    assert answers == [(200, 1)]


def test_a_module_that_is_missing_at_the_start_is_waited_for(octo, tmp_path, port, http, save):
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    process = octo("run", "flow.yaml", "--watch", "--admin-addr=off", ready=False)
    process.wait_for("Nothing runs yet")

    save(tmp_path / "shop.py", SHOP)
    process.wait_for("No module named 'prices'")
    save(tmp_path / "prices.py", "PRICE = 4\n")
    process.wait_for("runtime ready")

    assert http(f"http://127.0.0.1:{port}/") == (200, [4, 1])
