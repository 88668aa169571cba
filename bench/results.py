"""What a run found, straight from the raw archive: spreads over process launches, learning, bounds. Prints nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench import network
from bench.protocol import Proving
from warehouse import statistics
from warehouse.errors import BadInputError, DlpulseError, nearest
from warehouse.parse import Rejected
from warehouse.parse.bench import parse
from warehouse.raw import RUN_END, RUN_START, Archive, Response
from warehouse.summaries import grouped, learnt, summarise

Row = dict[str, Any]
_LAUNCH = (
    *("device_id", "device", "engine", "framework_id", "track", "mode", "tuning", "dataset"),
    *("batch_size", "threads", "precision", "versions", "stack"),
)
_CONFIGURATION = (*_LAUNCH, "phase", "metric", "unit")
_BOUND = ("device_id", "bound", "phase", "batch_size", "threads", "precision", "metric")
_FLOPS = {"training": network.training_flops(), "inference": 2 * network.forward_multiply_adds()}
_KEPT_BACK = ("measurements", "training_blocks", "epochs", "losses")


class Program(NamedTuple):
    """What is compared: an engine in one mode with certain library versions; `stack` names them, "" dlpulse's own."""

    engine: str
    mode: str
    stack: str
    versions: str


class Setting(NamedTuple):
    """What programs must share to be compared with each other."""

    device_id: str
    device: str
    track: str
    tuning: str
    dataset: str
    threads: int
    precision: str


class Measured(NamedTuple):
    """What was measured of a program in a setting."""

    phase: str
    metric: str
    batch_size: int


@dataclass(frozen=True)
class Result:
    """One metric of one configuration over n launches; ci_low and ci_high are None below n = 8."""

    run_id: str
    device_id: str
    device: str
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
    versions: str
    stack: str
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
    def program(self) -> Program:
        """Which program it is of."""
        return Program(self.engine, self.mode, self.stack, self.versions)

    @property
    def setting(self) -> Setting:
        """In which setting it was measured."""
        return Setting(self.device_id, self.device, self.track, self.tuning, self.dataset, self.threads, self.precision)

    @property
    def measured(self) -> Measured:
        """What it is a result of."""
        return Measured(self.phase, self.metric, self.batch_size)

    @property
    def counts(self) -> bool:
        """Whether it may stand in a sentence or a ranking."""
        return self.rankable and self.parity_proved


@dataclass
class RunResults:
    """One run: its device, the proofs, and the rows of its trials in the order of measurement.

    `controls` are trials of the A/A control's second program, kept apart. `launches` are the trials' bodies without
    their samples: environment, load, what was in force. `failed` says of each trial or proof without facts why.
    `bounds` has each bound once: of one measured twice, as a resumed run may have, the larger, as in fct_bench_bounds.
    """

    run_id: str
    device: Mapping[str, Any] = field(default_factory=dict)
    proofs: dict[Proving, Row] = field(default_factory=dict)
    trials: list[Row] = field(default_factory=list)
    controls: list[Row] = field(default_factory=list)
    epochs: list[Row] = field(default_factory=list)
    bounds: list[Row] = field(default_factory=list)
    launches: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def results(self) -> list[Result]:
        """Return one result per configuration and metric, share of peak and time to accuracy among them."""
        return self._spreads([*self.trials, *self._shares(), *self._times()])

    def learning(self) -> list[Row]:
        """Return per program how long its seeds took to the accuracy that all compared reach; see summaries.learnt."""
        return learnt(self.epochs, ("run_id", *_LAUNCH))

    def peak(self, device_id: str, threads: int) -> float | None:
        """Return the float32 matrix-multiply peak in FLOP/s measured with so many threads; None where it was not."""
        wanted: Row = {"bound": "matmul", "metric": "flops_per_s", "precision": "float32"}
        wanted |= {"device_id": device_id, "threads": threads}
        found = (row["value"] for row in self.bounds if all(row[name] == value for name, value in wanted.items()))
        return next(found, 0.0) or None

    def controls_over_twins(self) -> dict[tuple[Setting, Measured], statistics.Ratio]:
        """Return the A/A control's ratio by what was measured; of several controls the one that differs most."""
        twins = {(one.program, one.setting, one.measured): one.values for one in self._spreads(self.trials)}
        found: dict[tuple[Setting, Measured], statistics.Ratio] = {}
        for one in self._spreads(self.controls):
            values = twins.get((one.program, one.setting, one.measured))
            if values and min(*values, *one.values) > 0:
                ratio, place = statistics.compare(one.values, values), (one.setting, one.measured)
                found[place] = max(ratio, found.get(place, ratio), key=statistics.gap)
        return found

    def _shares(self) -> Iterator[Row]:
        """Yield each launch's share of the machine's measured peak; nobody else's than the CPU's, in float32."""
        for row in self.trials:
            told = row["metric"] == "images_per_s" and row["device"] == "cpu" and row["precision"] == "float32"
            if told and row["phase"] in _FLOPS and (peak := self.peak(row["device_id"], row["threads"])):
                share = row["value"] * _FLOPS[row["phase"]] / peak
                yield {**row, "metric": "share_of_peak", "unit": "share", "value": share}

    def _times(self) -> Iterator[Row]:
        for row in self.learning():
            if row["time_to_accuracy_s"] is not None:
                what = {"phase": "training", "metric": "time_to_accuracy_s", "unit": "s"}
                yield from ({**row, **what, "value": seconds} for seconds in row["times"])

    def _spreads(self, rows: Iterable[Row]) -> list[Result]:
        return [self._result(key, [row["value"] for row in own]) for key, own in grouped(rows, _CONFIGURATION)]

    def _result(self, key: tuple[Any, ...], values: Sequence[float]) -> Result:
        configuration = dict(zip(_CONFIGURATION, key, strict=True))
        proof = self.proofs.get(Proving(*(configuration[name] for name in Proving._fields)), {})
        told: dict[str, Any] = {**configuration, **summarise(values), "parity_proved": bool(proof.get("proved"))}
        return Result(run_id=self.run_id, **told, values=tuple(values))


