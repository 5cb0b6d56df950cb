"""Fixtures: test files written as texts, and a configuration with probes to test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from octo.config.documents import Config
from octo.config.load import load
from octo.core.plugins import Plugins
from octo.engine.observe import Observer
from octo.suite import Configs, Outcome, Plan, plan, run_case

FLOWS = """\
env: [{name: STAGE, default: dev}, {name: REFUSE, default: "false"}]
connectors:
  - {name: probe, type: probe, settings: {refuse: "${REFUSE}"}}
  - {name: both, type: probe}
flows:
  - name: greet
    process:
      - {type: set-payload, name: greet, settings: {value: '"hello " + body.name'}}
  - name: same
    process: []
  - name: note
    process:
      - {type: note, settings: {connector: probe, value: body}}
  - name: wait
    process:
      - {type: wait, settings: {connector: probe, for_: nothing}}
  - name: fails
    process:
      - {type: fail, name: oops, settings: {connector: probe}}
  - name: drops
    process:
      - {type: filter, settings: {expr: "false", reason: never}}
  - name: pushed
    source: {connector: probe, type: push, settings: {path: /}}
    process:
      - {type: set-payload, name: answer, settings: {value: '{"got": body}'}}
  - name: pushed-and-called
    source: {connector: both, type: push}
    process:
      - {type: note, settings: {connector: both, value: body}}
  - name: stage
    process:
      - {type: set-payload, settings: {value: env.STAGE}}
  - name: shouts
    process:
      - {type: log, name: shout, settings: {level: error, message: '"ouch"'}}
  - name: clocked
    source: {type: cron, settings: {schedule: "@every 1s"}}
    process:
      - {type: set-payload, name: tick, settings: {value: string(now)}}
"""


@pytest.fixture
def configs(plugins: Plugins) -> Configs:
    def read(path: Path, environ: Mapping[str, str]) -> Config:
        return load(path, plugins, environ)

    return Configs(read)


@pytest.fixture
def planned(tmp_path: Path, configs: Configs) -> Callable[..., Plan]:
    """Return the plan of a test file, given as text. Raises `ConfigError` as `plan` does."""

    def make(text: str, flows: str = FLOWS, **options: object) -> Plan:
        (tmp_path / "shop.yaml").write_text(flows)
        (tmp_path / "shop_test.yaml").write_text(text)
        return plan([tmp_path / "shop_test.yaml"], configs, **options)

    return make


@pytest.fixture
def outcomes(planned: Callable[..., Plan], configs: Configs) -> Callable[..., list[Outcome]]:
    """Return the outcomes of the cases of a test file."""

    def run(text: str, *observers: Observer) -> list[Outcome]:
        return [run_case(case, configs, observers=observers) for case in planned(text).cases]

    return run
