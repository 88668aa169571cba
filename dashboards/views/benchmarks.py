"""Benchmarks: the newest run of a device. Stock and tuned apart, every trial shown, proof and circumstances in full."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import controls, findings, measurements, page, spreads, wording
from dashboards.figure import Figure, show
from dashboards.reader import Published
from warehouse.statistics import LEAST_RANKED, TOO_FEW

THROUGHPUT = {"training": "Training throughput", "inference": "Inference throughput"}
LATENCY = {"latency_p50_ms": "p50", "latency_p95_ms": "p95"}
SETUP = {"import_s": "import", "build_s": "build", "first_step_s": "first step"}
PARTS = {**LATENCY, **SETUP}
UNITS = {"images/s": "Images per second", "ms": "Milliseconds", "s": "Seconds"}
VARYING = {
    "mode": "",
    "versions": "",
    "dataset": "",
    "batch_size": "batch ",
    "threads": "threads ",
    "precision": "",
    "device": "on ",
}
TUNING = {
    "stock": "the environment as it comes",
    "tuned": "the best known environment for each engine",
}
# What `dlpulse bench run` proves on each track before it times anything.
PROVED = {
    "default": "layers, probabilities and loss, in float32",
    "matched": "layers, logits, loss, gradients and training steps, in float64",
}


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    runs = measurements.runs(state)
    if runs.empty:
        st.markdown("## This machine has not been measured yet")
        page.absent(
            "No benchmark result is known.", "`dlpulse bench run --quick` takes about 90 seconds; then `dlpulse build`."
        )
        return
    device_id = (
        controls.one_of("Device", list(runs["device_id"]), "device") if len(runs) > 1 else runs["device_id"].iloc[0]
    )
    run = runs[runs["device_id"] == device_id].iloc[0]
    results, trials = _chosen(
        measurements.results(state, run["run_id"], device_id), measurements.trials(state, run["run_id"], device_id)
    )
    page.title(
        "How fast the same small network runs here",
        "Reference CNN (11,290 parameters) in each framework, one process per trial · measured "
        f"{wording.day(run['started_at'])} on {_device_name(state, device_id)}. Other machines rank otherwise.",
    )
    _proof(state, run["run_id"], wording.listing(results["track"]))
    st.caption(
        "Points are single trials, the band spans the quartiles, the mark is the median. "
        f"What is too noisy, or of {TOO_FEW}, is not ranked and grey."
    )
    if "tuned" not in set(results["tuning"]):
        st.caption("Stock only, the environment as it comes: `dlpulse bench run` without `--quick` measures tuned too.")
    for phase, heading in THROUGHPUT.items():
        _section(results, trials, heading, phase, ["images_per_s"], "images/s", better="more is better")
    _section(results, trials, "Latency at batch size 1", "inference", list(LATENCY), "ms", better="less is better")
    _section(results, trials, "Time to the first step", "setup", list(SETUP), "s", better="less is better")
    _circumstances(state, results, run, device_id)


def _chosen(results: pd.DataFrame, trials: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of one track and one batch size, labelled; the reader chooses where a run has several.

    Tracks are never mixed: one is what a beginner writes, in the other all programs do the same.
    """
    tracks = sorted(set(results["track"]))
    track = controls.one_of("Track", tracks, "track") if len(tracks) > 1 else tracks[0] if tracks else ""
    timed = results[(results["track"] == track) & (results["metric"] == "images_per_s")]
    sizes = sorted({str(size) for size in timed["batch_size"]}, key=lambda size: (size != "128", int(size)))
    size = controls.one_of("Batch size", sizes, "batch") if len(sizes) > 1 else sizes[0] if sizes else ""

    def chosen(rows: pd.DataFrame) -> pd.DataFrame:
        apart = (rows["metric"] == "images_per_s") & (rows["batch_size"].astype(str) != size)
        return _labelled(rows[(rows["track"] == track) & ~apart])

    return chosen(results), chosen(trials)


