"""The figures of the article's criteria: the evidence for each, and what the reader's weights make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from dashboards import charts, matrices, page, wording
from dashboards.figure import Figure
from warehouse.criteria import ASKS, Weighed

ABOUT = (
    "What the article of 2018 chose a first framework by, as far as data tell it. Nothing here is our verdict: how "
    "much each criterion weighs is yours to say."
)
_UNITS = {
    "conciseness": "lines of code to train",
    "flexibility": "of the repositories with code to papers",
    "popularity": "stars, observed",
    "momentum": "stars gained in twelve months",
    "resources": "of Stack Overflow's questions",
    "speed": "images/s in training, this device",
    "deployment": "downloads in 30 days",
}


_TOOLTIP = [
    alt.Tooltip("row:N", title="framework"),
    alt.Tooltip("column:N", title="criterion"),
    alt.Tooltip("meaning:N", title="measured"),
    alt.Tooltip("as_of:N", title="as of"),
    alt.Tooltip("circumstances:N", title="from"),
]


def evidence(rows: pd.DataFrame) -> Figure:
    """Return the figure of data.criteria: a row per framework, a column per criterion, as written by the tables."""
    told = rows.dropna(subset=["value"]).sort_values("name", key=lambda names: names.str.lower(), kind="stable")
    return Figure(
        "criteria",
        "The evidence, by name",
        "; ".join(f"{criterion}: {_UNITS[criterion]}" for criterion in ASKS) + ". Darker is nearer to the best",
        matrices.matrix(_cells(told), _TOOLTIP, columns=list(ASKS), dark=page.is_dark()),
        f"Source: {_sources(told)}. An empty cell is not known, or half a year older than the others. Machines make "
        "most downloads; public code of papers ends in July 2025.",
        rows.drop(columns=["place", "more_is_better"]),
    )


def _cells(told: pd.DataFrame) -> pd.DataFrame:
    """Return what matrices.matrix draws of the known figures, and what their tooltips say."""
    said = [
        wording.percent(value) if unit == "share" else wording.compact(value)
        for value, unit in zip(told["value"].astype(float), told["unit"], strict=True)
    ]
    meaning = [f"{one} {_UNITS[criterion]}" for one, criterion in zip(said, told["criterion"], strict=True)]
    return pd.DataFrame(
        {
            "row": told["name"],
            "column": told["criterion"],
            "share": told["of_best"].astype(float).fillna(0.0),
            "said": said,
            "meaning": meaning,
            "as_of": [wording.day(day) for day in told["as_of"]],
            "circumstances": told["circumstances"],
        }
    )


def _sources(told: pd.DataFrame) -> str:
    newest = wording.day(told["as_of"].max()) if not told.empty else "no day"
    return f"the newest figure of each, with its circumstances in the table, to {newest}"


def weighed(
    found: Sequence[Weighed], weights: Mapping[str, float], colours: Mapping[str, str], chosen: Sequence[str]
) -> Figure:
    """Return the figure of the frameworks under the reader's weights; those with something unknown are named below."""
    rows = pd.DataFrame(
        [
            {"framework_id": one.framework_id, "label": one.name, "value": one.score, **one.parts}
            for one in found
            if one.score is not None
        ],
        columns=["framework_id", "label", "value", *(name for name, weight in weights.items() if weight > 0)],
    )
    without = [f"{one.name} ({wording.listing(one.missing)})" for one in found if one.score is None]
    told = wording.listing(f"{name} {weight:g}" for name, weight in weights.items() if weight > 0)
    return Figure(
        "weighed",
        "Under your weights",
        f"Of each criterion the value over the best one, weighed: {told}. 1 is the best in everything that weighs",
        charts.bars(rows, charts.Look(chosen, colours, number_format=".2f", dark=page.is_dark())),
        f"Left out, since what weighs is not known: {wording.listing(without)}." if without else "Nobody is left out.",
        rows,
    )
