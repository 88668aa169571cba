"""Charts of trends: the chosen few in colour with direct labels, the rest as grey context. DataFrame -> alt.Chart."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import pandas as pd

from dashboards import ink
from dashboards.series import last_points, spread

READING = "response_id"
"""The column, where points have it, that a click on a point selects, and the selection's name: the answer behind it."""
PICKED = "picked"
"""The selection that tells whose line, bar or point was clicked: its framework_id."""
_DRAWN = (
    *("series", "framework_id", "label", "day", "age", "value", "segment", "source", READING),
    *("chosen", "colour", "alone", "hollow", "partial"),
)
# Columns of few values, each told many times: sent as numbers into a list of the values, in a fifth of the bytes.
_REPEATED = ("series", "framework_id", "label", "segment", "source", "colour")
LABEL_PIXELS = 15
LABEL_ROOM = 8
# Of more readings only the chosen ones can be pointed at: a browser needs seconds for tens of thousands of targets.
MOST_TARGETS = 5_000
# A line that ended this long before the newest reading says so in its label.
LONG_AGO = pd.Timedelta(days=550)
FEW_YEARS = pd.Timedelta(days=4 * 365)


@dataclass(frozen=True)
class Look:
    """What a line chart needs beside its points: who is chosen, colours by framework_id, and how values are drawn.

    `yearly` readings, one a year, have their years below them. With `by_age` the points' `age` (years) stands in place
    of `day`, and names stand where the lines end. With `picks` a click on a line tells whose it is (PICKED).
    """

    chosen: Collection[str]
    colours: Mapping[str, str]
    log: bool = False
    number_format: str = ",.0f"
    unit: str = "stars"
    dark: bool = False
    marks: bool = False
    yearly: bool = False
    by_age: bool = False
    picks: bool = False
    height: int = 440


def _prepare(points: pd.DataFrame, look: Look) -> pd.DataFrame:
    """Add `chosen`, `colour` and `alone` (a segment of one point, which no line would show)."""
    kept = points[points["value"] > 0] if look.log else points
    chosen = kept["framework_id"].isin(list(look.chosen))
    colour = [look.colours.get(owner, ink.GREY) for owner in kept["framework_id"]]
    shown = [
        ink.readable(own, dark=look.dark) if on else ink.FAINT[look.dark]
        for own, on in zip(colour, chosen, strict=True)
    ]
    alone = kept.groupby(["series", "segment"])["day"].transform("size") == 1
    hollow = (kept["rounded_to"] > 0) | kept.get("partial", False)
    drawn = kept.assign(chosen=chosen, colour=shown, alone=alone, hollow=hollow, day=pd.to_datetime(kept["day"]))
    # What no mark needs would be sent to the browser all the same.
    return drawn[[name for name in _DRAWN if name in drawn]]


def _domain(points: pd.DataFrame, *, log: bool) -> tuple[float, float]:
    top = float(points["value"].max())
    if not log:
        return 0.0, top * 1.04 or 1.0
    # A decade below the one in which the smallest line ends: beginnings at a star or two would take half of the height.
    least, end = (float(rows["value"].min()) for rows in (points, last_points(points)))
    return 10.0 ** max(math.floor(math.log10(least)), math.floor(math.log10(end)) - 1), top * 1.15


def log_ticks(low: float, high: float) -> list[float]:
    """Return round values for a logarithmic axis, few enough to be read."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 2e3 else (1, 3)
    return [step * 10.0**power for power in decades for step in steps if low <= step * 10.0**power <= high]


def _whole(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points without periods that are not over: no line ends in them."""
    return points[~points["partial"]] if "partial" in points else points


def _labels(points: pd.DataFrame, look: Look, low: float, high: float) -> pd.DataFrame:
    """Return one row per series: its name, where its line ends, and a place for the name that collides with none."""
    ends = last_points(_whole(points)).sort_values(["chosen", "value"])
    gap = LABEL_PIXELS / look.height
    places = spread([max(low, value) for value in ends["value"]], low, high, gap, log=look.log)
    if look.by_age:
        return ends.assign(place=places, said=ends["label"])
    newest = points["day"].max()
    said = [
        f"{name}, to {last.year}" if newest - last > LONG_AGO else name
        for name, last in zip(ends["label"], ends["day"], strict=True)
    ]
    return ends.assign(place=places, day=newest, said=said)


