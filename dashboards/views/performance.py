"""Popularity x performance: how much a framework is used beside how fast it is on this device; and the SQL of it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import controls, measurements, page, performance, scatters, wording
from dashboards.figure import Figure, show
from dashboards.reader import Published

ABOUT = (
    "Each framework has a point for each of its programs on this machine. Speed is measured, popularity is counted; "
    "neither makes the other, and another machine ranks otherwise."
)
LOGARITHMIC = ("stars_observed", "downloads_30d")


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    heading = st.container()
    runs = measurements.runs(state)
    if runs.empty:
        with heading:
            page.title("Is the popular one the fast one?", ABOUT)
        page.absent(
            "This machine has not been measured yet.", "`dlpulse bench run --quick`, then `dlpulse build`, does it."
        )
        return
    run_id, device_id = _run(runs)
    popularity, known_on = _popularity(state)
    chosen = _setting(performance.settings(state, run_id, device_id))
    points = performance.points(state, popularity, known_on, run_id, device_id, *chosen)
    points = points.assign(label=points["engine"].astype(str) + " " + points["mode"].astype(str))
    with heading:
        page.title(_finding(points, popularity), ABOUT)
    if points.empty:
        page.absent(
            f"No measured framework has a known {performance.POPULARITY[popularity][0]}.",
            "Choose another measure, or `dlpulse collect` what is missing.",
        )
    else:
        show(figure(points, popularity, known_on, chosen))
    st.markdown("#### The SQL behind it")
    st.code(_sql(popularity, known_on, run_id, device_id, chosen), language="sql")


def _run(runs: pd.DataFrame) -> tuple[str, str]:
    """Return the newest run of the chosen device, and the device."""
    devices = list(runs["device_id"])
    device_id = controls.one_of("Device", devices, "device") if len(devices) > 1 else str(devices[0])
    return str(runs.loc[runs["device_id"] == device_id, "run_id"].iloc[0]), device_id


def _popularity(state: Published) -> tuple[str, str]:
    """Return the measure of popularity, and the day on which it is looked at ("" for today)."""
    names = {said: name for name, (said, _) in performance.POPULARITY.items()}
    left, right = st.columns(2)
    with left:
        popularity = names[controls.from_list("Popularity", list(names), "popularity")]
    days = performance.known_days(state)
    if days.empty or not wording.known(days["first"].iloc[0]):
        return popularity, ""
    first, last = (pd.Timestamp(days[name].iloc[0]).date() for name in ("first", "last"))
    with right:
        day = st.date_input(
            "As known at the end of",
            value=last,
            min_value=first,
            max_value=last,
            key="known",
            bind="query-params",
            help="What dlpulse had read by then; it begins with the first collection.",
        )
    return popularity, "" if day == last else str(pd.Timestamp(str(day)) + pd.Timedelta(days=1))[:10]


def _setting(settings: pd.DataFrame) -> tuple[str, str, str, str]:
    """Return phase, track, tuning and batch size as the reader chooses among what was measured."""
    columns = st.columns(4)
    chosen: list[str] = []
    for column, name in zip(columns, ("phase", "track", "tuning", "batch_size"), strict=True):
        options = list(dict.fromkeys(settings[name].astype(str)))
        with column:
            chosen.append(controls.one_of(name.replace("_", " ").capitalize(), options, name.removesuffix("_size")))
        settings = settings[settings[name].astype(str) == chosen[-1]]
    phase, track, tuning, size = chosen
    return phase, track, tuning, size


def _finding(points: pd.DataFrame, popularity: str) -> str:
    """Say whether the most popular framework is the fastest one, of those that may be ranked."""
    ranked = points[points["rankable"].astype(bool)]
    if ranked["framework_id"].nunique() < 2:
        return "Is the popular one the fast one?"
    fastest = ranked.iloc[int(ranked["speed"].to_numpy(dtype=float).argmax())]
    leader = ranked.iloc[int(ranked["popularity"].to_numpy(dtype=float).argmax())]
    measure = performance.POPULARITY[popularity][0]
    if fastest["framework_id"] == leader["framework_id"]:
        return f"{leader['name']} leads both: {measure}, and speed on this machine"
    return f"{leader['name']} leads in {measure}, {fastest['name']} has the highest median speed here"


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


def _sql(popularity: str, known_on: str, run_id: str, device_id: str, chosen: tuple[str, ...]) -> str:
    """Return the statement with its values written in, as anybody can run it."""
    sql = performance.statement(popularity, known_on)
    for number, value in enumerate((run_id, device_id, *chosen), 1):
        quoted = value.replace("'", "''")
        sql = sql.replace(f"${number}", f"'{quoted}'")
    return sql


main()
