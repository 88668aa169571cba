"""Titles that say what the figures show; each falls back to naming the measure when the figures do not say it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from dashboards import wording

COMPARABLE_DAYS = 183


def overview(figures: pd.DataFrame, names: dict[str, str]) -> str:
    """Return the overview's title: who has the most stars and who grew fastest, of those that are known.

    Counts COMPARABLE_DAYS or more behind the newest are left out, as in rpt_frameworks: those of another year.
    """
    parts = []
    for measure, said, write in (
        ("stars_observed", "has the most stars", wording.count),
        ("stars_growth_12m", "grew fastest in twelve months", lambda value: wording.percent(value, signed=True)),
    ):
        rows = figures[figures["measure"] == measure]
        days = pd.to_datetime(rows["as_of"])
        rows = rows[days > days.max() - pd.Timedelta(days=COMPARABLE_DAYS)]
        if len(rows) > 1:
            first = rows.iloc[int(rows["value"].to_numpy(dtype=float).argmax())]
            name = names.get(first["framework_id"], first["framework_id"])
            among = f", of the {len(rows)} known" if len(rows) < len(names) else ""
            parts.append(f"{name} {said} ({write(first['value'])}{among})")
    return "; ".join(parts) or "Which framework do people use, and which is fast here?"


def newest_values(
    points: pd.DataFrame,
    chosen: list[str],
    unit: str,
    otherwise: str,
    *,
    write: Callable[[Any], str] = wording.count,
) -> str:
    """Return a title with the newest value of up to three chosen series, largest first."""
    if points.empty:
        return otherwise
    ends = points.loc[points.groupby("series")["day"].idxmax()]
    ends = ends[ends["framework_id"].isin(chosen)].sort_values("value", ascending=False).head(3)
    said = [f"{name} {write(value)}" for name, value in zip(ends["label"], ends["value"], strict=True)]
    return f"{' · '.join(said)} {unit}" if said else otherwise


def medians(results: pd.DataFrame, unit: str, otherwise: str) -> str:
    """Return a title with each row's `subject` and median, in the order given; unrankable rows are left out."""
    rows = results[results["rankable"].fillna(False).astype(bool)] if not results.empty else results
    said = [f"{name} {wording.figure(value)}" for name, value in zip(rows["subject"], rows["median"], strict=True)]
    return f"{wording.listing(said)} {unit}" if said else otherwise
