"""The throw-away Redis server: what it has acknowledged is on disk."""

from octo.testing.redis import Redis


def test_what_it_has_acknowledged_outlives_a_kill():
    with Redis.started() as server:
        assert server.ask("SET", "name", "value") == b"+OK\r\n"
        server.kill()
        server.start()
        assert server.ask("GET", "name") == b"$5\r\nvalue\r\n"


def test_its_settings_can_be_changed():
    with Redis.started() as server:
        server.stop()
        server.settings = {"maxmemory": "10mb"}
        server.start()
        assert b"10485760" in server.ask("CONFIG", "GET", "maxmemory")
