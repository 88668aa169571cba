"""The figures of stars: one estimator on one line, over dates or over ages, as known now or on another day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboards import charts, data, page, series, starcounts, wording
from dashboards.figure import Figure
from dashboards.reader import Published

MEANING = {
    "observed": "the count that the page showed on that day, read off by someone",
    "retained": "people who still star the repository today, by the day they starred; old days shrink as people unstar",
    "gross": "star events as they happened; stars taken back are not subtracted",
}
# What a point of a cumulative line is, and what is left out for it.
_POINTS = {
    "observed": ("the newest reading of each month", ""),
    "retained": ("last whole day of each month", "Days that are not over are left out"),
    "gross": ("last whole day of each month", "Days that are not over are left out"),
}
_YEAR = 365.25


@dataclass(frozen=True)
class View:
    """How stars are looked at. `period`: week or month, "" for the total; `known_on`: see `reader.mart`.

    `by_age`: over the years since each framework's first release instead of dates.
    """

    estimator: str = "observed"
    period: str = ""
    log: bool = True
    by_age: bool = False
    releases: bool = True
    known_on: str = ""

    @property
    def measure(self) -> str:
        """What is counted, in a word or two."""
        return f"per {self.period}" if self.period else "total"


def points(state: Published, view: View) -> pd.DataFrame:
    """Return what is drawn: series, framework_id, label, day, value, rounded_to, partial, source…; with `age` in years.

    Over ages, what nobody knows the first release of is left out, and so is what came before it.
    """
    if view.period:
        found = starcounts.added(state, view.estimator, view.period, view.known_on)
        told = [
            f"{source}, its first {days} days" if partial else source
            for source, days, partial in zip(found["source"], found["days"], found["partial"], strict=True)
        ]
        found = found.assign(source=told, origin=found["source"], partial=found["partial"].astype(bool))
    else:
        found = starcounts.total(state, view.estimator, view.known_on)
        found = found.assign(partial=False, origin=found["source"])
    if not view.by_age:
        return found
    begun = starcounts.begun(state).set_index("framework_id")["first_released_on"]
    first = pd.to_datetime(found["framework_id"].map(begun))
    age = (pd.to_datetime(found["day"]) - first).dt.days / _YEAR
    return found.assign(age=age)[(age >= 0).to_numpy(dtype=bool)]


def figure(
    state: Published,
    known: pd.DataFrame,
    shown: pd.DataFrame,
    view: View,
    chosen: Sequence[str],
    *,
    height: int = 480,
    picks: bool = False,
) -> Figure:
    """Return the figure of `points`; with `picks` a click on a line tells whose it is."""
    gaps = data.gaps(state, starcounts.ESTIMATORS[view.estimator])
    broken = series.break_lines(shown, gaps, _longest_step(view))
    # What is not whole yet is a point of its own: a line to it would fall.
    broken = broken.assign(segment=broken["segment"] + broken["partial"])
    look = charts.Look(
        chosen,
        page.colours(known),
        log=view.log,
        dark=page.is_dark(),
        marks=view.estimator == "observed" and not view.period,
        by_age=view.by_age,
        height=height,
        picks=picks,
    )
    outages = _drawn_outages(state, view)
    events = _on_their_lines(starcounts.releases(state), broken, chosen, log=view.log) if view.releases else None
    return Figure(
        "stars",
        f"{view.estimator.capitalize()} stars, {view.measure}",
        _subtitle(view),
        charts.lines(broken, look, events=events, outages=outages),
        _source(shown, gaps, view, has_events=events is not None and not events.empty),
        shown.drop(columns=["series", "origin", *([] if view.period else ["partial"])]),
    )


def _subtitle(view: View) -> str:
    unit = f"Stars added per whole {view.period}" if view.period else f"Cumulative stars, {_POINTS[view.estimator][0]}"
    aligned = ", by years since the framework's first release" if view.by_age else ""
    when = f" · as known when {wording.day(view.known_on)} began, UTC" if view.known_on else ""
    return f"{unit}{aligned}, {'logarithmic' if view.log else 'linear'} scale{when}"


def _longest_step(view: View) -> int:
    if view.period == "week":
        return series.LONGEST_STEP_DAYS["weekly"]
    return series.LONGEST_STEP_DAYS["monthly" if view.period else view.estimator]


def _drawn_outages(state: Published, view: View) -> pd.DataFrame | None:
    """Return the outages as since, until, note, where they explain the lines: not those that the history covers."""
    if view.by_age or view.estimator != "gross":
        return None
    found = starcounts.outages(state, view.estimator)
    newest = pd.Timestamp(view.known_on or data.as_known_at(state)["fetched_at"].max()).normalize()
    until = [min(end, newest) for end in pd.to_datetime(found["period_end"]).fillna(newest)]
    return pd.DataFrame({"since": pd.to_datetime(found["period_start"]), "until": until, "note": found["note"]})


def _on_their_lines(releases: pd.DataFrame, broken: pd.DataFrame, chosen: Sequence[str], *, log: bool) -> pd.DataFrame:
    """Return the chosen frameworks' releases with label, value (and age) on their lines, where a line runs then.

    On a logarithmic scale a line is straight between the logarithms of its readings.
    """
    placed = []
    releases = releases.reset_index(drop=True)
    known = broken[broken["framework_id"].isin(list(chosen)) & (broken["value"] > 0)]
    for (owner, _, _), line in known.groupby(["framework_id", "series", "segment"]):
        days = pd.to_datetime(line["day"]).to_numpy()
        own = releases[releases["framework_id"] == owner]
        at = pd.to_datetime(own["day"])
        within = at.between(days.min(), days.max())
        own, at = own[within], at[within]
        if own.empty:
            continue
        values = line["value"].to_numpy(dtype=float)
        x, places = days.astype("int64"), at.to_numpy().astype(days.dtype).astype("int64")
        value = np.exp(np.interp(places, x, np.log(values))) if log else np.interp(places, x, values)
        age = {"age": np.interp(places, x, line["age"].to_numpy(dtype=float))} if "age" in line else {}
        placed.append(own[["framework_id", "version"]].assign(day=at, label=line["label"].iloc[0], value=value, **age))
    # A release stands on one line: the first that runs then.
    found = pd.concat(placed).sort_index(kind="stable") if placed else pd.DataFrame()
    return found[~found.index.duplicated()].reset_index(drop=True)


def _source(shown: pd.DataFrame, gaps: pd.DataFrame, view: View, *, has_events: bool) -> str:
    newest = wording.month if view.period == "month" else wording.day
    partial = bool(shown["partial"].any())
    hollow = [
        *(["were rounded by their source"] if (shown["rounded_to"] > 0).any() else []),
        *([f"are {view.period}s known in part so far"] if partial else []),
    ]
    notes = [
        f"Source: {wording.listing(shown['origin'])} · to {newest(shown['day'].max())}",
        f"Other {view.period}s that are not whole are left out" if view.period else _POINTS[view.estimator][1],
        f"Hollow points {' and '.join(hollow)}" if hollow else "",
        "Lines break where readings are missing",
        "Triangles: the first release of each major version that GitHub lists" if has_events else "",
        _told_outages(gaps[gaps["subject"].isin(("*", "stargazers lists"))], view.estimator),
    ]
    return ". ".join(filter(None, notes)) + "."


def _told_outages(outages: pd.DataFrame, estimator: str) -> str:
    """Say what was out of order, and when; the history that retained stars come from was not."""
    spans = [f"{wording.month(gap.period_start)} to {wording.month(gap.period_end)}" for gap in outages.itertuples()]
    if not spans:
        return ""
    if estimator == "retained":
        return (
            f"The stargazer lists were closed {wording.listing(spans)}; "
            "the history endpoint that this line is from covers these days"
        )
    return f"Known outages: {wording.listing(spans)}"
