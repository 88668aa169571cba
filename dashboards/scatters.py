"""Popularity against speed: a framework's programs at one height, named at the fastest. DataFrame -> alt.Chart."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from dashboards import charts, ink

HEIGHT = 420


def scatter(points: pd.DataFrame, *, number_format: str, unit: str, log: bool, dark: bool = False) -> alt.LayerChart:
    """Draw `points` (framework_id, name, label, colour, speed, q1, q3, n, rankable, popularity).

    Bars span the quartiles; what may not be ranked is grey and hollow.
    """
    rows = _tinted(points, dark=dark)
    speed = alt.Scale(domain=[0, float(rows["q3"].max()) * 1.3], nice=False)
    across = alt.Axis(domain=False, ticks=False, tickCount=6, format=",~f", grid=False)
    x = alt.X("speed:Q", title="images per second", scale=speed, axis=across)
    base = alt.Chart(rows).encode(
        y=_upwards(rows, number_format, unit, log=log), color=alt.Color("tint:N", scale=None, legend=None)
    )
    spans = base.mark_rule(strokeWidth=5, opacity=0.3).encode(x=alt.X("q1:Q", scale=speed, axis=across), x2="q3:Q")
    tooltip = [
        alt.Tooltip("name:N", title="framework"),
        alt.Tooltip("label:N", title="program"),
        alt.Tooltip("speed:Q", title="images/s, median", format=",.0f"),
        alt.Tooltip("n:Q", title="launches"),
        alt.Tooltip("popularity:Q", title=unit, format=number_format),
    ]
    dots = base.mark_point(size=110, strokeWidth=2, opacity=1).encode(
        x=x, fill=alt.Fill("fill:N", scale=None, legend=None), tooltip=tooltip
    )
    named = rows.loc[rows.groupby("framework_id")["speed"].idxmax()]
    names = base.properties(data=named).mark_text(align="left", dx=12, fontSize=12, fontWeight="bold")
    names = names.encode(x=x, text="name:N")
    return alt.layer(spans, dots, names).properties(
        height=HEIGHT, padding={"left": 4, "top": 8, "bottom": 4, "right": 12}
    )


def _tinted(points: pd.DataFrame, *, dark: bool) -> pd.DataFrame:
    ranked = list(points["rankable"].astype(bool))
    tints = [
        ink.readable(colour, dark=dark) if known else ink.GREY
        for colour, known in zip(points["colour"], ranked, strict=True)
    ]
    fills = [tint if known else ink.PAPER[dark] for tint, known in zip(tints, ranked, strict=True)]
    return points.assign(tint=tints, fill=fills)


def _upwards(rows: pd.DataFrame, number_format: str, unit: str, *, log: bool) -> alt.Y:
    least, top = float(rows["popularity"].min()), float(rows["popularity"].max())
    ticks: dict[str, Any] = {"tickCount": 5}
    if log and least > 0:
        low, high = least / 2, top * 1.6
        scale, ticks = alt.Scale(domain=[low, high], nice=False, type="log"), {"values": charts.log_ticks(low, high)}
    else:
        scale = alt.Scale(domain=[min(0.0, least * 1.1), top * 1.12 or 1.0], nice=False)
    axis = alt.Axis(domain=False, ticks=False, format="~%" if "%" in number_format else "~s", **ticks)
    return alt.Y("popularity:Q", title=unit, scale=scale, axis=axis)
