"""Benchmarks: the newest run of each device; one measure at a time, stock and tuned apart, every trial, the proof."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import controls, findings, measurements, page, wording
from dashboards.figure import show
from dashboards.figures import benchmarks as benchfigures
from dashboards.figures.benchmarks import MEASURES, TUNINGS, Measure
from dashboards.reader import Published
from warehouse.statistics import TOO_FEW

LEARNING = "Accuracy by epoch"
HOW_TO_READ = (
    "Points are launches, the band spans the quartiles, the mark is the median. "
    f"What is too noisy, or of {TOO_FEW}, is grey and not ranked."
)
# What `dlpulse bench run` proves on each track before it times anything.
PROVED = {
    "default": "layers, probabilities and loss, in float32",
    "matched": "layers, logits, loss, gradients and training steps, in float64",
}
TRACKS = {
    "default": "*default*: what a beginner writes, each framework's own loop and initial weights",
    "matched": "*matched*: equal weights, batches and optimiser in every engine",
}


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    runs = measurements.runs(state)
    if runs.empty:
        st.markdown("## This machine has not been measured yet")
        page.absent("No benchmark result is known.", "`dlpulse bench run --quick`, then `dlpulse build`, does it.")
        return
    heading = st.container()
    runs = _of_chosen_devices(runs)
    if runs.empty:
        page.title("How fast the same small network runs", benchfigures.ABOUT)
        page.absent("No device is chosen.", "Choose one above.")
        return
    each = runs.to_dict("records")
    found = {one["device_id"]: measurements.run(state, one["run_id"], one["device_id"]) for one in each}
    with heading:
        page.title(_finding(list(found.values())), f"{benchfigures.ABOUT} {_measured(state, each)}")
    title, track, size = _chosen(state, each, pd.concat([one.results for one in found.values()]))
    measure = next((one for one in MEASURES if one.heading == title), None)
    if measure is not None:
        st.caption(f"{TRACKS.get(track, track)}. {HOW_TO_READ}")
    end = max(filter(None, (_end(one, measure, track, size) for one in found.values())), default=1.0)
    for number, one in enumerate(each):
        if len(each) > 1:
            st.markdown(f"### {page.plain(_device_name(state, one['device_id']))} ({page.plain(one['device_id'])})")
        _proof(state, one["run_id"], track)
        if measure is None:
            _learning(state, one["run_id"], one["device_id"], track, number)
        else:
            _tunings(found[one["device_id"]], measure, track, size, end, number)
            _which_count(found[one["device_id"]].ratios, measure, track, size)
    for one in each:
        _circumstances(state, found[one["device_id"]].results, one)


def _finding(found: list[measurements.Newest]) -> str:
    """Say who trains faster where one machine is looked at and its run resolves it."""
    return (findings.speeds(found[0], short=True) if len(found) == 1 else "") or "How fast the same small network runs"


def _measured(state: Published, runs: Sequence[Mapping[Any, Any]]) -> str:
    told = [f"{wording.day(run['started_at'])} on {_device_name(state, run['device_id'])}" for run in runs]
    return f"Measured {wording.listing(told)}. Other machines rank otherwise."


def _of_chosen_devices(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of the devices that the reader chooses; at first the one measured last."""
    if len(runs) < 2:
        return runs
    chosen = controls.several("Devices", list(runs["device_id"]), "device", at_first=1)
    return runs[runs["device_id"].isin(chosen)]