def _labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """Add `subject`, the engine and what differs between a metric's rows, and `label`, which adds the metric's part."""
    subject = rows["engine"].astype(str)
    for column, said in VARYING.items():
        # Modes and versions differ between engines as a matter of course: they tell rows of one engine apart.
        alike = ["phase", "metric", *(["engine"] if column in ("mode", "versions") else [])]
        several = rows.groupby(alike)[column].transform("nunique") > 1
        subject = subject.where(~several, subject + " · " + said + rows[column].astype(str))
    parts = rows["metric"].map(lambda metric: f" · {PARTS[metric]}" if metric in PARTS else "")
    return rows.assign(subject=subject, label=subject + parts)


def _section(
    results: pd.DataFrame, trials: pd.DataFrame, heading: str, phase: str, metrics: list[str], unit: str, *, better: str
) -> None:
    rows = results[(results["phase"] == phase) & results["metric"].isin(metrics)]
    rows = rows.assign(place=rows["metric"].map(metrics.index))
    st.markdown(f"### {heading}")
    if rows.empty:
        page.absent(f"{heading} is not known for this run.", "`dlpulse bench run` measures it.")
        return
    own = trials[(trials["phase"] == phase) & trials["metric"].isin(metrics)]
    top = float(max(own["value"].max(), rows["q3"].max())) * 1.08
    tunings = [tuning for tuning in TUNING if tuning in set(results["tuning"])]
    for column, tuning in zip(st.columns(len(tunings), gap="large"), tunings, strict=True):
        part = rows[rows["tuning"] == tuning].sort_values(["place", "engine", "mode", "batch_size"])
        with column:
            _part(
                part,
                own[own["tuning"] == tuning],
                tuning,
                unit,
                top,
                key=f"{phase}-{metrics[0]}-{tuning}",
                better=better,
            )


def _part(
    rows: pd.DataFrame, trials: pd.DataFrame, tuning: str, unit: str, top: float, *, key: str, better: str
) -> None:
    if rows.empty:
        st.markdown(f"#### {tuning.capitalize()}: not measured")
        st.caption("`dlpulse bench run` without `--quick` measures stock and tuned.")
        return
    finding = findings.medians(rows[rows["place"] == 0], unit, "not ranked")
    show(
        Figure(
            key,
            f"{tuning.capitalize()}{_first_part(rows)}: {finding}",
            f"{UNITS[unit]}, {better} · {tuning}: {TUNING[tuning]} · {_configuration(rows)}",
            spreads.spreads(rows, trials, top, dark=page.is_dark()),
            f"Median of n process launches, from 0. {_noise(rows)}",
            rows.drop(columns=["colour", "label", "subject", "place"]),
        )
    )


def _first_part(rows: pd.DataFrame) -> str:
    first = rows["metric"].iloc[0]
    return f", {PARTS[first]}" if first in PARTS else ""


def _configuration(rows: pd.DataFrame) -> str:
    return (
        f"track {wording.listing(rows['track'])}, {wording.listing(rows['mode'])}, {wording.listing(rows['dataset'])}, "
        f"batch {wording.listing(rows['batch_size'])}, {wording.listing(rows['threads'])} threads, "
        f"{wording.listing(rows['precision'])}"
    )


def _noise(rows: pd.DataFrame) -> str:
    noisy = rows[rows["noisy"].fillna(False).astype(bool)]
    if (rows["n"] < LEAST_RANKED).all():
        return f"{TOO_FEW.capitalize()} tell no noise: nothing is ranked."
    if noisy.empty:
        return "No result is noisy (quartiles within 10 % of the median)."
    return f"Noisy, quartiles 10 % of the median apart or more: {wording.listing(noisy['label'])}."


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
        for way, figures in zip(_ways(proofs), proofs["figures"], strict=True):
            st.markdown(f"**{way}**")
            st.json(json.loads(str(figures)) if wording.known(figures) else {})


def _ways(proofs: pd.DataFrame) -> list[str]:
    """Return each proof's engine, mode, track and tuning."""
    return [f"{one.engine}, {one.mode}, track {one.track}, {one.tuning}" for one in proofs.itertuples()]


def _device_name(state: Published, device_id: str) -> str:
    device = measurements.device(state, device_id)
    return str(device["cpu"].iloc[0]) if not device.empty and wording.known(device["cpu"].iloc[0]) else device_id


def _circumstances(state: Published, results: pd.DataFrame, run: pd.Series[Any], device_id: str) -> None:
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


main()
