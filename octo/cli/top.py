"""`octo top`: what the flows of a running Octo do, second by second."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from octo.cli import exits
from octo.cli.ports import nobody, port_option
from octo.cli.project import Number
from octo.core.printable import printable
from octo.operations.address import parse
from octo.operations.client import Client, Unreachable
from octo.operations.rates import BlockPace, ErrorPace, FlowPace, Pace, Rates

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

LEAST, AROUND = 5, 9
"""At least so many flows are shown, however low the terminal is; so many lines are needed for everything else."""
TREND = 8
"""Width, in characters, of the line that shows the last rates of a flow."""
ERRORS = 5
"""At most so many kinds of errors are shown."""
NOT_MEASURED = "Blocks are not measured: octo run --metrics-blocks '*' shows which one is slow."
BARS = "▁▂▃▄▅▆▇█"
KEYS = "q quit   j k select   e by errors   / filter"
BAR = 8
"""Width, in characters, of the bar that shows how full a flow's line is."""
GAP = 2
"""Characters between columns."""
NAME = 12
"""Least width of a name, in characters: on a narrow terminal, bars and columns are left out to keep it."""
GIVE_WAY = ("p50", "in flight", "trend", "waiting", "p99")
"""The columns that are left out on a narrow terminal, the least important first."""

Cells = dict[str, list["Text"]]
"""The cells of each column by its title. The first column, with the names, is not in it."""


@click.command("top")
@port_option
@click.option("--interval", type=Number(0.1, 60), default=1.0, show_default=True, help="Seconds between frames.")
@click.option("--flow", "-f", default="", help="Select this flow from the start.")
@click.option("--once", is_flag=True, help="Print one frame as plain text and end.")
def command(admin_addr: str, interval: float, flow: str, once: bool) -> None:
    """Show rates, errors, latencies and queues of a running Octo, refreshed every second.

    Keys: q quits, j and k or the arrows select a flow, e sorts by errors, / filters by name (Enter keeps the filter,
    Esc clears it). The blocks of the selected flow are shown if `octo run --metrics-blocks` measures them. Without a
    terminal it prints one frame. Exit code 1 means that no Octo answers at the address.
    """
    try:
        client = Client(parse(admin_addr))
        import rich  # noqa: F401
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except ImportError:
        raise click.UsageError("this needs the package rich: pip install 'octo-flows[top]'") from None
    plain = once or not (sys.stdin.isatty() and sys.stdout.isatty())
    try:
        asyncio.run(_once(client, interval, View(flow)) if plain else _watch(client, interval, View(flow, KEYS)))
    except Unreachable as error:
        nobody(error)
    except KeyboardInterrupt:
        sys.exit(exits.DONE)


class Frame(NamedTuple):
    """What is shown. status: the response of `/status`. lost: why the frame is out of date, or ""."""

    status: dict[str, Any]
    flows: list[FlowPace]
    blocks: list[BlockPace]
    errors: Sequence[ErrorPace] = ()
    lost: str = ""


async def _frames(client: Client, interval: float) -> AsyncIterator[Frame]:
    """Yield a frame after each interval. Raises `Unreachable` if the first fails; later, the old frame says why."""
    before, at, frame = await client.facts("/metrics.json", "octo_ready"), time.monotonic(), None
    while True:
        await asyncio.sleep(interval)
        try:
            after, now = await client.facts("/metrics.json", "octo_ready"), time.monotonic()
            rates = Rates(before, after, now - at)
            frame = Frame(await client.facts("/status", "version"), rates.flows(), rates.blocks(), rates.errors())
            before, at = after, now
        except Unreachable as error:
            if frame is None:
                raise
            frame = frame._replace(lost=str(error))
        yield frame


async def _once(client: Client, interval: float, view: View) -> None:
    from rich.console import Console

    async for frame in _frames(client, interval):
        console = Console(highlight=False)
        console.print(view.render(frame, width=console.width))
        return


async def _watch(client: Client, interval: float, view: View) -> None:
    from rich.live import Live

    keys: asyncio.Queue[str] = asyncio.Queue()
    frames = _frames(client, interval)
    frame = await anext(frames)
    view.note(frame)
    with _keyboard(keys), Live(screen=True, auto_refresh=False) as live:

        def draw() -> None:
            live.update(view.render(frame, *reversed(live.console.size)), refresh=True)

        async def refresh() -> None:
            nonlocal frame
            async for newest in frames:
                frame = newest
                view.note(frame)
                draw()

        async with asyncio.TaskGroup() as tasks:
            draw()
            refreshing = tasks.create_task(refresh())
            while view.press(await keys.get(), frame):
                draw()
            refreshing.cancel()