def _chosen(state: Published, runs: Sequence[Mapping[Any, Any]], measured: pd.DataFrame) -> tuple[str, str, str]:
    """Return the measure's heading, track and batch size ("" where there is none), as the reader chooses.

    Tracks are never mixed: one is what a beginner writes, in the other all programs do the same.
    """
    epochs = pd.concat([measurements.epochs(state, run["run_id"], run["device_id"]) for run in runs])
    headings = [one.heading for one in MEASURES if not one.of(measured).empty]
    headings += [LEARNING] if not epochs.empty else []
    title = controls.one_of("Measure", headings, "measure") if headings else LEARNING
    measure = next((one for one in MEASURES if one.heading == title), None)
    rows = measure.of(measured) if measure else epochs
    tracks = sorted(set(rows["track"]))
    left, right = st.columns(2)
    with left:
        track = controls.one_of("Track", tracks, "track") if len(tracks) > 1 else tracks[0] if tracks else ""
    if measure is None or not measure.sized:
        return title, track, ""
    own = rows.loc[rows["track"] == track, "batch_size"]
    sizes = sorted({str(size) for size in own}, key=lambda size: (size != "128", int(size)))
    with right:
        size = controls.one_of("Batch size", sizes, "batch") if len(sizes) > 1 else sizes[0]
    return title, track, size


def _end(run: measurements.Newest, measure: Measure | None, track: str, size: str) -> float | None:
    """Return where the axis of a run's figures would end, None without any."""
    if measure is None:
        return None
    rows, trials = (_rows(table, measure, track, size) for table in (run.results, run.trials))
    return benchfigures.top(rows, trials) if not rows.empty else None


def _tunings(run: measurements.Newest, measure: Measure, track: str, size: str, end: float, number: int) -> None:
    """Draw a figure for each tuning beside each other; `number` is the device's place, from 0."""
    rows, trials = (_rows(table, measure, track, size) for table in (run.results, run.trials))
    if rows.empty:
        page.absent(f"{measure.heading} is not known for this run.", "`dlpulse bench run` measures it.")
        return
    rows = benchfigures.ordered(rows, measure)
    tunings = [tuning for tuning in TUNINGS if tuning in set(rows["tuning"])]
    for column, tuning in zip(st.columns(len(tunings), gap="large"), tunings, strict=True):
        with column:
            part, own = (table[table["tuning"] == tuning] for table in (rows, trials))
            show(benchfigures.spread(part, own, measure, tuning, end, key=f"{measure.key}-{tuning}{_place(number)}"))
    if tunings == ["stock"]:
        st.caption("Stock only, the environment as it comes: `dlpulse bench run` without `--quick` measures tuned too.")


def _place(number: int) -> str:
    """Return what tells the second device's figures from the first's; nothing for the first."""
    return f"-{number}" if number else ""


def _rows(rows: pd.DataFrame, measure: Measure, track: str, size: str) -> pd.DataFrame:
    """Return the labelled rows of one measure, track and batch size."""
    own = measure.of(rows)
    own = own[own["track"] == track]
    if size:
        own = own[own["batch_size"].astype(str) == size]
    return benchfigures.labelled(own)


def _which_count(ratios: pd.DataFrame, measure: Measure, track: str, size: str) -> None:
    """List the comparisons behind the figure, and whether each difference counts."""
    own = measure.of(ratios)
    own = own[own["track"] == track]
    if size:
        own = own[own["batch_size"].astype(str) == size]
    if own.empty:
        return
    own = own.assign(
        a=own["engine_a"].astype(str) + " " + own["mode_a"].astype(str),
        b=own["engine_b"].astype(str) + " " + own["mode_b"].astype(str),
        resolved=own["resolved"].fillna(False).astype(bool),
    ).sort_values(["tuning", "metric", "resolved", "a", "b"], ascending=[True, True, False, True, True])
    count = int(own["resolved"].sum())
    with st.expander(f"Which differences count: {count} of {len(own)} pairs"):
        st.caption(
            "A difference is resolved with 8 launches on both sides, an interval without 1, p < 0.05 corrected for all "
            "pairs (Mann-Whitney, Holm), and more than two equal programs (A/A control) may differ by."
        )
        columns = ["tuning", "metric", "a", "b", "ratio", "low", "high", "n", "p_holm", "control_gap", "resolved"]
        numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in ("ratio", "low", "high", "p_holm")}
        percent = st.column_config.NumberColumn("control gap", format="percent")
        st.dataframe(own[columns], hide_index=True, column_config={**numbers, "control_gap": percent})


