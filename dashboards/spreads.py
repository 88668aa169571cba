"""Benchmark charts: each trial a point, quartiles and interval as bands, the median in figures. DataFrame -> Chart."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from dashboards import ink
from dashboards.charts import PICKED
from dashboards.wording import SHARE, after, amount

ROW_PIXELS, AXIS_PIXELS = 46, 30


def _shown(rows: pd.DataFrame, *, dark: bool) -> pd.DataFrame:
    """Add `shown`: the framework's colour made readable; grey for what may not be ranked, faint for what has none."""
    tints = [
        ink.FAINT[dark] if pd.isna(colour) else ink.readable(colour, dark=dark) if rankable else ink.GREY
        for colour, rankable in zip(rows["colour"], rows["rankable"].fillna(False), strict=True)
    ]
    return rows.assign(shown=tints)


def _said(row: pd.Series[Any]) -> str:
    ranked = bool(row["rankable"]) if pd.notna(row["rankable"]) else False
    flag = " · not ranked" if not ranked else " · noisy" if row["noisy"] else ""
    told = f"{amount(row['median'], row['unit'])} {after(row['unit'])}".strip()
    return f"{row['label']}: {told} (n = {row['n']}){flag}"


def spreads(
    results: pd.DataFrame, trials: pd.DataFrame, top: float, *, dark: bool = False, picks: bool = False
) -> alt.LayerChart:
    """Draw one row per `label`: its trials' values, the band from q1 to q3 and the median; grey when not rankable.

    A thin line spans the median's 95 % interval where there is one (ci_low, ci_high). Name and median stand in words
    above each row, so that a narrow screen keeps the whole width. The axis runs from 0 to `top`, given by the caller
    so that charts beside each other share it. With `picks` a click on a row tells whose it is (PICKED).
    """
    rows = _shown(results, dark=dark)
    # Faint words would not be read.
    inks = [ink.MUTED[dark] if tint == ink.FAINT[dark] else tint for tint in rows["shown"]]
    rows = rows.assign(said=[_said(row) for _, row in rows.iterrows()], words=inks)
    order = list(rows["label"])
    tints = dict(zip(rows["label"], rows["shown"], strict=True))
    points = trials[trials["label"].isin(order)]
    share = bool((rows["unit"] == SHARE).all())
    axis = alt.Axis(title=None, tickCount=5, domain=False, ticks=False, format="~%" if share else ",~f")
    across: dict[str, Any] = {"scale": alt.Scale(domain=[0, top], nice=False), "axis": axis}
    shared = {
        "y": alt.Y("label:N", sort=order, axis=None),
        "color": alt.Color("shown:N", scale=None, legend=None),
    }
    base = alt.Chart(rows).encode(**shared)
    band = base.mark_bar(height=12, opacity=0.28, yOffset=5).encode(x=alt.X("q1:Q", **across), x2="q3:Q")
    middle = base.mark_tick(thickness=3, size=18, yOffset=5).encode(x=alt.X("median:Q", **across))
    dots = _dots(points.assign(shown=points["label"].map(tints)), share=share)
    dots = dots.encode(x=alt.X("value:Q", **across), **shared)
    spans = base.transform_filter("isValid(datum.ci_low)").mark_rule(strokeWidth=1.5, yOffset=14)
    spans = spans.encode(x=alt.X("ci_low:Q", **across), x2="ci_high:Q")
    # A row is clicked anywhere along it; behind the launches, whose tooltips it would hide.
    return alt.layer(*([_clickable(base)] if picks else []), band, dots, middle, _words(base), spans).properties(
        height=ROW_PIXELS * len(order) + AXIS_PIXELS, padding={"left": 4, "top": 4, "bottom": 4, "right": 12}
    )


def _clickable(base: alt.Chart) -> alt.Chart:
    """Lay an unseen bar along each whole row: a click there, or on a mark of the row, tells whose it is."""
    clicked = alt.selection_point(name=PICKED, fields=["framework_id"])
    return base.add_params(clicked).mark_bar(opacity=0).encode(x=alt.value(0), x2=alt.value("width"))


def _words(base: alt.Chart) -> alt.Chart:
    text = base.mark_text(align="left", baseline="bottom", dy=-5, fontSize=12, fontWeight="bold")
    return text.encode(x=alt.value(2), text="said:N", color=alt.Color("words:N", scale=None, legend=None))


def _dots(points: pd.DataFrame, *, share: bool) -> alt.Chart:
    tooltip = [
        alt.Tooltip("label:N", title="row"),
        alt.Tooltip("value:Q", title="trial", format=".1%" if share else ",.3~f"),
        alt.Tooltip("unit:N", title="unit"),
        alt.Tooltip("seed:Q", title="seed"),
    ]
    return alt.Chart(points).mark_circle(size=30, opacity=0.75, yOffset=5).encode(tooltip=tooltip)
