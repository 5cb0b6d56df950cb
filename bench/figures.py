"""Arithmetic on measured values."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies; 0.0 if there are none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The slope of the straight line that fits best."""
    return statistics.linear_regression(xs, ys).slope if len(xs) > 1 else 0.0


def growth(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The exponent with which time grows with size: 1 is linear, 2 quadratic."""
    return slope([math.log(each) for each in sizes], [math.log(each) for each in times])


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median and the whole range."""
    low, middle, high = (f"{each:,.{digits}f}" for each in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low}-{high})" if len(values) > 1 else middle


def there_and_back(things: Sequence[T]) -> list[T]:
    """A B ... B A: in this order, a drift of the machine affects all equally."""
    return [*things, *reversed(things)]


def quickest(work: Callable[[], object], seconds: float = 0.01, series: int = 5) -> float:
    """Seconds per call in the quickest series, because only noise makes a series slower."""
    return quickest_of([work], seconds, series)[0]


def quickest_of(works: Sequence[Callable[[], object]], seconds: float, series: int) -> list[float]:
    """The same for several functions, one series of each in turns: a machine that slows down slows all of them."""
    numbers = [_number(work, seconds) for work in works]
    times: list[list[float]] = [[] for _ in works]
    for _ in range(series):
        for which in there_and_back(range(len(works))):
            times[which].append(_series(works[which], numbers[which]) / numbers[which])
    return [min(each) for each in times]


def _number(work: Callable[[], object], seconds: float) -> int:
    """How many calls take about so many seconds."""
    number = 1
    while (took := _series(work, number)) < seconds / 4:
        number *= 2
    return max(1, int(number * seconds / took))


def _series(work: Callable[[], object], number: int) -> float:
    rounds = range(number)
    began = time.perf_counter()
    for _ in rounds:
        work()
    return time.perf_counter() - began
