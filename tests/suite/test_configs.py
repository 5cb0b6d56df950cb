"""A configuration is loaded once per environment, and one case at a time uses it."""

from __future__ import annotations

from pathlib import Path

from octo.config.documents import Config
from octo.suite import Configs

PATH = Path("a.yaml")


def counted() -> tuple[Configs, list[str]]:
    loads: list[str] = []

    def load(path: Path, environ) -> Config:
        loads.append(environ.get("STAGE", ""))
        return Config(str(path), "", {}, {}, watched=(Path("a.env"),))

    return Configs(load), loads


def test_one_after_another_share_one():
    configs, loads = counted()

    for _ in range(3):
        with configs.lent(PATH, {"STAGE": "a"}):
            pass

    assert loads == ["a"]


def test_another_environment_is_another_configuration():
    configs, loads = counted()

    for stage in ("a", "b", "a"):
        with configs.lent(PATH, {"STAGE": stage}):
            pass

    assert loads == ["a", "b"]


def test_two_at_a_time_never_share():
    configs, loads = counted()

    with configs.lent(PATH, {}) as one, configs.lent(PATH, {}) as other:
        assert one is not other
    with configs.lent(PATH, {}):
        assert len(loads) == 2


def test_the_process_s_environment_lies_below(monkeypatch):
    configs, loads = counted()
    monkeypatch.setenv("STAGE", "shell")

    with configs.lent(PATH, {}), configs.lent(PATH, {"STAGE": "case"}):
        pass

    assert loads == ["shell", "case"]


def test_what_was_read_is_known():
    configs, _ = counted()

    with configs.lent(PATH, {}):
        assert configs.watched == {PATH, Path("a.env")}
