"""A process of `octo run` waits for what may come, and stops while it waits."""

from __future__ import annotations

import socket
from pathlib import Path


def test_with_watch_a_port_in_use_is_waited_for(octo, flow, port, http):
    with socket.create_server(("127.0.0.1", port)):
        process = octo("run", flow, "--watch", "--admin-addr", "off", ready=False)
        process.wait_for("Nothing runs yet. Octo waits, and tries again by itself")
        assert f"127.0.0.1:{port} is in use by process" in process.log
    process.wait_for("runtime ready")

    assert http(f"http://127.0.0.1:{port}/") == (200, "hi")
    assert process.log.count("is in use") == 1
    assert process.stop() == 0


def test_a_new_version_waits_for_its_port_while_the_old_one_runs(octo, tmp_path, flow, port, free_port, http, save):
    process = octo("run", flow, "--watch", "--admin-addr", "off")
    with socket.create_server(("127.0.0.1", wanted := free_port())):
        save(tmp_path / "flow.yaml", Path(flow).read_text().replace(str(port), str(wanted)))
        process.wait_for("The running flows are unchanged. Octo waits, and tries again by itself")
        assert http(f"http://127.0.0.1:{port}/") == (200, "hi")
    process.wait_for("runtime ready", 2)

    assert http(f"http://127.0.0.1:{wanted}/") == (200, "hi")


def test_with_watch_the_operations_port_is_waited_for(octo, flow, admin_port, http):
    with socket.create_server(("127.0.0.1", admin_port)):
        process = octo("run", flow, "--watch", "--admin-addr", f"127.0.0.1:{admin_port}", ready=False)
        process.wait_for("waiting for the operations port, trying again")
    process.wait_for("runtime ready")

    assert http(f"http://127.0.0.1:{admin_port}/readyz") == (200, "ready\n")


def test_a_stop_ends_the_waiting_for_the_operations_port(octo, flow, admin_port):
    with socket.create_server(("127.0.0.1", admin_port)):
        process = octo("run", flow, "--watch", "--admin-addr", f"127.0.0.1:{admin_port}", ready=False)
        process.wait_for("waiting for the operations port")

        assert process.stop() == 0


def test_a_stop_ends_the_waiting_for_a_port(octo, flow, port):
    with socket.create_server(("127.0.0.1", port)):
        process = octo("run", flow, "--watch", "--admin-addr", "off", ready=False)
        process.wait_for("Nothing runs yet")

        assert process.stop() == 0


def test_the_last_flow_may_be_removed_when_that_is_allowed(octo, tmp_path, flow, save):
    process = octo("run", flow, "--watch", "--allow-empty", "--admin-addr", "off")
    save(tmp_path / "flow.yaml", "# nothing")

    process.wait_for("runtime ready.*flows=0")
