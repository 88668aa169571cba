"""Accuracy over epochs: a program's median seed as a line, each seed as a thin one. DataFrame -> alt.Chart."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboards import ink
from dashboards.series import spread

HEIGHT, LABEL_PIXELS = 360, 14


def learning(epochs: pd.DataFrame, *, dark: bool = False) -> alt.LayerChart:
    """Draw `epochs` (subject, colour, seed, epoch, accuracy 0..1); programs of one colour are told apart by dashes."""
    rows = epochs.assign(tint=[ink.readable(colour, dark=dark) for colour in epochs["colour"]])
    low = max(0.0, float(rows["accuracy"].min()) - 0.02)
    x = alt.X("epoch:Q", axis=alt.Axis(grid=False, format="d", tickMinStep=1, titleFontWeight="normal"))
    tint = alt.Color("tint:N", scale=None, legend=None)
    middle = rows.groupby(["subject", "tint", "epoch"])["accuracy"].median().reset_index()
    seeds = alt.Chart(rows).mark_line(strokeWidth=0.8, opacity=0.35)
    medians = alt.Chart(middle).encode(x=x, y=_share("accuracy", low), color=tint)
    tooltip = [
        alt.Tooltip("subject:N", title="program"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("accuracy:Q", title="median accuracy", format=".1%"),
    ]
    names = alt.Chart(_ends(middle, low)).mark_text(align="left", dx=8, fontSize=11, fontWeight="bold")
    return alt.layer(
        seeds.encode(x=x, y=_share("accuracy", low), color=tint, detail=["subject:N", "seed:N"]),
        medians.mark_line(strokeWidth=2.4).encode(strokeDash=alt.StrokeDash("subject:N", legend=None)),
        medians.mark_circle(size=120, opacity=0).encode(tooltip=tooltip),
        names.encode(x=x, y=_share("place", low), color=tint, text="subject:N"),
    ).properties(height=HEIGHT, padding={"left": 4, "top": 8, "bottom": 4, "right": 8})


def _share(column: str, low: float) -> alt.Y:
    axis = alt.Axis(title=None, format="~%", domain=False, ticks=False, tickCount=5)
    return alt.Y(f"{column}:Q", scale=alt.Scale(domain=[low, 1.0], nice=False), axis=axis)


def _ends(middle: pd.DataFrame, low: float) -> pd.DataFrame:
    """Return each program's last point and a place for its name that collides with none."""
    ends = middle.loc[middle.groupby("subject")["epoch"].idxmax()]
    return ends.assign(place=spread(list(ends["accuracy"]), low, 1.0, LABEL_PIXELS / HEIGHT, log=False))
