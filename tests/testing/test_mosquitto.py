"""The throw-away MQTT broker: it serves clients, and comes back on its port after a kill."""

import pytest

from octo.testing.mosquitto import Mosquitto


def test_a_broker_that_is_killed_comes_back_on_its_port():
    with Mosquitto.started() as broker:
        port = broker.port
        broker.kill()
        with pytest.raises(OSError, match="refused"):
            broker.is_ready()
        broker.start()
        assert (broker.port, broker.is_ready()) == (port, True)
