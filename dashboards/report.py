"""`dlpulse report`: the pages' figures as one HTML file that needs no network and no script, and as pictures."""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dashboards import page, pictures, wording
from dashboards.chapters import Chapter, chapters
from dashboards.figure import Figure
from dashboards.reader import published
from warehouse import query
from warehouse.errors import DlpulseError
from warehouse.exportfiles import durable
from warehouse.exportfolder import refuse_other, replacing, resolved

KIND = "report"
INDEX = "index.html"
WIDE, NARROW = 1100, 340
"""Pixels that a chart is drawn for; the page shows the one that fits."""
_MANIFEST = re.compile(r'<script type="application/json" id="files">(.*?)</script>', re.DOTALL)
_TABLE_ROWS = 60
Tell = Callable[[str, int, int], object]
"""Hears what is drawn, how many figures are done, and of how many."""


def write(database: Path, folder: Path, tell: Tell) -> list[str]:
    """Write the report of the published file into a folder that appears whole; return the names of its files.

    The same database gives the same bytes. An earlier report in the folder is replaced as a whole.

    Raises:
        BadInputError: the folder is the working one or holds something else than an earlier report.
        DlpulseError: there is no database, it cannot be read, or the folder cannot be written; it is then as it was.
    """
    target = resolved(folder, KIND)
    state = published(database)
    if state is None:
        raise DlpulseError(f"there is no database at {database}: dlpulse build makes one")
    try:
        with replacing(target, lambda: refuse_other(target, KIND, _written)) as new:
            parts = list(chapters(state))
            names = _pictures([figure for part in parts for figure in part.figures], new, tell)
            with durable(new / INDEX) as file:
                file.write(_page(parts, page.as_known(state), names).encode())
    except duckdb.Error as error:
        raise DlpulseError(f"{database} cannot be reported on: {query.one_line(error)}") from None
    return [INDEX, *names]


def _pictures(figures: list[Figure], folder: Path, tell: Tell) -> list[str]:
    """Write each figure as PNG and its rows as CSV; return the files' names."""
    names = []
    for done, figure in enumerate(figures):
        tell(figure.key, done, len(figures))
        for ending, make in (("png", figure.png), ("csv", figure.csv)):
            names.append(f"{figure.key}.{ending}")
            with durable(folder / names[-1]) as file:
                file.write(make())
    return names


def _page(parts: list[Chapter], known: str, names: list[str]) -> str:
    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2").render(
        parts=parts,
        known=known,
        version=importlib.metadata.version("dlpulse"),
        files=names,
        wide=WIDE,
        narrow=NARROW,
        drawn=_drawn,
        rows=_rows,
        table_rows=_TABLE_ROWS,
        markup=Markup,
    )


def _drawn(figure: Figure, width: int) -> Markup:
    """Return the figure as an SVG element of its own: what it refers to within itself is named after the figure."""
    svg = pictures.svg(pictures.bare(figure.chart, width))
    own = re.sub(r"\bclip(\d+)\b", rf"{figure.key}-{width}-\1", svg)
    return Markup(own)


def _rows(figure: Figure) -> list[dict[str, Any]]:
    """Return the figure's newest or first rows, values as short texts."""
    shown = figure.rows.sort_values("day", ascending=False) if "day" in figure.rows else figure.rows
    shown = shown.drop(columns=[name for name in ("response_id", "versions", "stack") if name in shown])
    return [
        {str(name): _short(value) for name, value in row.items()} for row in shown.head(_TABLE_ROWS).to_dict("records")
    ]


def _short(value: Any) -> str:
    if isinstance(value, list | dict):
        return str(value)
    if not wording.known(value):
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.6g}"
    return str(value).removesuffix(" 00:00:00")


def _written(folder: Path) -> set[str]:
    """Return the files that the report in a folder says it wrote.

    Raises:
        ValueError: when it is no report.
    """
    found = _MANIFEST.search((folder / INDEX).read_text("utf-8"))
    if not found:
        raise ValueError("no report")
    names = json.loads(found[1])
    return {INDEX, *(str(name) for name in names)}
