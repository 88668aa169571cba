"""The figure of popularity beside speed, one point for each program of a framework."""

from __future__ import annotations

import pandas as pd

from dashboards import page, performance, scatters, wording
from dashboards.figure import Figure

ABOUT = (
    "Each framework has a point for each of its programs on this machine. Speed is measured, popularity is counted; "
    "neither makes the other, and another machine ranks otherwise."
)
LOGARITHMIC = ("stars_observed", "downloads_30d")


def figure(points: pd.DataFrame, popularity: str, known_on: str, chosen: tuple[str, str, str, str]) -> Figure:
    """Return the scatter of popularity and speed."""
    phase, track, tuning, size = chosen
    said, number_format = performance.POPULARITY[popularity]
    log = popularity in LOGARITHMIC
    when = f" · as known before {wording.day(known_on)}" if known_on else ""
    return Figure(
        "performance",
        f"{said[0].upper()}{said[1:]}, and images per second in {phase}",
        f"Track {track}, {tuning}, batch {size}{', popularity on a logarithmic scale' if log else ''}{when}",
        scatters.scatter(points, number_format=number_format, unit=said, log=log, dark=page.is_dark()),
        "Median of process launches, the bar spans the quartiles; grey and hollow is not ranked. Highest "
        "median is no verdict: the Benchmarks page tells which differences are resolved.",
        points.drop(columns=["colour"]),
    )
