"""The figures of benchmark results: one measure, one tuning, every trial; and the curves of what was learnt."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dashboards import curves, findings, page, spreads, wording
from dashboards.figure import Figure
from warehouse.statistics import LEAST_RANKED, TOO_FEW

ABOUT = "Reference CNN (11,290 parameters) in each framework, one process per trial."


@dataclass(frozen=True)
class Measure:
    """What of a run is shown: its rows in fct_bench_results, and how they read. `sized`: known by batch size."""

    heading: str
    phase: str
    metrics: tuple[str, ...]
    subtitle: str
    more_is_better: bool = False
    sized: bool = False
    of_what: str = "Median of n process launches"

    @property
    def key(self) -> str:
        """Its name in addresses and files."""
        return self.heading.lower().replace(" ", "-")

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that are about it."""
        return rows[(rows["phase"] == self.phase) & rows["metric"].isin(self.metrics)]


MEASURES = (
    Measure("Training", "training", ("images_per_s",), "Images per second", True, True),
    Measure("Inference", "inference", ("images_per_s",), "Images per second", True, True),
    Measure("Latency", "inference", ("latency_p50_ms", "latency_p95_ms"), "Milliseconds for one image"),
    Measure("First step", "setup", ("import_s", "build_s", "first_step_s"), "Seconds to a first step"),
    Measure("Compilation", "setup", ("compile_s",), "Seconds a first call takes beyond later ones", sized=True),
    Measure("Memory", "setup", ("rss_mib", "device_mib"), "Largest memory in use, MiB"),
    Measure("Share of peak", "training", ("share_of_peak",),
            "Arithmetic of training, over the matrix-multiply peak measured here", True, True),
    Measure("Per CPU second", "training", ("images_per_cpu_s",),
            "Images per second of processor time, the steadier clock on a busy machine", True, True),
    Measure("Time to accuracy", "training", ("time_to_accuracy_s",),
            "Seconds of training to the target", of_what="Median of n seeds, the fastest and the slowest left out"),
    Measure("Code", "setup", ("code_lines", "device_calls"),
            "Logical lines of a beginner's training code, and the calls in it that name a device"),
)  # fmt: skip
_PARTS = {
    **{"latency_p50_ms": "p50", "latency_p95_ms": "p95", "import_s": "import", "build_s": "build"},
    **{"first_step_s": "first step", "rss_mib": "process", "device_mib": "device"},
    **{"code_lines": "lines", "device_calls": "device calls"},
}
_VARYING = {
    "mode": "",
    "versions": "",
    "dataset": "",
    "batch_size": "batch ",
    "threads": "threads ",
    "precision": "",
    "device": "on ",
}
TUNINGS = {
    "stock": "the environment as it comes",
    "tuned": "the best known environment for each engine",
}


def labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """Add `subject`, the engine and what differs between a metric's rows, and `label`, which adds the metric's part."""
    subject = rows["engine"].astype(str)
    for column, said in _VARYING.items():
        # Modes and versions differ between engines as a matter of course: they tell rows of one engine apart.
        alike = ["phase", "metric", *(["engine"] if column in ("mode", "versions") else [])]
        several = rows.groupby(alike)[column].transform("nunique") > 1
        subject = subject.where(~several, subject + " · " + said + rows[column].astype(str))
    parts = rows["metric"].map(lambda metric: f" · {_PARTS[metric]}" if metric in _PARTS else "")
    return rows.assign(subject=subject, label=subject + parts)