def lines(
    points: pd.DataFrame, look: Look, *, events: pd.DataFrame | None = None, outages: pd.DataFrame | None = None
) -> alt.LayerChart:
    """Draw `points` (series, framework_id, label, day, value, segment, source, rounded_to) as lines over time.

    A line is drawn within a segment only; a lone point gets a dot. With `look.marks` every reading has its dot, hollow
    when the source rounded it, or when its period is `partial`. `events` (framework_id, label, version, day, value)
    are triangles on the lines, `outages` (since, until, note) bands behind them.
    """
    look = replace(look, log=look.log and bool((points["value"] > 0).any()))
    data = _prepare(points, look)
    low, high = _domain(data, log=look.log)
    ends = _labels(data, look, low, high)
    scale, axis = _vertical(look, low, high)
    x = _years_of_age(data) if look.by_age else _horizontal(data["day"], outages, yearly=look.yearly)
    y = alt.Y("value:Q", scale=scale, axis=axis)
    colour = alt.Color("colour:N", scale=None, legend=None)
    # Without data of its own: each layer's would be written anew.
    base = alt.Chart().encode(x=x, y=y, color=colour, detail=["series:N", "segment:N"])
    chosen, other = "datum.chosen", "!datum.chosen"
    # What a click is to bring into colour is not chosen yet.
    few = len(data) > MOST_TARGETS and not look.picks
    layers = [
        *([] if outages is None or outages.empty else _bands(outages, x, look)),
        base.transform_filter(other).mark_line(strokeWidth=1.2, clip=True),
        base.transform_filter(chosen).mark_line(strokeWidth=2.4, clip=True),
        _dots(base, look),
        *([] if events is None or events.empty else _triangles(events, x, y, look)),
        _tooltips(base.transform_filter(chosen) if few else base, look, traced=READING in data),
        _names(ends, scale, axis, colour, x, chosen=False),
        _names(ends, scale, axis, colour, x, chosen=True),
    ]
    told = data.astype(dict.fromkeys(_REPEATED, "category"))
    return alt.layer(*layers, data=told).properties(
        height=look.height, padding={"left": 4, "top": 8, "bottom": 4, "right": LABEL_ROOM}
    )


def _bands(outages: pd.DataFrame, x: alt.X, look: Look) -> list[alt.Chart]:
    """Shade the time in which the source was out of order, its note at the top."""
    base = alt.Chart(outages)
    # As attributes these would be setters.
    begins, ends = (alt.X(f"{column}:T", title=None, scale=x["scale"], axis=x["axis"]) for column in ("since", "until"))
    shade = base.mark_rect(color=ink.GRID[look.dark], opacity=0.6, clip=True).encode(x=begins, x2="until:T")
    words = base.mark_text(align="right", baseline="top", dx=-4, fontSize=11, limit=260, color=ink.MUTED[look.dark])
    return [shade, words.encode(x=ends, y=alt.value(4), text="note:N")]


def _triangles(events: pd.DataFrame, x: alt.X, y: alt.Y, look: Look) -> list[alt.Chart]:
    """Mark releases on their framework's line."""
    tints = [ink.readable(look.colours.get(owner, ink.GREY), dark=look.dark) for owner in events["framework_id"]]
    shown = events.assign(tint=tints, day=pd.to_datetime(events["day"]))
    base = alt.Chart(shown[shown["value"] > 0] if look.log else shown).encode(
        x=x, y=y, color=alt.Color("tint:N", scale=None, legend=None)
    )
    marks = base.mark_point(shape="triangle-up", size=46, filled=True, opacity=1, clip=True)
    tooltip = [
        alt.Tooltip("label:N", title="framework"),
        alt.Tooltip("version:N", title="release"),
        alt.Tooltip("day:T", title="date", format="%-d %b %Y"),
    ]
    words = base.mark_text(baseline="bottom", dy=-7, fontSize=10, clip=True)
    return [marks.encode(tooltip=tooltip), words.encode(text="version:N")]


def _vertical(look: Look, low: float, high: float) -> tuple[alt.Scale, alt.Axis]:
    ticks: dict[str, Any] = {"values": log_ticks(low, high)} if look.log else {"tickCount": 5}
    number = "~%" if "%" in look.number_format else "~s"
    axis = alt.Axis(title=None, format=number, domain=False, ticks=False, **ticks)
    return alt.Scale(domain=[low, high], nice=False, type="log" if look.log else "linear"), axis


