"""Stubs of test files stand in for the connectors of a configuration that runs outside of a test."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.suite.stubs import Asked, with_stubs

FLOWS = """
env: [{name: STAGE, default: dev}]
connectors:
  - {name: web, type: http}
  - {name: bank, type: http-client, settings: {baseURL: "https://bank.example.com"}}
  - {name: desk, type: http-client, settings: {baseURL: "https://desk.example.com/${STAGE}"}}
flows:
  - name: f
    source: {connector: web, type: http, settings: {path: /}}
    process:
      - {type: rest, name: pay, settings: {connector: bank}}
      - {type: rest, name: ask, settings: {connector: desk}}
"""

SUITE = """
flow: f
env: {STAGE: test}
stubs:
  web: {}
  bank: {answers: [{body: of the file}]}
cases:
  - {name: plain}
  - {name: "bank: gone", stubs: {bank: {answers: [{error: connect}]}, desk: {answers: [{body: 1}]}}, env: {STAGE: gone}}
  - {name: no bank, stubs: {bank: null, desk: {}}}
"""


@pytest.fixture
def stubbed(tmp_path, plugins):
    """The connectors of the configuration, with the stubs of texts; a text after `::` names a case."""

    def run(*suites: tuple[str, str]):
        asked = []
        for number, (text, case) in enumerate(suites):
            file = tmp_path / f"s{number}_test.yaml"
            file.write_text(text)
            asked.append(Asked(file, case))
        return with_stubs(asked, lambda env: parse(FLOWS, plugins, env)).connectors

    return run


def problems(stubbed, *suites):
    with pytest.raises(ConfigError) as caught:
        stubbed(*suites)
    return [(each.code, f"{each.message} | {each.hint}") for each in caught.value.problems]


def bodies(connectors):
    """The body or error of the first answer of each stub."""
    stubs = {name: doc.stub for name, doc in connectors.items() if doc.stub is not None}
    return {name: stub.answers[0].error or stub.answers[0].body if stub.answers else "" for name, stub in stubs.items()}


@pytest.mark.parametrize(
    ("text", "file", "case"),
    [("a.yaml", "a.yaml", ""), ("a.yaml::", "a.yaml", ""), ("d/a.yaml:: x: y::z ", "d/a.yaml", "x: y::z")],
)
def test_a_case_is_named_behind_two_colons(text, file, case):
    asked = Asked.parse(text)

    assert (str(asked.file), asked.case) == (file, case)


def test_those_of_the_file_count_and_not_those_of_its_cases(stubbed):
    assert bodies(stubbed((SUITE, ""))) == {"bank": "of the file"}


@pytest.mark.parametrize("name", ["bank: gone", "GONE"])
def test_those_of_a_named_case_win(stubbed, name):
    assert bodies(stubbed((SUITE, name))) == {"bank": "connect", "desk": 1}


def test_null_in_a_case_leaves_the_connector_real(stubbed):
    assert bodies(stubbed((SUITE, "no bank"))) == {"desk": ""}


@pytest.mark.parametrize(("name", "stage"), [("", "test"), ("gone", "gone")])
def test_the_variables_come_along(stubbed, name, stage):
    assert stubbed((SUITE, name))["desk"].settings.base_url.endswith(f"/{stage}")


def test_of_two_files_the_later_one_wins(stubbed):
    later = "{flow: f, env: {STAGE: later}, stubs: {bank: {answers: [{body: later}]}}, cases: [{name: x}]}"

    assert bodies(stubbed((SUITE, ""), (later, ""))) == {"bank": "later"}
    assert stubbed((SUITE, ""), (later, ""))["desk"].settings.base_url.endswith("/later")


def test_what_feeds_flows_and_has_nothing_to_say_stays_real(stubbed):
    """Otherwise nothing would come in: the stub of an `http` connector opens no port."""
    assert stubbed((SUITE, ""))["web"].stub is None


@pytest.mark.parametrize(
    ("connector", "source", "is_real"),
    [
        ("type: queue", "type: queue, settings: {subject: s}", True),
        ("type: events", "type: events, settings: {subject: s}", True),
        ("type: cron", 'type: cron, settings: {schedule: "@daily"}', True),
        ("type: mqtt, settings: {url: mqtt://localhost}", "type: mqtt, settings: {topics: [s]}", False),
        ("type: nats, settings: {url: nats://localhost}", "type: nats, settings: {subject: s}", False),
        (
            "type: kafka, settings: {brokers: ['localhost:9092']}",
            "type: kafka, settings: {topics: [s], group: g}",
            False,
        ),
    ],
)
def test_what_feeds_flows_from_a_server_is_replaced(tmp_path, plugins, connector, source, is_real):
    """That the server is not there is what `--stubs` is for; its flows get nothing then."""
    file = tmp_path / "s_test.yaml"
    file.write_text("{flow: f, stubs: {c: {}}, cases: [{name: x}]}")
    flow = "{connectors: [{name: c, %s}], flows: [{name: f, source: {connector: c, %s}, process: []}]}"
    config = with_stubs([Asked(file)], lambda env: parse(flow % (connector, source), plugins, env))
    assert (config.connectors["c"].stub is None) == is_real


def test_mistakes_of_the_test_file_are_told_with_their_place(stubbed):
    wrong = "flow: f\nstubs: {bnak: {}, desk: {answers: [{staus: 1}]}}\ncases: [{name: x}]"

    assert [code for code, _ in problems(stubbed, (wrong, ""))] == ["OCTO-T107", "OCTO-C111"]


def test_mistakes_of_expectations_are_nothing_to_run(stubbed):
    """They would stop a test, not a run: only the shape of the file is checked."""
    text = "flow: gone\nstubs: {bank: {}}\ncases: [{name: x, mocks: {no.where: {}}}]"

    assert stubbed((text, ""))["bank"].stub is not None


@pytest.mark.parametrize(
    ("text", "case", "says"),
    [
        (SUITE, "bnk", "no case of the file is named"),
        (SUITE, "bank", 'in the names of several cases | there are: "bank: gone", "no bank"'),
        ("{flow: f, mocks: {f.pay: {body: 1}}, cases: [{name: x}]}", "", "no `stubs` that could answer | write"),
        ("{flow: f, cases: [{name: x, stubs: {bank: {}}}]}", "", "cases have some: name one"),
    ],
)
def test_stubs_that_are_not_there_are_refused(stubbed, text, case, says):
    ((code, told),) = problems(stubbed, (text, case))

    assert code == "OCTO-T111"
    assert says in told


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        with_stubs([Asked(tmp_path / "none_test.yaml")], lambda _: pytest.fail("nothing to read it for"))


def test_a_cassette_stands_in_and_is_watched(tmp_path, plugins):
    """An edited cassette is another stub, so its connector is opened anew; an equal one is not."""
    head = "{cassette: 1, of: http-client, exchanges: [{request: {method: GET, path: /}, reply: {status: "
    (tmp_path / "s_test.yaml").write_text("{flow: f, stubs: {bank: {cassette: bank.yaml}}, cases: [{name: a}]}")

    def read(status):
        (tmp_path / "bank.yaml").write_text(f"{head}{status}}}}}]}}")
        return with_stubs([Asked(tmp_path / "s_test.yaml")], lambda env: parse(FLOWS, plugins, env))

    first, same, other = read(200), read(200), read(404)

    assert tmp_path / "bank.yaml" in first.watched
    stubs = [each.connectors["bank"].stub for each in (first, same, other)]
    assert (stubs[0] == stubs[1], stubs[0] == stubs[2]) == (True, False)
