"""Titles that say what the figures show; each falls back to naming the measure when the figures do not say it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandas as pd

from dashboards import wording
from dashboards.measurements import SETTING, Newest

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


def gains(figures: pd.DataFrame, chosen: Collection[str], names: Mapping[str, str]) -> str:
    """Return a sentence on the stars that up to three of the chosen gained in twelve months, most first; "" without.

    All are of one estimator (int_star_growth); only those counted in the newest month are told.
    """
    rows = figures[figures["measure"] == "stars_gained_12m"]
    months = pd.to_datetime(rows["as_of"]).dt.to_period("M")
    rows = rows[(months == months.max()) & rows["framework_id"].isin(list(chosen))]
    first = rows.sort_values("value", ascending=False).head(3)
    if first.empty:
        return ""
    told = [
        f"{names.get(owner, owner)} {_signed(value)}"
        for owner, value in zip(first["framework_id"], first["value"], strict=True)
    ]
    estimator = str(first["base"].iloc[0]).split(",")[0]
    until = wording.month(first["as_of"].max())
    return f"Stars gained in the twelve months to {until} ({estimator}): {wording.listing(told)}."


def _signed(value: float) -> str:
    """Write a number of stars that may have become fewer."""
    return wording.count(value) if value >= 0 else f"−{wording.count(-value)}"


def speeds(run: Newest, *, short: bool = False) -> str:
    """Return a sentence on who trains faster in one run, for each tuning where the data resolve it; "" where nowhere.

    The fastest program is set against the fastest one of another framework. `short`: without interval and setting.
    """
    said = []
    for tuning in ("stock", "tuned"):
        timed = run.headline(tuning)
        ranked = timed[timed["rankable"].fillna(False).astype(bool)].sort_values("median", ascending=False)
        others = ranked[ranked["framework_id"] != ranked["framework_id"].iloc[0]] if not ranked.empty else ranked
        if others.empty:
            continue
        if found := _between(run.ratios, ranked.iloc[0], others.iloc[0], short=short):
            said.append(f"{found}, {tuning}")
    if not said:
        return ""
    if short:
        return f"On this machine {wording.listing(said)}"
    first = run.headline().iloc[0]
    return (
        f"On this machine {wording.listing(said)} (reference CNN, track {first['track']}, batch {first['batch_size']})."
    )


def _between(ratios: pd.DataFrame, faster: pd.Series[Any], slower: pd.Series[Any], *, short: bool) -> str:
    """Say how many times as fast one program is as the other, if their difference is resolved."""
    own = ratios[ratios["resolved"].fillna(False).astype(bool)]
    for name in SETTING:
        own = own[own[name] == faster[name]]
    for row in own.to_dict("records"):
        sides = [tuple(row[f"{name}_{side}"] for name in ("engine", "mode", "versions", "stack")) for side in "ab"]
        pair = [tuple(one[name] for name in ("engine", "mode", "versions", "stack")) for one in (faster, slower)]
        if sides not in (pair, pair[::-1]):
            continue
        ratio, low, high = (
            (row["ratio"], row["low"], row["high"])
            if sides == pair
            else (1 / row["ratio"], 1 / row["high"], 1 / row["low"])
        )
        interval = "" if short else f" (95 % interval {low:.2f} to {high:.2f})"
        return f"{_program(faster)} trains {ratio:.2f} times as fast as {_program(slower)}{interval}"
    return ""


def _program(row: pd.Series[Any]) -> str:
    """Name a program by its framework, and by its engine where that says more."""
    return str(row["name"]) if row["engine"] == row["framework_id"] else f"{row['name']} ({row['engine']})"


def newest_values(
    points: pd.DataFrame,
    chosen: list[str],
    unit: str,
    otherwise: str,
    *,
    write: Callable[[Any], str] = wording.count,
    one_day: bool = False,
) -> str:
    """Return a title with the newest value of up to three chosen series, largest first.

    `one_day`: the unit names the newest day of all points, so that a series that ended before it is left out.
    """
    if points.empty:
        return otherwise
    ends = points.loc[points.groupby("series")["day"].idxmax()]
    if one_day:
        ends = ends[ends["day"] == points["day"].max()]
    ends = ends[ends["framework_id"].isin(chosen)].sort_values("value", ascending=False).head(3)
    said = [f"{name} {write(value)}" for name, value in zip(ends["label"], ends["value"], strict=True)]
    return f"{' · '.join(said)} {unit}" if said else otherwise


def medians(results: pd.DataFrame, unit: str, otherwise: str, *, most: int = 3) -> str:
    """Return a title with each row's `subject` and median, in the order given; unrankable rows are left out."""
    rows = results[results["rankable"].fillna(False).astype(bool)].head(most) if not results.empty else results
    amounts = [wording.amount(value, unit) for value in rows["median"]]
    said = [f"{name} {amount}" for name, amount in zip(rows["subject"], amounts, strict=True)]
    return f"{wording.listing(said)} {wording.after(unit)}".strip() if said else otherwise