def _years_of_age(points: pd.DataFrame) -> alt.X:
    axis = alt.Axis(grid=False, labelFlush=False, tickCount=7, format="~f", titleFontWeight="normal")
    span = alt.Scale(domain=[0, max(1.0, float(points["age"].max()))], nice=False)
    return alt.X("age:Q", title="years since first release", scale=span, axis=axis)


def _horizontal(days: pd.Series[pd.Timestamp], outages: pd.DataFrame | None, *, yearly: bool) -> alt.X:
    first, last = days.min(), days.max()
    if outages is not None and not outages.empty:
        last = max(last, outages["until"].max())
    years = yearly or last - first > FEW_YEARS
    # Months are told one by one, so that none is told twice.
    months = max(1, math.ceil((last - first).days / 30.4 / 4))
    ticks: dict[str, Any] = {"tickCount": 7 if years else alt.TimeIntervalStep(interval="month", step=months)}
    if yearly:
        ticks = {"values": [str(day.date()) for day in sorted(set(days))]}
    axis = alt.Axis(grid=False, labelFlush=False, format="%Y" if years else "%b %Y", **ticks)
    span = alt.Scale(domain=[str(first.date()), str(last.date())]) if first < last else alt.Undefined
    return alt.X("day:T", title=None, scale=span, axis=axis)


def _dots(base: alt.Chart, look: Look) -> alt.Chart:
    shown = "datum.alone || datum.chosen" if look.marks else "datum.alone"
    fill = alt.condition("datum.hollow", alt.value(ink.PAPER[look.dark]), alt.Color("colour:N", scale=None))
    return base.transform_filter(shown).mark_point(size=26, strokeWidth=1.5, filled=False, opacity=1).encode(fill=fill)


def _tooltips(base: alt.Chart, look: Look, *, traced: bool) -> alt.Chart:
    """Lay an unseen, generous target over every reading, so that a finger finds it too; it can be clicked."""
    clicks = [
        *([alt.selection_point(name=READING, fields=[READING, "series", "day"])] if traced else []),
        *([alt.selection_point(name=PICKED, fields=["framework_id"])] if look.picks else []),
    ]
    when = alt.Tooltip("day:T", title="date", format="%-d %b %Y")
    aged = [alt.Tooltip("age:Q", title="years since first release", format=".1f")] if look.by_age else []
    return (
        base.add_params(*clicks)
        .mark_circle(size=160, opacity=0, clip=True)
        .encode(
            tooltip=[
                alt.Tooltip("label:N", title="framework"),
                when,
                *aged,
                alt.Tooltip("value:Q", title=look.unit, format=look.number_format),
                alt.Tooltip("source:N", title="source"),
            ]
        )
    )


def _names(
    ends: pd.DataFrame, scale: alt.Scale, axis: alt.Axis, colour: alt.Color, x: alt.X, *, chosen: bool
) -> alt.Chart:
    rows = ends[ends["chosen"] == chosen]
    text = alt.Chart(rows).mark_text(
        align="left", dx=9, baseline="middle", fontSize=12 if chosen else 11, fontWeight="bold" if chosen else "normal"
    )
    tint = colour if chosen else alt.value(ink.GREY)
    return text.encode(x=x, y=alt.Y("place:Q", scale=scale, axis=axis), text="said:N", color=tint)


def bars(rows: pd.DataFrame, look: Look) -> alt.LayerChart:
    """Draw one bar per `label` (framework_id, label, value), largest first, the value written at its end."""
    known = rows[rows["value"].notna()].sort_values("value", ascending=False)
    tints = [
        ink.readable(look.colours.get(owner, ink.GREY), dark=look.dark)
        if owner in look.chosen
        else ink.FAINT[look.dark]
        for owner in known["framework_id"]
    ]
    axis = alt.Axis(title=None, domain=False, ticks=False, labelFontSize=12, labelPadding=8)
    base = alt.Chart(known.assign(tint=tints)).encode(
        x=alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, float(known["value"].max()) * 1.15], nice=False)),
        y=alt.Y("label:N", sort=list(known["label"]), axis=axis),
    )
    drawn = base.mark_bar(height=14).encode(color=alt.Color("tint:N", scale=None, legend=None))
    said = base.mark_text(align="left", dx=5, fontSize=12, color=ink.TEXT[look.dark])
    words = said.encode(text=alt.Text("value:Q", format=look.number_format))
    return alt.layer(drawn, words).properties(
        height=26 * len(known), padding={"left": 4, "top": 4, "bottom": 4, "right": 4}
    )
