"""The overview's table as HTML: one row per framework, trends beside benchmarks; cards on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from dashboards import ink, wording
from warehouse.surveynames import survey_name

STYLE = Path(__file__).with_name("overview_table.css")
SPARK_WIDTH, SPARK_HEIGHT = 120, 28
Row = Mapping[Hashable, Any]
"""A row of data.figures."""


@dataclass(frozen=True)
class Measure:
    """One column: the measure's name in rpt_framework_figures, its heading, its unit, and how a value is written."""

    name: str
    heading: str
    unit: str
    write: Callable[[Any], str]
    dated_by: str = "as_of"


def _growth(value: Any) -> str:
    return wording.percent(value, signed=True)


TREND = (
    Measure("stars_observed", "Stars", "observed count", wording.count),
    Measure("stars_growth_12m", "Growth", "stars, 12 months", _growth),
    Measure("paper_share", "Papers", "arXiv, title or abstract", wording.percent),
    Measure("survey_share", "Survey", "of those asked", wording.percent, dated_by="source"),
)
MACHINE = (
    Measure("train_images_per_s", "Training", "images/s, median", wording.figure),
    Measure("infer_images_per_s", "Inference", "images/s, median", wording.figure),
)


def sparkline(points: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp, colour: str) -> str:
    """Return the points (day, value, segment) of one framework as a small image on its own vertical scale."""
    if points.empty or start >= end:
        return ""
    days, values = pd.to_datetime(points["day"]).to_numpy(), points["value"].to_numpy(dtype=float)
    x = (days - start.to_datetime64()) / (end - start).to_timedelta64() * (SPARK_WIDTH - 6) + 3
    y = SPARK_HEIGHT - 3 - values / values.max() * (SPARK_HEIGHT - 6)
    strokes: dict[tuple[Any, Any], list[str]] = {}
    for series, segment, px, py in zip(points["series"], points["segment"], x, y, strict=True):
        strokes.setdefault((series, segment), []).append(f"{px:.1f},{py:.1f}")
    drawn = "".join(map(_stroke, strokes.values()))
    newest = int(days.argmax())
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" width="{SPARK_WIDTH}" '
        f'height="{SPARK_HEIGHT}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linecap="round">{drawn}'
        f'<circle cx="{x[newest]:.1f}" cy="{y[newest]:.1f}" r="2.4" fill="{colour}" stroke="none"/></svg>'
    )
    # An image, since Streamlit strips drawings out of HTML.
    return f'<img alt="stars over time" src="data:image/svg+xml,{quote(drawing)}">'


def _stroke(places: Sequence[str]) -> str:
    """Draw one segment; a lone reading is a line of no length, which a round cap shows as a dot."""
    return f'<polyline points="{" ".join(places if len(places) > 1 else [*places, *places])}"/>'


def _cell(measure: Measure, row: Row | None, largest: float, colour: str, otherwise: str) -> str:
    head = f'<td data-label="{escape(measure.heading)}" data-unit="{escape(measure.unit)}"'
    if row is None:
        return f'{head} class="absent">{otherwise}</td>'
    since = f"{wording.day(row['since'])} to " if wording.known(row["since"]) else ""
    told = [
        f"{since}{wording.day(row['as_of'])}",
        *(wording.PAPER_BASES.get(row[key], str(row[key])) for key in ("source", "base") if wording.known(row[key])),
    ]
    dated = survey_name(str(row["source"])) if measure.dated_by == "source" else wording.month(row["as_of"])
    width = 100 * max(0.0, float(row["value"])) / largest if largest > 0 else 0.0
    return (
        f'{head} title="{escape(" · ".join(told), quote=True)}"><b>{escape(measure.write(row["value"]))}</b>'
        f'<small>{escape(dated)}</small><i style="width:{width:.1f}%;background:{colour}"></i></td>'
    )


def _cells(
    figures: Mapping[str, Row], largest: Mapping[Any, float], colour: str, unrankable: Collection[str]
) -> Iterator[str]:
    """Yield a cell for each measure of one framework's figures; `largest` is a measure's greatest value of all."""
    for one in (*TREND, *MACHINE):
        otherwise = wording.UNRANKED if one.name in unrankable else wording.ABSENT
        yield _cell(one, figures.get(one.name), float(largest.get(one.name, 0.0)), colour, otherwise)


def _heading(measures: Collection[Measure]) -> str:
    return "".join(f"<th>{escape(one.heading)}<small>{escape(one.unit)}</small></th>" for one in measures)


def table(
    frameworks: pd.DataFrame,
    figures: pd.DataFrame,
    points: pd.DataFrame,
    chosen: Collection[str],
    *,
    noisy: Collection[tuple[str, str]] = (),
    dark: bool,
) -> str:
    """Return the table of data.frameworks and data.figures; `points` are star lines broken into segments.

    `noisy` are (framework_id, measure) that were measured and may not be ranked: they are not called unknown.
    """
    days = pd.to_datetime(points["day"])
    largest = figures.groupby("measure")["value"].max().to_dict()
    told: dict[str, dict[str, Row]] = {}
    for figure in figures.to_dict("records"):
        told.setdefault(figure["framework_id"], {}).setdefault(figure["measure"], figure)
    lines = dict(list(points.groupby("framework_id")))
    rows = []
    for framework in frameworks.to_dict("records"):
        own = framework["framework_id"]
        on = own in chosen
        colour = ink.readable(framework["colour"], dark=dark) if on else ink.GREY
        line = sparkline(lines.get(own, points.head(0)), days.min(), days.max(), colour)
        unrankable = {measure for framework_id, measure in noisy if framework_id == own}
        cells = _cells(told.get(own, {}), largest, colour, unrankable)
        name = f"{escape(framework['name'])}<small>{escape(framework['status'])}</small>"
        rows.append(
            f'<tr><th scope="row" class="{"on" if on else ""}"><span style="background:{colour}"></span>{name}</th>'
            f'<td class="line">{line or wording.ABSENT}</td>{"".join(cells)}</tr>'
        )
    return f"<style>{STYLE.read_text('utf-8')}</style>{_framed(rows)}"


def _framed(rows: Sequence[str]) -> str:
    return (
        f"<table class='dlp'><thead><tr class='group'><th></th>"
        f"<th colspan='{1 + len(TREND)}'>Trend</th><th colspan='{len(MACHINE)}'>This machine</th></tr>"
        f"<tr><th>Framework</th><th>Stars over time<small>each on its own scale</small></th>"
        f"{_heading(TREND)}{_heading(MACHINE)}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
