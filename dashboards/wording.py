"""How numbers, dates and their circumstances read. Absent is said in words, never shown as zero."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

ABSENT = "not known"
UNRANKED = "not ranked"
# What a share of papers is a share of, by the base's name in the tables.
PAPER_BASES = {
    "ml_papers": "machine-learning papers in cs.LG, cs.CV, cs.CL, cs.AI, cs.NE or stat.ML",
    "any_framework": "papers naming any of these frameworks",
}


def known(value: Any) -> bool:
    """Return whether there is a value: neither None, NaN, NaT nor NA."""
    return not bool(pd.isna(value))


def count(value: Any) -> str:
    """Write a count with thousands apart: 197,213."""
    return f"{round(value):,}" if known(value) else ABSENT


def large(value: Any) -> str:
    """Write a count that is told roughly: 49.5 million; below a million as `count`."""
    return f"{value / 1e6:,.1f} million" if known(value) and value >= 999_950 else count(value)


def compact(value: Any) -> str:
    """Write a count in as little room as can be: 845, 3.7k, 197k, 49.5M."""
    if not known(value):
        return ABSENT
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * size:
            return f"{value / size:.{0 if abs(value) >= 100 * size else 1}f}{letter}"
    return f"{value:.0f}"


def percent(value: Any, *, signed: bool = False) -> str:
    """Write a share or growth (1.0 = 100 %) with as many digits as it carries: 0.49 %, 14.3 %, +112 %."""
    if not known(value):
        return ABSENT
    hundredths = value * 100
    size = abs(hundredths)
    if size < 0.005:
        return "0 %"
    digits = 0 if size >= 100 else 1 if size >= 1 else 2
    # As the charts round: a half goes up, not to the even neighbour.
    rounded = Decimal(hundredths).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{rounded:{'+' if signed else ''}f} %"


def figure(value: Any) -> str:
    """Write a measurement with three significant digits and thousands apart: 3,689; 12.4; 0.38."""
    if not known(value):
        return ABSENT
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


SHARE, WHOLE = "share", ("lines", "calls")
"""Units of measurements that are not written after the number: a share is in per cent, counts are whole."""


def amount(value: Any, unit: str) -> str:
    """Write a measurement as its unit asks, without the unit: 43.1 % of a share, 19 of lines, else as `figure`."""
    return percent(value) if unit == SHARE else count(value) if unit in WHOLE else figure(value)


def after(unit: str) -> str:
    """Return what is written after an amount: the unit, unless the amount says it."""
    return "" if unit == SHARE else unit


def day(value: Any) -> str:
    """Write a date: 22 Aug 2026."""
    return f"{pd.Timestamp(value):%-d %b %Y}" if known(value) else "date not known"


def month(value: Any) -> str:
    """Write a month: Aug 2026."""
    return f"{pd.Timestamp(value):%b %Y}" if known(value) else "date not known"


def instant(value: Any) -> str:
    """Write a UTC instant: 22 Aug 2026, 14:05 UTC."""
    return f"{pd.Timestamp(value):%-d %b %Y, %H:%M} UTC" if known(value) else "time not known"


def listing(words: Iterable[Any]) -> str:
    """Join distinct words in their order: `a, b and c`."""
    distinct = list(dict.fromkeys(str(word) for word in words if known(word)))
    return " and ".join(filter(None, [", ".join(distinct[:-1]), *distinct[-1:]]))
