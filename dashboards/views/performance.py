"""Popularity x performance: how much a framework is used beside how fast it is on this device; and the SQL of it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import controls, data, measurements, page, performance
from dashboards.figure import show
from dashboards.figures import performance as performancefigures
from dashboards.reader import Published


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    heading = st.container()
    runs = measurements.runs(state)
    if runs.empty:
        with heading:
            page.title("Is the popular one the fast one?", performancefigures.ABOUT)
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
        page.title(_finding(points, popularity), performancefigures.ABOUT)
    if points.empty:
        page.absent(
            f"No measured framework has a known {performance.POPULARITY[popularity][0]}.",
            "Choose another measure, or `dlpulse collect` what is missing.",
        )
    else:
        show(performancefigures.figure(points, popularity, known_on, chosen))
    st.markdown("#### The SQL behind it")
    st.code(_sql(popularity, known_on, run_id, device_id, chosen), language="sql", wrap_lines=True)


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
    with right:
        return popularity, controls.known_on(data.known_days(state))


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


def _sql(popularity: str, known_on: str, run_id: str, device_id: str, chosen: tuple[str, ...]) -> str:
    """Return the statement with its values written in, as anybody can run it."""
    sql = performance.statement(popularity, known_on)
    for number, value in enumerate((run_id, device_id, *chosen), 1):
        quoted = value.replace("'", "''")
        sql = sql.replace(f"${number}", f"'{quoted}'")
    return sql


main()
