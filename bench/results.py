"""What a finished run found, straight from the raw archive: medians, quartiles and ratios over process launches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from warehouse import statistics
from warehouse.errors import BadInputError, DlpulseError, nearest
from warehouse.parse import Rejected
from warehouse.parse.bench import parse
from warehouse.raw import Archive

_CONFIGURATION = (
    *("device_id", "engine", "framework_id", "track", "mode", "tuning", "dataset", "phase"),
    *("batch_size", "threads", "precision", "metric", "unit"),
)


@dataclass(frozen=True)
class Result:
    """One metric of one configuration over n launches; ci_low and ci_high are None below n = 8."""

    run_id: str
    device_id: str
    engine: str
    framework_id: str
    track: str
    mode: str
    tuning: str
    dataset: str
    phase: str
    batch_size: int
    threads: int
    precision: str
    metric: str
    unit: str
    n: int
    median: float
    q1: float
    q3: float
    ci_low: float | None
    ci_high: float | None
    noisy: bool
    rankable: bool
    parity_proved: bool
    values: tuple[float, ...]

    @property
    def measured(self) -> tuple[str, str, int, str]:
        """What two engines' results must share to be compared, the engine's own circumstances being equal."""
        return self.phase, self.metric, self.batch_size, self.unit


@dataclass(frozen=True)
class Comparison:
    """How many times engine_a's result is engine_b's, at one tuning."""

    tuning: str
    engine_a: str
    engine_b: str
    metric: str
    phase: str
    ratio: statistics.Ratio


@dataclass
class RunResults:
    """One run: its device, its proofs by engine, and its results in the order of measurement."""

    run_id: str
    device: Mapping[str, Any] = field(default_factory=dict)
    proofs: dict[str, dict[str, Any]] = field(default_factory=dict)
    trials: list[dict[str, Any]] = field(default_factory=list)

    def results(self) -> list[Result]:
        """Return one result per configuration, tuning and metric."""
        groups: dict[tuple[Any, ...], list[float]] = {}
        for trial in self.trials:
            groups.setdefault(tuple(trial[name] for name in _CONFIGURATION), []).append(trial["value"])
        return [self._result(key, values) for key, values in groups.items()]

    def _result(self, key: tuple[Any, ...], values: list[float]) -> Result:
        configuration = dict(zip(_CONFIGURATION, key, strict=True))
        q1, median, q3 = (float(value) for value in np.percentile(values, (25, 50, 75)))
        spread = statistics.spread(values)
        low, high = statistics.median_interval(values) or (None, None)
        return Result(
            run_id=self.run_id,
            **configuration,
            n=len(values),
            median=median,
            q1=q1,
            q3=q3,
            ci_low=low,
            ci_high=high,
            noisy=spread >= statistics.NOISY,
            rankable=spread < statistics.UNRANKABLE,
            parity_proved=bool(self.proofs.get(configuration["engine"], {}).get("proved")),
            values=tuple(values),
        )


def compare(results: Iterable[Result], metric: str, phase: str) -> list[Comparison]:
    """Return the ratio of each pair of engines, tuning by tuning; results that must not be ranked are left out."""
    chosen = [one for one in results if (one.metric, one.phase) == (metric, phase) and one.rankable]
    return [
        Comparison(a.tuning, a.engine, b.engine, metric, phase, statistics.compare(a.values, b.values))
        for a, b in combinations(sorted(chosen, key=lambda one: (one.tuning, one.engine)), 2)
        if a.tuning == b.tuning and a.engine != b.engine
    ]


def read_run(archive: Archive, run_id: str | None = None) -> RunResults:
    """Return one run's results, the newest that has any unless `run_id` is given.

    Raises:
        BadInputError: for an unknown run; names the nearest.
        DlpulseError: when nothing has been measured yet.
    """
    runs = {key: run for key, run in _read_runs(archive).items() if run.trials}
    if not runs:
        raise DlpulseError("no benchmark results yet: `dlpulse bench run --quick` measures this device in 90 seconds")
    if run_id is not None and run_id not in runs:
        raise BadInputError(f"unknown benchmark run {run_id!r}{nearest(run_id, runs)}")
    return runs[run_id or max(runs)]


def _read_runs(archive: Archive) -> dict[str, RunResults]:
    runs: dict[str, RunResults] = {}
    for response in archive.responses("bench"):
        run = runs.setdefault(response.run_id, RunResults(response.run_id))
        try:
            rows = list(parse(response))
        except Rejected:
            continue
        for table, row in rows:
            if table == "bench_trials":
                run.trials.append(row)
            elif table == "bench_parity":
                run.proofs[row["engine"]] = row
            else:
                run.device = row
    return runs