def ordered(rows: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Add `place`, the metric's own, and sort by it, the best median first."""
    placed = rows.assign(place=rows["metric"].map(list(measure.metrics).index))
    return placed.sort_values(["place", "median", "label"], ascending=[True, not measure.more_is_better, True])


def top(rows: pd.DataFrame, trials: pd.DataFrame) -> float:
    """Return where an axis ends that charts beside each other share."""
    # Of what is worked out from several launches' figures there are no launches to show.
    return float(pd.concat([trials["value"], rows["q3"]]).max()) * 1.08 or 1.0


def spread(
    rows: pd.DataFrame,
    trials: pd.DataFrame,
    measure: Measure,
    tuning: str,
    end: float,
    *,
    key: str,
    picks: bool = False,
    headed: bool = False,
) -> Figure:
    """Return the figure of one tuning's rows, `labelled` and `ordered`, up to `end` on the axis.

    With `picks` a click on a row tells whose it is; `headed`: the title names the measure.
    """
    finding = findings.medians(rows[rows["place"] == 0], str(rows["unit"].iloc[0]), "not ranked")
    first = _PARTS.get(rows["metric"].iloc[0], "")
    better = "more" if measure.more_is_better else "less"
    return Figure(
        key,
        ", ".join(filter(None, [measure.heading if headed else "", tuning, first])).capitalize() + f": {finding}",
        f"{measure.subtitle}, {better} is better · {tuning}: {TUNINGS.get(tuning, tuning)} · {_configuration(rows)}",
        spreads.spreads(rows, trials, end, dark=page.is_dark(), picks=picks),
        f"{measure.of_what}, from 0. {_interval(rows)}{_noise(rows)}",
        rows.drop(columns=["colour", "label", "subject", "place"]),
    )


def _configuration(rows: pd.DataFrame) -> str:
    modes = list(dict.fromkeys(rows["mode"]))
    told = [
        f"track {wording.listing(rows['track'])}",
        # Where there are several, each row names its own.
        *([f"mode {modes[0]}"] if len(modes) == 1 else []),
        wording.listing(rows["dataset"]),
        f"batch {wording.listing(rows['batch_size'])}",
        f"{wording.listing(rows['threads'])} threads",
        wording.listing(rows["precision"]),
    ]
    return ", ".join(told)


def _interval(rows: pd.DataFrame) -> str:
    return "The thin line is its 95 % interval. " if rows["ci_low"].notna().any() else ""


def _noise(rows: pd.DataFrame) -> str:
    noisy = rows[rows["noisy"].fillna(False).astype(bool)]
    if (rows["n"] < LEAST_RANKED).all():
        return f"{TOO_FEW.capitalize()} tell no noise: nothing is ranked."
    if noisy.empty:
        return "No result is noisy (quartiles within 10 % of the median)."
    return f"Noisy, quartiles 10 % of the median apart or more: {wording.listing(noisy['label'])}."


def learning(epochs: pd.DataFrame, learnt: pd.DataFrame, track: str, *, key: str) -> Figure:
    """Return the figure of accuracy by epoch of one track and data set; `learnt` as measurements.learning."""
    rows = labelled(epochs.assign(phase="training", metric="accuracy", threads="", precision="", device=""))
    told = learnt.dropna(subset=["target_accuracy"])
    target = f"Target {wording.percent(told['target_accuracy'].iloc[0])}, reached " if not told.empty else ""
    times = [
        f"{row.engine} in {wording.figure(row.time_to_accuracy_s)} s on average ({row.reached} of {row.seeds} seeds)"
        for row in told.itertuples()
        if wording.known(row.time_to_accuracy_s)
    ]
    seeds = int(rows["seed"].nunique())
    return Figure(
        key,
        f"{target}by {wording.listing(times)}" if times else "Accuracy on images not trained on, by epoch",
        f"Accuracy on unseen images of {wording.listing(rows['dataset'])} by epoch, track {track}, "
        f"{wording.listing(rows['tuning'])}, batch {wording.listing(rows['batch_size'])}",
        curves.learning(rows, dark=page.is_dark()),
        f"Thick: the median of {seeds} seed{'s' if seeds > 1 else ''}, thin: each. The target is the accuracy that 9 "
        "of 10 seeds of every engine reach by epoch 10; the time is training alone, without evaluation.",
        epochs.drop(columns=["colour"]),
    )
