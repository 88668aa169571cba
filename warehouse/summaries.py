"""What dbt's Python models say of a benchmark's launches: spread, ratios, learning. Rows in, rows out."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from warehouse import learningcurves
from warehouse.statistics import LEAST_RANKED, NOISY, UNRANKABLE, compare, corrected, gap, median_interval, spread

COMPARED = ("images_per_s", "images_per_cpu_s", "latency_p50_ms", "latency_p95_ms", "time_to_accuracy_s")
"""The metrics of which ratios are given: those by which people choose. Each ratio costs two bootstraps."""
SETTING = (
    *("run_id", "device_id", "device", "track", "tuning", "dataset"),
    *("phase", "batch_size", "threads", "precision", "metric"),
)
"""What programs must share to be compared; macros/bench_setting.sql says it in SQL."""
PROGRAM = ("engine", "mode", "versions", "stack")
# Engines are timed by one target where these are the same.
_LEARNT_ALIKE = ("run_id", "device_id", "device", "track", "dataset", "batch_size", "threads", "precision")
Row = Mapping[str, Any]
Key = tuple[Any, ...]


def grouped(rows: Iterable[Row], keys: Sequence[str]) -> list[tuple[Key, list[Row]]]:
    """Return the rows of each key, sorted by key; a key may hold None."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in keys), []).append(row)
    return sorted(groups.items(), key=lambda group: repr(group[0]))


def summarise(values: Sequence[float]) -> dict[str, float | bool | None]:
    """Return n, median, quartiles, the bootstrap interval of the median (None below n = 8) and the noise flags."""
    low, high = median_interval(values) or (None, None)
    q1, median, q3 = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    apart = spread(values)
    return {
        "n": len(values),
        "median": median,
        "q1": q1,
        "q3": q3,
        "ci_low": low,
        "ci_high": high,
        "noisy": apart >= NOISY,
        "rankable": apart < UNRANKABLE and len(values) >= LEAST_RANKED,
    }


def ratios(rows: Iterable[Row], keys: Sequence[str], program: Sequence[str]) -> list[dict[str, Any]]:
    """Return each pair of programs (`program` columns with _a and _b) within the same `keys`: median of a over b.

    A program with a value of 0 is in no pair: nothing is a multiple of it. p_holm is corrected over the pairs of a key.
    """
    found = []
    names = [*keys, *(f"{name}_{side}" for side in "ab" for name in program)]
    for key, launches in grouped(rows, keys):
        programs = [(name, [row["value"] for row in own]) for name, own in grouped(launches, program)]
        pairs = list(itertools.combinations([one for one in programs if min(one[1]) > 0], 2))
        family = corrected([compare(a, b) for (_, a), (_, b) in pairs])
        for ((a, _), (b, _)), ratio in zip(pairs, family, strict=True):
            found.append(dict(zip(names, (*key, *a, *b), strict=True)) | dataclasses.asdict(ratio))
    return found


def control_gaps(rows: Iterable[Row], keys: Sequence[str], program: Sequence[str]) -> list[dict[str, Any]]:
    """Return by `keys` how far two equal programs may lie apart (`control_gap`); of several controls the widest.

    `rows` have `control` true for the second of the two. Where there is no control there is no row.
    """
    found = []
    for key, launches in grouped(rows, keys):
        gaps = []
        for _, own in grouped(launches, program):
            control, twin = ([row["value"] for row in own if row["control"] is side] for side in (True, False))
            if control and twin and min(*control, *twin) > 0:
                gaps.append(gap(compare(control, twin)))
        if gaps:
            found.append(dict(zip(keys, key, strict=True)) | {"control_gap": max(gaps)})
    return found


def learnt(epochs: Iterable[Row], keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return how long each program (by `keys`) took to the accuracy that all compared programs reach.

    `epochs` are rows of `keys`, trial_id (one a seed), epoch, train_s and accuracy. `times` are the seconds that
    time_to_accuracy_s is the mean of.
    """
    found = []
    for _, alike in grouped(epochs, _LEARNT_ALIKE):
        programs = [(key, _curves(own)) for key, own in grouped(alike, keys)]
        target = learningcurves.target_accuracy(curves for _, curves in programs)
        for key, curves in programs:
            found.append(dict(zip(keys, key, strict=True)) | _time(curves, target))
    return found


def _curves(epochs: Iterable[Row]) -> dict[int, learningcurves.Curve]:
    return {
        number: [(row["train_s"], row["accuracy"]) for row in sorted(own, key=lambda row: row["epoch"])]
        for number, (_, own) in enumerate(grouped(epochs, ["trial_id"]))
    }


def _time(curves: Mapping[int, learningcurves.Curve], target: float) -> dict[str, Any]:
    time = learningcurves.time_to_accuracy(curves, target)
    return {
        "seeds": len(curves),
        "reached": len(curves) - len(time.never),
        "target_accuracy": target,
        "time_to_accuracy_s": time.seconds,
        "low": time.low,
        "high": time.high,
        "epochs_to_accuracy": time.epochs,
        "final_accuracy": float(np.median([curve[-1][1] for curve in curves.values()])),
        "times": list(time.kept),
    }
