"""Benchmark charts: every trial as a point, the quartiles as a band, the median in figures. DataFrame -> alt.Chart."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from dashboards import ink
from dashboards.wording import figure
from warehouse.statistics import LEAST_RANKED, TOO_FEW

ROW_PIXELS, AXIS_PIXELS = 62, 34


def _shown(rows: pd.DataFrame, *, dark: bool) -> pd.DataFrame:
    """Add `shown`: the framework's colour made readable, or grey for a result that may not be ranked."""
    tints = [
        ink.readable(colour, dark=dark) if rankable else ink.GREY
        for colour, rankable in zip(rows["colour"], rows["rankable"].fillna(True), strict=True)
    ]
    return rows.assign(shown=tints)


def _said(row: pd.Series[Any]) -> str:
    flag = " · noisy" if row["noisy"] else ""
    if not row["rankable"]:
        flag = f" · {TOO_FEW if row['n'] < LEAST_RANKED else 'noisy'}, not ranked"
    return f"{row['label']}: {figure(row['median'])} {row['unit']} (n = {row['n']}){flag}"


def spreads(results: pd.DataFrame, trials: pd.DataFrame, top: float, *, dark: bool = False) -> alt.LayerChart:
    """Draw one row per `label`: its trials' values, the band from q1 to q3 and the median; grey when not rankable.

    Name and median stand in words above each row, so that a narrow screen keeps the whole width.
    The axis runs from 0 to `top`, given by the caller so that charts beside each other share it.
    """
    rows = _shown(results, dark=dark)
    rows = rows.assign(said=[_said(row) for _, row in rows.iterrows()])
    order = list(rows["label"])
    tints = dict(zip(rows["label"], rows["shown"], strict=True))
    points = trials[trials["label"].isin(order)]
    axis = alt.Axis(title=None, tickCount=5, domain=False, ticks=False, format=",~f")
    across: dict[str, Any] = {"scale": alt.Scale(domain=[0, top], nice=False), "axis": axis}
    shared = {
        "y": alt.Y("label:N", sort=order, axis=None),
        "color": alt.Color("shown:N", scale=None, legend=None),
    }
    base = alt.Chart(rows).encode(**shared)
    band = base.mark_bar(height=16, opacity=0.28).encode(x=alt.X("q1:Q", **across), x2="q3:Q")
    middle = base.mark_tick(thickness=3, size=22).encode(x=alt.X("median:Q", **across))
    dots = _dots(points.assign(shown=points["label"].map(tints))).encode(x=alt.X("value:Q", **across), **shared)
    words = base.mark_text(align="left", baseline="bottom", dy=-13, fontSize=12, fontWeight="bold").encode(
        x=alt.value(2), text="said:N"
    )
    return alt.layer(band, dots, middle, words).properties(
        height=ROW_PIXELS * len(order) + AXIS_PIXELS, padding={"left": 4, "top": 4, "bottom": 4, "right": 12}
    )


def _dots(points: pd.DataFrame) -> alt.Chart:
    tooltip = [
        alt.Tooltip("label:N", title="row"),
        alt.Tooltip("value:Q", title="trial", format=",.3~f"),
        alt.Tooltip("unit:N", title="unit"),
        alt.Tooltip("seed:Q", title="seed"),
    ]
    return alt.Chart(points).mark_circle(size=34, opacity=0.75).encode(tooltip=tooltip)
