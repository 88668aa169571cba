"""Prepares lines for drawing: breaks them where nothing is known and keeps end labels apart. Pure pandas."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

# Two readings further apart than this say nothing about the time between: cited counts are about a year apart.
LONGEST_STEP_DAYS = {"observed": 460, "retained": 62, "gross": 62, "monthly": 31, "weekly": 7}


def break_lines(points: pd.DataFrame, gaps: pd.DataFrame, longest_step_days: int) -> pd.DataFrame:
    """Return `points` (series, day, …) with `segment`: a line is drawn only within a segment.

    A new segment begins after a step longer than `longest_step_days`, and where a known gap (rows of `gaps`: subject,
    which is a series or `*`, period_start, period_end) lies wholly within the step.
    """
    if points.empty:
        return points.assign(segment=pd.Series(dtype="int64"))
    ordered = points.sort_values(["series", "day"], ignore_index=True)
    days = pd.to_datetime(ordered["day"])
    before = days.groupby(ordered["series"]).shift()
    broken = (days - before).dt.days > longest_step_days
    for gap in gaps.to_dict("records"):
        own = ordered["series"].eq(gap["subject"]) | bool(gap["subject"] == "*")
        broken |= own & (before <= pd.Timestamp(gap["period_start"])) & (days >= pd.Timestamp(gap["period_end"]))
    return ordered.assign(segment=broken.groupby(ordered["series"]).cumsum())


def last_points(points: pd.DataFrame) -> pd.DataFrame:
    """Return the newest point of each series."""
    return points.loc[points.groupby("series")["day"].idxmax()] if not points.empty else points


def spread(values: Sequence[float], low: float, high: float, gap: float, *, log: bool) -> list[float]:
    """Return positions for labels of `values`, moved as little as needed to lie `gap` of the axis apart.

    `gap` is a fraction of the axis from `low` to `high` (its length in pixels is the caller's affair). Order is kept.
    """
    scale = math.log10 if log else float
    bottom, length = scale(low), scale(high) - scale(low)
    order = sorted(range(len(values)), key=lambda index: values[index])
    places = [(scale(values[index]) - bottom) / length for index in order]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + gap)
    ceiling = 1.0
    for index in reversed(range(len(places))):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - gap
    moved = [0.0] * len(values)
    for index, place in zip(order, places, strict=True):
        moved[index] = 10 ** (bottom + place * length) if log else bottom + place * length
    return moved
