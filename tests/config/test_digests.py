"""Digests tell a change of what is written, and no change of how."""

from __future__ import annotations

import pytest

from octo.builtin import plugins as builtin
from octo.config.components import components
from octo.config.digests import digest, flow_digest
from octo.config.load import check, draft
from octo.config.report import Report
from octo.config.yaml import read

BUILTIN = builtin()


def parts(text: str):
    report = Report()
    file = read(text.encode(), "flow.yaml", report)
    assert file is not None
    found = draft([file], None, BUILTIN, None, report)
    check(found)
    return components(found.context)


def of(text: str) -> str:
    """The digest of the first component."""
    return digest(parts(text)[0])


def blocks(text: str) -> dict[str, str]:
    return {each.name: digest(each) for each in parts(text) if each.kind == "block"}


def flow(text: str) -> str:
    found = parts(text)
    return flow_digest(found[0], found[1:])


WEB = "connectors: [{name: c, type: http-client, settings: {baseURL: 'https://a.example', timeout: 3s}}]"
DATABASE = "connectors: [{name: c, type: database, settings: {driver: postgres, dsn: '%s'}}]"


@pytest.mark.parametrize(
    "other",
    [
        "# said\nconnectors:\n- name: c\n  type: http-client\n  settings:\n    timeout: 3s\n    baseURL: https://a.example\n",
        WEB.replace("timeout: 3s", "timeout: 3s, headers: "),
        WEB.replace("3s", '"3s"'),
    ],
)
def test_the_same_settings_have_the_same_digest(other: str):
    assert of(other) == of(WEB)


@pytest.mark.parametrize(
    "other", [WEB.replace("3s", "4s"), WEB.replace("https://a.example", "${A}"), WEB.replace("3s", "3s, headers: {}")]
)
def test_other_settings_have_another(other: str):
    assert of(other) != of(WEB)


def test_a_secret_does_not_count():
    """Else it could be guessed from the digest. Where it leads counts, and so does the variable that it is in."""
    usual = of(DATABASE % "postgres://octo:one@db/shop")

    assert of(DATABASE % "postgres://octo:two@db/shop") == usual
    assert of(DATABASE % "postgres://octo:one@db/stage") != usual
    assert of(DATABASE % "postgres://octo:one@other/shop") != usual
    assert of(DATABASE % "postgres://octo:${A}@db/shop") != usual
    assert of(DATABASE % "host=db password=one") == of(DATABASE % "host=db password=two")


CHAIN = "flows: [{name: f, process: [{type: if, condition: 'true', then: [{type: log, message: '1'}]}]}]"


def test_a_block_has_its_own_digest():
    """A change inside a composite is one of that block, and of the flow; a further block is one of the composite."""
    changed, more = CHAIN.replace("'1'", "'2'"), CHAIN.replace("'1'}", "'1'}, {type: log, message: '1'}")

    assert {name for name, found in blocks(CHAIN).items() if blocks(changed)[name] != found} == {"f.if[then].log"}
    assert blocks(more)["f.if"] != blocks(CHAIN)["f.if"]
    assert len({flow(each) for each in (CHAIN, changed, more)}) == 3


def test_a_processor_counts_for_the_blocks_that_use_it():
    text = "processors: [{name: p, type: log, settings: {message: '1'}}]\nflows: [{name: f, process: [{ref: p}]}]"

    assert blocks(text)["f.log"] != blocks(text.replace("'1'", "'2'"))["f.log"]


def test_the_source_counts_for_its_flow():
    text = "flows: [{name: f, source: {type: cron, settings: {schedule: '@daily'}}, process: []}]"

    assert flow(text) != flow(text.replace("daily", "hourly"))
    assert flow(text) != flow(text.replace("process", "workers: 1, process"))
