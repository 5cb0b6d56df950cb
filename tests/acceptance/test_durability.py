"""The page about durability: what it shows is what happens."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "durability.md").read_text()
FLOW = re.search(r"```yaml\n# orders.yaml\n(.*?)```", PAGE, re.DOTALL)[1]


def steps(process) -> list[str]:
    return re.findall(r'msg="(\d of 3: \w+ \d)"', process.log)


def test_an_accepted_order_goes_on_in_the_next_process(octo, tmp_path, free_port):
    port = free_port()
    flow = tmp_path / "orders.yaml"
    flow.write_text(FLOW.replace("8080", str(port)).replace("for: 5s", "for: 1s", 1))
    first = octo("run", "orders.yaml")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/orders", json.dumps({"id": 1}).encode())
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer) == {"accepted": 1}
    first.wait_for("2 of 3: charging 1")
    first.stop(signal.SIGKILL)
    assert steps(first) == ["1 of 3: reserving 1", "2 of 3: charging 1"]

    second = octo("run", "orders.yaml")
    second.wait_for("3 of 3: shipped 1")
    assert steps(second)[-1] == "3 of 3: shipped 1"
    assert "1 of 3: reserving 1" not in steps(second), "it was written before the wait that it was in front of"
    second.stop()

    third = octo("run", "orders.yaml")
    third.stop()
    assert steps(third) == [], "it is over"


def test_an_edited_flow_file_does_not_change_what_is_under_way(octo, tmp_path, free_port):
    """Old messages go on with what they began with, new ones with the new file."""
    port = free_port()
    flow = tmp_path / "orders.yaml"
    text = FLOW.replace("8080", str(port)).replace("for: 5s", "for: 1s", 1)
    flow.write_text(text)

    def order(number: int) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/orders", json.dumps({"id": number}).encode())
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    first = octo("run", "orders.yaml")
    order(1)
    first.wait_for("2 of 3: charging 1")
    first.stop(signal.SIGKILL)

    flow.write_text(text.replace("3 of 3: shipped", "3 of 3: sent"))
    second = octo("run", "orders.yaml")
    order(2)
    second.wait_for("3 of 3: shipped 1")
    second.wait_for("3 of 3: sent 2")
    second.stop()