def read_run(archive: Archive, run_id: str | None = None) -> RunResults:
    """Return one run's results, by its id or a beginning that no other run has; the newest that has any unless given.

    Raises:
        BadInputError: for an unknown or ambiguous run; names the nearest.
        DlpulseError: when nothing has been measured yet.
    """
    if run_id is None:
        found = next(read_runs(archive), None)
        if found is None:
            raise DlpulseError(
                "no benchmark results yet: `dlpulse bench run --quick` measures this device in 90 seconds"
            )
        return found
    runs = {run.run_id: run for run in read_runs(archive)}
    fitting = [name for name in runs if name == run_id] or [name for name in runs if name.startswith(run_id)]
    if not run_id or not fitting:
        raise BadInputError(f"unknown benchmark run {run_id!r}{nearest(run_id, runs)}")
    if len(fitting) > 1:
        raise BadInputError(f"{run_id!r} is the beginning of several benchmark runs: {', '.join(sorted(fitting))}")
    return runs[fitting[0]]


def read_runs(archive: Archive) -> Iterator[RunResults]:
    """Yield the runs that have results, newest first; what a resumed run added stands under the id of the first."""
    responses: dict[str, list[tuple[Response, Row]]] = {}
    for response in archive.responses("bench"):
        if response.subject not in (RUN_START, RUN_END):
            body = _body(response)
            responses.setdefault(str(body.get("bench_run", response.run_id)), []).append((response, body))
    for run_id in sorted(responses, reverse=True):
        run = RunResults(run_id)
        for response, body in responses[run_id]:
            _take(run, response, body)
        if run.trials or run.epochs:
            yield run


def _take(run: RunResults, response: Response, body: Row) -> None:
    try:
        rows = list(parse(response))
    except Rejected as error:
        # What the bounds cannot tell leaves other results as they are; the build reports it.
        if body.get("kind") in ("trial", "parity"):
            run.failed.append(str(body.get("error") or f"{body.get('engine')}: {error}"))
        return
    if body.get("kind") == "trial":
        run.launches.append(body)
    elif body.get("kind") == "device":
        run.device = body
    for table, row in rows:
        _store(run, table, row)


def _store(run: RunResults, table: str, row: Row) -> None:
    if table == "bench_parity":
        key = Proving(*(row[name] for name in Proving._fields))
        # Proved is what each proof of it proves: a resumed run may have two.
        before = run.proofs.get(key)
        run.proofs[key] = before if before and not before["proved"] else row
    elif table == "bench_trials" and row["trial_kind"] == "throughput":
        (run.controls if row["control"] else run.trials).append(row)
    elif table == "bench_epochs" and not row["control"]:
        run.epochs.append(row)
    elif table == "bench_bounds":
        _keep_larger(run.bounds, row)


def _keep_larger(bounds: list[Row], row: Row) -> None:
    for place, before in enumerate(bounds):
        if all(before[name] == row[name] for name in _BOUND):
            bounds[place] = max(row, before, key=lambda one: one["value"])
            return
    bounds.append(row)


def _body(response: Response) -> Row:
    """Return a row's JSON without its many samples, empty where it is none."""
    try:
        body = json.loads(response.body)
    except ValueError:
        return {}
    return {name: value for name, value in body.items() if name not in _KEPT_BACK} if isinstance(body, dict) else {}


def best(results: Iterable[Result], measured: Measured) -> list[Result]:
    """Return one setting's results of one measurement, the highest median first, those that do not count last."""
    fitting = [one for one in results if one.measured == measured]
    return sorted(fitting, key=lambda one: (not one.counts, -one.median, one.program))
