"""octo top: one frame for scripts, a picture for people, and a message when no Octo answers."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time

import pytest
from rich.console import Console

from octo.cli.top import Frame, View
from octo.operations.rates import BlockPace, ErrorPace, FlowPace, Pace

STATUS = {
    "version": "1.2.3",
    "name": "shop",
    "config": "shop.yaml",
    "uptime": 192.0,
    "generation": {"number": 3, "since": ""},
    "ready": True,
    "reasons": [],
    "refused": None,
    "loop_lag": 0.0031,
    "memory": 98 * 2**20,
    "processes": [{}, {}],
}

FLOWS = [
    FlowPace("orders", Pace(123.44, 0.0, 0.0012, 0.0089), 3, 8, 64, 256),
    FlowPace("audit[x]", Pace(1.0, 0.5, None, None), 0, 1, 0, 0),
    FlowPace("billing", Pace(0.0, 9.0, 0.00005, 61.0), 0, 1, 256, 256),
]
BLOCKS = [BlockPace("orders", "orders.check[then].charge", "rest", Pace(2.0, 0.0, 0.07, 0.1))]


def frame(**changed):
    return Frame({**STATUS, **changed}, FLOWS, BLOCKS)


def drawn(view, shown, width=80):
    """The picture as plain lines."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(view.render(shown, width=width))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_frame_fits_in_80_columns():
    lines = drawn(View(), frame())

    assert lines == [
        "octo 1.2.3  shop  up 3m12s  generation 3  2 processes  lag 3.1 ms  98 MiB  ready",
        "",
        "flow               rate/s  errors/s     p50     p99  in flight  waiting",
        "orders              123.4       0.0  1.2 ms  8.9 ms        3/8  ▮▮▯▯▯▯▯▯ 64/256",
        "audit[x]              1.0       0.5       -       -        0/1  ▯▯▯▯▯▯▯▯ 0/0",
        "billing               0.0       9.0   50 µs    61 s        0/1  ▮▮▮▮▮▮▮▮ 256/256",
    ]


@pytest.mark.parametrize(
    ("width", "table"),
    [
        (
            60,
            [
                "flow            rate/s  errors/s     p99  in flight  waiting",
                "orders           123.4       0.0  8.9 ms        3/8  64/256",
                "audit[x]           1.0       0.5       -        0/1  0/0",
                "billing            0.0       9.0    61 s        0/1  256/256",
            ],
        ),
        (
            50,
            [
                "flow             rate/s  errors/s     p99  waiting",
                "orders            123.4       0.0  8.9 ms  64/256",
                "audit[x]            1.0       0.5       -  0/0",
                "billing             0.0       9.0    61 s  256/256",
            ],
        ),
    ],
)
def test_on_a_narrow_terminal_figures_give_way_to_names(width, table):
    assert drawn(View(), frame(), width)[-4:] == table


def test_a_process_that_does_not_answer_is_not_called_ready():
    lines = drawn(View(), frame()._replace(lost="no answer from 127.0.0.1:1"), width=120)

    assert lines[0].endswith("no answer")
    assert lines[1] == "  no answer from 127.0.0.1:1"


def test_a_name_cannot_command_the_terminal():
    evil = [FLOWS[0]._replace(name="a\x1b[2Jb\n")]

    lines = drawn(View(), Frame({**STATUS, "name": "\x1b]0;x\x07"}, evil, []))

    assert "\x1b" not in "".join(lines)
    assert lines[-1].startswith("a·[2Jb·")


def test_a_wide_terminal_is_used():
    assert max(map(len, drawn(View(), frame(), width=140))) > 120


def test_blocks_of_the_selected_flow_are_shown_by_their_whole_address():
    lines = drawn(View("orders"), frame())

    assert lines[-2].startswith("blocks of orders")
    assert lines[-1].startswith("check[then].charge (rest)")
    assert len(drawn(View("billing"), frame())) == len(drawn(View(), frame()))


def test_why_it_is_not_ready_and_what_was_refused_is_said():
    problem = {"file": "shop.yaml", "line": 3, "code": "OCTO-C101", "message": "unknown key"}
    shown = frame(ready=False, reasons=["draining"], refused={"at": "", "problems": [problem]}, generation=None)

    lines = drawn(View(), shown, width=120)

    assert "not ready" in lines[0]
    assert "generation -" in lines[0]
    assert lines[1:3] == ["  draining", "  the last edit was refused: shop.yaml:3: OCTO-C101: unknown key"]


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        ("j", "orders"),
        ("jj", "audit[x]"),
        ("jjjjj", "billing"),
        ("jjk", "orders"),
        ("kk", "orders"),
        (["\x1b[B", "\x1b[B", "\x1b[A"], "orders"),
        ("ej", "billing"),
        ("eejj", "audit[x]"),
    ],
)
def test_keys_select_a_flow(keys, selected):
    view = View()

    assert all(view.press(key, frame()) for key in keys)
    assert view.selected == selected