@contextmanager
def _keyboard(keys: asyncio.Queue[str]) -> Iterator[None]:
    """A context in which typed keys are put into `keys`, one at a time. Afterwards the terminal is as before."""
    import termios
    import tty

    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    loop = asyncio.get_running_loop()

    def read() -> None:
        typed = os.read(stdin, 64).decode(errors="replace")
        for each in [typed] if typed.startswith("\x1b") else typed or ["q"]:
            keys.put_nowait(each)

    tty.setcbreak(stdin)
    loop.add_reader(stdin, read)
    try:
        yield
    finally:
        loop.remove_reader(stdin)
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


# --- the picture -------------------------------------------------------------------------------------------------

_UP, _DOWN, _ESCAPE, _ERASE = ("k", "\x1b[A", "\x1bOA"), ("j", "\x1b[B", "\x1bOB"), "\x1b", ("\x7f", "\b")


class View:
    """What the user has chosen to see. It renders frames accordingly."""

    def __init__(self, selected: str = "", keys: str = "") -> None:
        self.selected = selected
        self.keys = keys
        self.by_errors = False
        self.filter = ""
        self.typing = False
        self._past: dict[str, deque[float]] = {}

    def note(self, frame: Frame) -> None:
        """Remember the rates of a frame, for the trends. One that is out of date tells nothing new."""
        for flow in () if frame.lost else frame.flows:
            self._past.setdefault(flow.name, deque(maxlen=TREND)).append(flow.pace.rate)

    def press(self, key: str, frame: Frame) -> bool:
        """Handle a key. Return whether to go on."""
        if self.typing:
            self._type(key)
        elif key == "q":
            return False
        elif key == "e":
            self.by_errors = not self.by_errors
        elif key == "/":
            self.typing, self.filter = True, ""
        elif key == _ESCAPE:
            self.filter = ""
        elif key in _UP or key in _DOWN:
            self._move(frame, -1 if key in _UP else 1)
        return True

    def _type(self, key: str) -> None:
        if key in ("\r", "\n", _ESCAPE):
            self.typing = False
            self.filter = "" if key == _ESCAPE else self.filter
        elif key in _ERASE:
            self.filter = self.filter[:-1]
        elif key.isprintable():
            self.filter += key

    def _move(self, frame: Frame, step: int) -> None:
        names = [flow.name for flow in self.flows(frame)]
        if names:
            place = names.index(self.selected) + step if self.selected in names else 0
            self.selected = names[max(0, min(place, len(names) - 1))]

    def flows(self, frame: Frame) -> list[FlowPace]:
        """The flows that match the filter, in order."""
        found = [flow for flow in frame.flows if self.filter.lower() in flow.name.lower()]
        return sorted(found, key=lambda flow: -flow.pace.errors) if self.by_errors else found

    def render(self, frame: Frame, height: int = 0, width: int = 80) -> Group:
        """The picture. With a height, it shows the flows around the selected one that fit into so many lines."""
        from rich.console import Group
        from rich.text import Text

        blocks = [block for block in frame.blocks if block.flow == self.selected]
        errors = [error for error in frame.errors if self.selected in ("", error.flow)][:ERRORS]
        below = len(blocks) + (len(errors) + 2 if errors else 0)
        room = max(LEAST, height - below - AROUND) if height else len(frame.flows)
        parts: list[Any] = [_head(frame), Text(), self._table(self._window(self.flows(frame), room), width)]
        if errors:
            parts += [Text(), _errors(errors, width)]
        if blocks:
            parts += [Text(), _blocks(self.selected, blocks, width)]
        elif (self.keys or self.selected) and not frame.blocks:
            parts.append(Text(f"\n{NOT_MEASURED}", style="dim", no_wrap=True, overflow="ellipsis"))
        if self.typing or self.filter:
            parts.append(Text(f"\n/{self.filter}{'▏' if self.typing else ''}"))
        elif self.keys:
            parts.append(Text(f"\n{self.keys}", style="dim"))
        return Group(*parts)

    def _window(self, flows: list[FlowPace], room: int) -> list[FlowPace]:
        place = next((index for index, flow in enumerate(flows) if flow.name == self.selected), 0)
        start = max(0, min(place - room // 2, len(flows) - room))
        return flows[start : start + room]

    def _table(self, flows: list[FlowPace], width: int) -> Table:
        from rich.text import Text

        cells = _paces([flow.pace for flow in flows])
        if any(len(past) > 1 for past in self._past.values()):
            cells["trend"] = [Text(_trend(self._past.get(flow.name, ()))) for flow in flows]
        cells["in flight"] = [Text(f"{flow.in_flight}/{flow.workers}") for flow in flows]
        lines = [f"{flow.waiting}/{flow.buffer}" for flow in flows]
        bars = [f"{_bar(flow.waiting, flow.buffer)} {line}" for flow, line in zip(flows, lines, strict=True)]
        cells["waiting"] = [Text(bar) for bar in bars]
        if _room(cells, width) < NAME:
            cells["waiting"] = [Text(line) for line in lines]
        return _table("flow", [flow.name for flow in flows], cells, width, self.selected)


def _head(frame: Frame) -> Text:
    from rich.text import Text

    status = frame.status
    generation = (status["generation"] or {}).get("number", "-")
    facts = [
        f"octo {status['version']}",
        status["name"] or status["config"],
        f"up {_span(status['uptime'])}",
        f"generation {generation}",
        *([f"{len(status['processes'])} processes"] if len(status["processes"]) > 1 else []),
        f"lag {_seconds(status['loop_lag'])}",
        f"{status['memory'] / 2**20:.0f} MiB",
    ]
    text = Text(printable("  ".join(facts)) + "  ", style="bold")
    state = "no answer" if frame.lost else "ready" if status["ready"] else "not ready"
    text.append(state, style="green" if state == "ready" else "red")
    trouble = [*status["reasons"], *_stubs(status), *_refused(status["refused"]), *([frame.lost] if frame.lost else [])]
    text.append("".join(f"\n  {printable(each)}" for each in trouble), style="not bold red")
    return text


def _stubs(status: dict[str, Any]) -> list[str]:
    names = [each["name"] for each in status.get("connectors", ()) if each.get("stub")]
    return [f"stubs, not real: {', '.join(names)}"] if names else []


def _refused(refused: dict[str, Any] | None) -> list[str]:
    if refused is None:
        return []
    first = refused["problems"][0]
    place = f"{first['file']}:{first['line']}: " if first.get("file") else ""
    return [f"the last edit was refused: {place}{first['code']}: {first['message']}"]


def _table(first: str, names: list[str], cells: Cells, width: int, selected: str = "") -> Table:
    """A table with as many columns as leave room for the names."""
    from rich.table import Table
    from rich.text import Text

    for each in GIVE_WAY:
        if _room(cells, width) < NAME:
            cells.pop(each, None)
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    table.add_column(Text(printable(first)), ratio=1, no_wrap=True, overflow="ellipsis")
    for title in cells:
        table.add_column(title, justify="left" if title == "waiting" else "right", no_wrap=True)
    for name, *row in zip(names, *cells.values(), strict=True):
        table.add_row(Text(printable(name)), *row, style="reverse" if name == selected else "")
    return table


def _room(cells: Cells, width: int) -> int:
    """The characters left for a name."""
    return width - sum(GAP + max(len(title), *map(len, column), 0) for title, column in cells.items()) - GAP


def _blocks(flow: str, blocks: list[BlockPace], width: int) -> Table:
    names = [f"{block.path.removeprefix(f'{flow}.')} ({block.type})" for block in blocks]
    return _table(f"blocks of {flow}", names, _paces([block.pace for block in blocks]), width)


def _errors(errors: list[ErrorPace], width: int) -> Table:
    from rich.text import Text

    names = [f"{each.code or 'others'}  {each.block or each.flow}" for each in errors]
    cells = {
        "errors/s": [Text(f"{each.rate:.1f}", style="red" if each.rate else "dim") for each in errors],
        "since start": [Text(str(each.total)) for each in errors],
    }
    return _table("errors (octo explain CODE)", names, cells, width)


def _trend(rates: Sequence[float]) -> str:
    """The rates as a line of bars; the highest is that of the highest rate. A bar is seen for any rate above 0."""
    most = max(rates, default=0.0)
    bars = (BARS[min(len(BARS) - 1, 1 + int(rate / most * (len(BARS) - 2)))] if rate else BARS[0] for rate in rates)
    return "".join(bars).rjust(TREND)


def _paces(paces: list[Pace]) -> Cells:
    from rich.text import Text

    return {
        "rate/s": [Text(f"{pace.rate:.1f}") for pace in paces],
        "errors/s": [Text(f"{pace.errors:.1f}", style="red" if pace.errors else "dim") for pace in paces],
        "p50": [Text(_seconds(pace.p50)) for pace in paces],
        "p99": [Text(_seconds(pace.p99)) for pace in paces],
    }


def _bar(waiting: int, buffer: int) -> str:
    full = -(-waiting * BAR // buffer) if buffer else 0
    return "▮" * min(full, BAR) + "▯" * (BAR - min(full, BAR))


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return "0 ms"


def _span(seconds: float) -> str:
    """A time in its two largest units, e.g. `3m12s`."""
    days, hours, minutes, rest = (
        int(seconds // 86400), int(seconds // 3600 % 24), int(seconds // 60 % 60), int(seconds % 60)
    )  # fmt: skip
    parts = [f"{count}{unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s"))]
    first = next((index for index, count in enumerate((days, hours, minutes)) if count), 3)
    return "".join(parts[first : first + 2])
