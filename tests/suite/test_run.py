"""A case runs in its own loop, with its stubs and mocks, and within its time, whatever happens in it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from octo import KeyValue, Message, Settings, block
from octo.config.documents import FlowDoc
from octo.core.flow import Processor
from octo.core.plugins import Plugins
from octo.engine.observe import Build, Observer
from octo.engine.step import Step
from octo.suite import Outcome, run_case
from octo.testing.probe import history


@block("count-up")
async def count_up(settings: Settings, message: Message, store: KeyValue) -> Message:
    return message.with_body(await store.increment("test", "count"))


@pytest.fixture
def plugins(plugins: Plugins) -> Plugins:
    return plugins.joined(Plugins.of([count_up]))


def only(outcomes: list[Outcome]) -> Outcome:
    (outcome,) = outcomes
    return outcome


def told(outcome: Outcome) -> list[str]:
    return [failure.summary for failure in outcome.failures]


def test_a_message_in_and_a_body_out(outcomes):
    outcome = only(outcomes("{flow: greet, cases: [{name: a, input: {data: {name: Ada}}, expect: {body: hello Ada}}]}"))

    assert outcome.status == "passed"
    assert outcome.happened[0].result.body == "hello Ada"
    assert outcome.reproduce == ""


def test_raw_content_and_bytes_come_in_and_are_expected(outcomes):
    """Bytes are `!!binary`; the text that JSON makes of them says them too."""
    case = "{name: a, input: {contentType: %s, data: %s}, expect: {body: {contentType: %s, rawData: %s}}}"
    cases = [
        case % ("image/png", "!!binary /9g=", "image/png", "!!binary /9g="),
        case % ("image/png", "!!binary /9g=", "image/png", "/9g="),
        case % ("text/csv", "a;b", "text/csv", "a;b"),
        case % ("image/png", "!!binary /9g=", "image/png", "!!binary /9k="),
    ]
    found = [only(outcomes(f"{{flow: same, cases: [{each}]}}")) for each in cases]

    assert [each.status for each in found] == ["passed", "passed", "passed", "failed"]
    assert found[0].happened[0].result.raw
    assert '"rawData": <ff d8>' in found[3].failures[0].detail


def test_a_failure_says_where_in_the_flow_file(outcomes, tmp_path):
    outcome = only(outcomes("{flow: greet, cases: [{name: a, input: {data: {}}}]}"))

    assert outcome.status == "failed"
    assert outcome.failures[0].summary.startswith(
        'the flow failed: block "greet": set-payload value: evaluate expression: no such key: name'
    )
    assert outcome.failures[0].detail == f"at {tmp_path / 'shop.yaml'}:8:77"


def test_a_skipped_case_never_runs(outcomes):
    outcome = only(outcomes("{flow: greet, cases: [{name: a, skip: no key here}]}"))

    assert (outcome.status, outcome.reason, outcome.happened) == ("skipped", "no key here", ())


def test_services_are_new_for_each_case(planned, configs):
    """What one case keeps no other sees; the calls of a case share it."""
    twice = "calls: [{expect: {body: 1}}, {expect: {body: 2}}]"
    flows = "flows: [{name: f, process: [{type: count-up}]}]"
    cases = planned(f"{{flow: f, cases: [{{name: a, {twice}}}, {{name: b, {twice}}}]}}", flows=flows).cases
    found = [run_case(case, configs) for case in cases]

    assert [outcome.status for outcome in found] == ["passed", "passed"], [told(each) for each in found]


def test_a_stub_is_opened_in_place_of_the_connector(outcomes):
    text = "{flow: note, stubs: {probe: {notes: [1]}}, cases: [{name: a, input: {data: 2}}]}"

    assert only(outcomes(text)).status == "passed"
    assert history == []


def test_without_a_stub_the_connector_is_opened_and_closed(outcomes):
    assert only(outcomes("{flow: note, cases: [{name: a}]}")).status == "passed"
    assert history == ["open probe", "close probe"]


def test_a_connector_that_only_mocked_blocks_use_is_not_opened(outcomes):
    text = """
        flow: note
        cases:
          - {name: mocked, mocks: {note.note: {body: 1}}, expect: {body: 1}}
          - {name: mocked and stubbed, stubs: {probe: {}}, mocks: {note.note: {body: 1}}, expect: {body: 1}}
    """

    assert [outcome.status for outcome in outcomes(text)] == ["passed", "passed"]
    assert history == []


def test_a_connector_that_does_not_open_is_an_error_of_the_case(outcomes):
    outcome = only(outcomes('{flow: note, env: {REFUSE: "true"}, cases: [{name: a}]}'))

    assert outcome.status == "errored"
    assert outcome.reason.startswith('octo rejected the run: connector "probe" (probe) did not start')


def test_a_trigger_goes_through_the_source_and_answers_what_the_outside_sees(outcomes):
    outcome = only(
        outcomes(
            "{flow: pushed, cases: [{name: a, trigger: {body: 1}, expect: {reply: {body: {got: 1}}, body: {got: 1}}}]}"
        )
    )

    assert outcome.status == "passed", told(outcome)
    assert history == []


def test_a_connector_that_only_feeds_needs_no_stub_written(planned):
    (case,) = planned("{flow: pushed, cases: [{name: a, trigger: {body: 1}}]}").cases

    assert list(case.stubs) == ["probe"]


def test_a_triggered_connector_that_blocks_use_too_takes_its_stub_from_the_file(outcomes):
    text = "{flow: pushed-and-called, stubs: {both: {}}, cases: [{name: a, trigger: {body: 1}, expect: {body: 1}}]}"

    assert only(outcomes(text)).status == "passed"


def test_calls_share_one_running_configuration(outcomes):
    text = """
        flow: note
        cases:
          - name: a
            calls:
              - {input: {data: 1}, spies: {note.note: {count: 1}}}
              - {input: {data: 2}, spies: {note.note: {count: 1, records: [{input: {body: 2}}]}}}
              - {flow: greet, input: {data: {name: Ada}}, expect: {body: hello Ada}}
            spies: {note.note: {count: 2}}
    """

    assert only(outcomes(text)).status == "passed"
    assert history == ["open probe", "close probe"]


def test_time_passes_between_calls_without_counting_as_the_case_s_own(outcomes):
    text = """
        flow: greet
        clock: virtual
        timeout: 1s
        cases:
          - name: a
            calls:
              - after: 1h
              - {after: 1h, flow: clocked, expect: {body: "2026-01-01T02:00:00Z"}}
              - {flow: clocked, expect: {that: ['now == timestamp("2026-01-01T02:00:00Z")']}}
    """
    outcome = only(outcomes(text))

    assert outcome.status == "passed", told(outcome)


def test_sources_run_by_themselves_when_asked(outcomes):
    text = """
        flow: clocked
        clock: virtual
        cases:
          - {name: fed, sources: true, calls: [{after: 10s}], spies: {clocked.tick: {count: 10}}}
          - {name: unfed, calls: [{after: 10s}], spies: {clocked.tick: {count: 0}}}
    """

    assert [outcome.status for outcome in outcomes(text)] == ["passed", "passed"]


def test_the_source_of_a_flow_that_a_spy_names_runs_too(outcomes):
    """A queue may lead from the called flow to it, which no `flow-ref` says."""
    text = """
        flow: greet
        clock: virtual
        cases:
          - {name: fed, sources: true, calls: [{after: 10s}], spies: {clocked.tick: {count: 10}}}
          - {name: unfed, calls: [{after: 10s}], spies: {clocked.tick: {count: 0}}}
    """

    assert [outcome.status for outcome in outcomes(text)] == ["passed", "passed"]


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_a_call_that_its_time_runs_out_on_has_failed(outcomes, clock):
    outcome = only(outcomes(f"{{flow: wait, clock: {clock}, timeout: 50ms, cases: [{{name: a}}]}}"))

    assert told(outcome) == ['the flow failed: flow "wait" did not finish within 0.05s']


def test_later_calls_are_never_silently_left_out(outcomes):
    text = "{flow: wait, timeout: 50ms, cases: [{name: a, calls: [{expect: {error: finish}}, {flow: greet}]}]}"
    outcome = only(outcomes(text))

    assert (outcome.status, outcome.reason) == ("errored", "octo did not finish within 0.05s")


def test_the_log_of_a_case_is_its_own(outcomes):
    from octo.suite.logs import quiet

    with quiet():
        loud, silent = outcomes(
            """
            flow: shouts
            cases: [{name: a}, {name: b, mocks: {shouts.shout: {body: 1}}}]
            """
        )

    assert [line.split(" ", 1)[1].split(" event_id")[0] for line in loud.log] == ["level=ERROR msg=ouch flow=shouts"]
    assert silent.log == ()


def test_observers_watch_what_the_case_left_of_the_flow(outcomes):
    """Observers such as coverage and contracts see the flow with the mocks in place."""
    seen: list[str] = []

    class Watch(Observer):
        def step(self, step: Step) -> Step:
            seen.append(f"{step.address} calls {step.connector}")
            return step

        def branch(self, address: str, chain: Processor) -> Processor:
            seen.append(address)
            return chain

    outcome = only(outcomes("{flow: note, cases: [{name: a, mocks: {note.note: {body: 1}}}]}", Watch()))

    assert outcome.status == "passed"
    assert seen == ["note.note calls None", "note"]


def test_an_observer_that_breaks_takes_only_its_case_along(outcomes):
    class Broken(Observer):
        def step(self, step: Step) -> Step:
            raise RuntimeError("oh")

    outcome = only(outcomes("{flow: greet, cases: [{name: a}]}", Broken()))

    assert (outcome.status, outcome.reason) == ("errored", "octo broke: RuntimeError: oh")


def test_a_source_that_passes_failures_on_is_told_by_the_ending_of_the_flow(outcomes):
    text = """
        flow: pushed
        mocks: {pushed.answer: {error: broken}}
        cases: [{name: a, trigger: {}, expect: {error: broken}}, {name: b, trigger: {}}]
    """
    passed, failed = outcomes(text)

    assert passed.status == "passed"
    assert told(failed) == ['the flow failed: block "answer": broken']


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError(), KeyError("k")])
def test_whatever_a_flow_raises_ends_only_its_case(outcomes, error):
    class Raises(Observer):
        def flow(self, doc: FlowDoc, build: Build) -> Processor:
            def run(message: Message) -> Message:
                raise error

            return run

    outcome = only(outcomes("{flow: greet, cases: [{name: a}]}", Raises()))

    assert outcome.status == "errored"
    assert type(error).__name__ in outcome.reason


def test_nothing_of_a_case_outlives_it(outcomes):
    before = threading.active_count()

    outcomes("{flow: wait, timeout: 20ms, cases: [{name: a}, {name: b}, {name: c}]}")

    assert threading.active_count() == before