def names(view):
    return [flow.name for flow in view.flows(frame())]


def test_errors_come_first_when_asked():
    view = View()
    view.press("e", frame())

    assert names(view) == ["billing", "audit[x]", "orders"]


def test_a_filter_is_typed_kept_and_cleared():
    view = View(keys="q quit")
    for key in "/ILx\x7f":
        view.press(key, frame())
    assert names(view) == ["billing"]
    assert drawn(view, frame())[-1] == "/IL▏"

    view.press("\n", frame())
    assert drawn(view, frame())[-1] == "/IL"
    assert names(view) == ["billing"]

    view.press("\x1b", frame())
    assert len(names(view)) == 3
    assert drawn(view, frame())[-1] == "q quit"


ERRORS = [
    ErrorPace("orders", "orders.charge", "OCTO-R140", 2.0, 40),
    ErrorPace("billing", "billing.pay", "OCTO-E202", 0.0, 700),
    ErrorPace("billing", "", "", 0.0, 3),
]


def test_the_top_errors_are_named_with_code_and_block():
    lines = drawn(View(), frame()._replace(errors=ERRORS))

    assert [" ".join(line.split()) for line in lines[-4:]] == [
        "errors (octo explain CODE) errors/s since start",
        "OCTO-R140 orders.charge 2.0 40",
        "OCTO-E202 billing.pay 0.0 700",
        "others billing 0.0 3",
    ]


def test_the_errors_of_the_selected_flow_are_shown_alone():
    picture = "\n".join(drawn(View("orders"), frame()._replace(errors=ERRORS)))

    assert "OCTO-R140" in picture
    assert "OCTO-E202" not in picture


def test_few_errors_are_shown_and_flows_have_room():
    errors = [ErrorPace("orders", f"orders.b{number}", "OCTO-E202", 1.0, 1) for number in range(50)]

    assert sum("OCTO-E202" in line for line in drawn(View(), frame()._replace(errors=errors))) == 5


def test_a_block_that_made_up_its_code_cannot_command_the_terminal():
    evil = [ErrorPace("orders", "orders.x", "\x1b[2J", 1.0, 1)]

    assert "\x1b" not in "".join(drawn(View(), frame()._replace(errors=evil)))


def noted(*rates):
    """A view that has seen the flow `orders` with these rates."""
    view = View()
    for rate in rates:
        view.note(frame()._replace(flows=[FLOWS[0]._replace(pace=FLOWS[0].pace._replace(rate=rate))]))
    return view


@pytest.mark.parametrize(
    ("rates", "trend"),
    [
        ((0.0, 1.0, 50.0, 100.0), "    ▁▂▅█"),
        ((5.0, 5.0), "      ██"),
        ((0.0, 0.0), "      ▁▁"),
        ((9.0, *[0.0] * 7, 3.0), "▁▁▁▁▁▁▁█"),
        ((100.0, 0.001), "      █▂"),
    ],
)
def test_a_trend_shows_the_last_rates_of_a_flow(rates, trend):
    (line,) = (each for each in drawn(noted(*rates), frame()) if each.startswith("orders"))

    assert trend in line


def test_the_first_frame_has_no_trend():
    assert "trend" not in drawn(noted(1.0), frame(), 140)[2]


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (140, "flow rate/s errors/s p50 p99 trend in flight waiting"),
        (80, "flow rate/s errors/s p50 p99 trend in flight waiting"),
        (62, "flow rate/s errors/s p99 trend waiting"),
        (50, "flow rate/s errors/s p99 waiting"),
    ],
)
def test_on_a_narrow_terminal_the_trend_gives_way_too(width, titles):
    assert titles in [" ".join(line.split()) for line in drawn(noted(1.0, 2.0), frame(), width)]


def test_a_frame_that_is_out_of_date_adds_nothing_to_the_trend():
    view = noted(1.0)
    view.note(frame()._replace(lost="no answer"))

    assert "trend" not in drawn(view, frame(), 140)[2]