def _learning(state: Published, run_id: str, device_id: str, track: str, number: int) -> None:
    """Draw what each engine's seeds learnt, a figure for each data set; `number` is the device's place, from 0."""
    epochs = measurements.epochs(state, run_id, device_id)
    learnt = measurements.learning(state, run_id, device_id)
    for dataset, own in epochs[epochs["track"] == track].groupby("dataset"):
        told = learnt[(learnt["track"] == track) & (learnt["dataset"] == dataset)]
        show(benchfigures.learning(own, told, track, key=f"learning-{dataset}{_place(number)}"))


def _proof(state: Published, run_id: str, track: str) -> None:
    """Tell what was proved on the track that is shown: the other proves something else."""
    proofs = measurements.proofs(state, run_id)
    proofs = proofs[proofs["track"] == track]
    if proofs.empty:
        st.warning("No parity proof is stored with this run: the networks may differ.", icon=":material/help:")
        return
    failed = proofs[~proofs["proved"].fillna(False).astype(bool)]
    if failed.empty:
        engines = wording.listing(proofs["engine"].drop_duplicates())
        st.success(
            f"Proved to be the same network before timing ({PROVED.get(track, track)}): {engines}.",
            icon=":material/verified:",
        )
    else:
        st.error(f"Not proved to be the same network: {wording.listing(_ways(failed))}. Do not compare.")
    with st.expander("The proof's figures"):
        told = [json.loads(str(figures)) if wording.known(figures) else {} for figures in proofs["figures"]]
        st.caption("Largest differences from a numpy network in float64.")
        st.dataframe(pd.DataFrame(told, index=_ways(proofs)).map(_difference))


def _difference(value: Any) -> str:
    """Write a proof's figure: differences of 1e-16 have no other digits worth reading."""
    if not wording.known(value):
        return ""
    return f"{value:.1e}" if isinstance(value, float) else str(value)


def _ways(proofs: pd.DataFrame) -> list[str]:
    """Return each proof's engine, mode, track and tuning."""
    return [f"{one.engine}, {one.mode}, track {one.track}, {one.tuning}" for one in proofs.itertuples()]


def _device_name(state: Published, device_id: str) -> str:
    device = measurements.device(state, device_id)
    return str(device["cpu"].iloc[0]) if not device.empty and wording.known(device["cpu"].iloc[0]) else device_id


def _circumstances(state: Published, results: pd.DataFrame, run: Mapping[Any, Any]) -> None:
    device_id = str(run["device_id"])
    st.markdown("### Circumstances")
    device = measurements.device(state, device_id)
    facts = {
        "device": device_id,
        "run": run["run_id"],
        "started": wording.instant(run["started_at"]),
        "trials": run["trials"],
    }
    versions: dict[str, str] = {}
    if not device.empty:
        row = device.iloc[0]
        facts |= {key: row[key] for key in ("cpu", "cores", "gpu", "memory_gib", "os", "python")}
        # The bench looked for one: NULL says that it found none.
        facts["gpu"] = row["gpu"] if wording.known(row["gpu"]) else "none found"
        versions = json.loads(str(row["versions"])) if wording.known(row["versions"]) else {}
    for key in ("track", "mode", "dataset", "batch_size", "threads", "precision"):
        facts[key] = wording.listing(results[key])
    facts["runs on"] = wording.listing(results["device"])
    facts |= versions
    told = pd.DataFrame(
        [
            (key.replace("_", " "), str(value) if wording.known(value) and value != "" else wording.ABSENT)
            for key, value in facts.items()
        ],
        columns=["what", "value"],
    )
    st.table(told.set_index("what"))
    bounds = measurements.bounds(state, run["run_id"], device_id)
    if not bounds.empty:
        with st.expander("What this machine can do: the scale for all"):
            st.dataframe(bounds, hide_index=True)


main()