@pytest.mark.parametrize(
    ("view", "blocks", "hints"),
    [
        (View(keys="q quit"), [], True),
        (View("orders"), [], True),
        (View(keys="q quit"), BLOCKS, False),
        (View(), [], False),
    ],
)
def test_how_blocks_are_measured_is_told_where_none_are(view, blocks, hints):
    lines = drawn(view, frame()._replace(blocks=blocks))

    assert any("octo run --metrics-blocks" in line for line in lines) is hints


def test_stubs_are_told():
    connectors = [{"name": "web", "stub": False}, {"name": "bank", "stub": True}, {"name": "old"}]

    assert drawn(View(), frame(connectors=connectors))[1] == "  stubs, not real: bank"


def test_a_low_terminal_shows_the_flows_around_the_selected_one():
    flows = [FLOWS[0]._replace(name=f"flow-{number}") for number in range(100)]
    shown = Frame(STATUS, flows, [])

    def visible(selected, height):
        out = io.StringIO()
        Console(file=out, width=80).print(View(selected).render(shown, height))
        return re.findall(r"^flow-\d+", out.getvalue(), re.MULTILINE)

    assert visible("", 24) == [f"flow-{number}" for number in range(15)]
    assert "flow-50" in visible("flow-50", 24)
    assert visible("flow-99", 24)[-1] == "flow-99"
    assert len(visible("flow-50", 3)) == 5
    assert len(visible("", 0)) == 100


def test_a_q_in_a_filter_does_not_quit():
    view = View()

    assert view.press("/", frame())
    assert view.press("q", frame())
    assert view.press("\x1b", frame())
    assert not view.press("q", frame())


FLOW = """
connectors: [{name: web, type: http, settings: {host: 127.0.0.1, port: 0}}]
flows:
  - name: hello
    source: {connector: web, type: http, settings: {path: /}}
    process: [{type: set-payload, value: '"hi"'}]
"""


@pytest.fixture
def running(octo, port, tmp_path):
    """The address of a running Octo's operations port."""
    (tmp_path / "flow.yaml").write_text(FLOW)
    octo("run", "flow.yaml", f"--admin-addr=127.0.0.1:{port}", "--metrics-blocks=*")
    return f"127.0.0.1:{port}"


def test_once_prints_one_plain_frame(command, running):
    code, out, err = command("top", "--admin-addr", running, "--once", "--flow", "hello", "--interval", "0.1")

    assert (code, err) == (0, "")
    assert re.match(r"octo \d+\.\d+\.\d+  flow\.yaml  up \d+s  generation 1  lag .*  \d+ MiB  ready", out)
    assert re.search(r"^hello +0\.0 +0\.0 +- +- +0/256 ", out, re.MULTILINE)
    assert "set-payload (set-payload)" in out
    assert "\x1b" not in out


def test_nobody_there_is_1_and_says_what_to_do(command, port):
    code, out, err = command("top", "--admin-addr", f"127.0.0.1:{port}")

    assert (code, out) == (1, "")
    assert f"no answer from 127.0.0.1:{port}" in err
    assert "--admin-addr HOST:PORT" in err


def test_something_else_there_is_said_so(command, octo, port, tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW.replace("port: 0", f"port: {port}"))
    octo("run", "flow.yaml", "--admin-addr=off")

    code, _, err = command("top", "--admin-addr", f"127.0.0.1:{port}")

    assert code == 1
    assert "but is not an operations port" in err


def test_a_wrong_address_is_2(command):
    assert command("top", "--admin-addr", "nonsense")[0] == 2


def test_in_a_terminal_it_runs_until_q_and_leaves_the_terminal_as_it_was(running):
    terminal, inside = pty.openpty()
    before = termios.tcgetattr(inside)
    child = subprocess.Popen(
        [sys.executable, "-m", "octo", "top", "--admin-addr", running, "--interval", "0.1"],
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        stdin=inside,
        stdout=inside,
        start_new_session=True,
    )
    seen = b""
    end = time.monotonic() + 60
    while b"hello" not in seen:
        assert time.monotonic() < end
        seen += read(terminal)
    os.write(terminal, b"j")
    while b"blocks of hello" not in seen:
        assert time.monotonic() < end
        seen += read(terminal)
    os.write(terminal, b"q")
    assert child.wait(60) == 0
    while rest := read(terminal):
        seen += rest

    assert termios.tcgetattr(inside) == before
    assert b"\x1b[?1049h" in seen
    assert seen.rindex(b"\x1b[?1049l") > seen.rindex(b"hello")


def read(terminal):
    return os.read(terminal, 65536) if select.select([terminal], [], [], 0.05)[0] else b""
