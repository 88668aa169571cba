"""The benchmark's own raw rows: one device, plan, parity proof, trial or set of bounds each, as JSON with a `kind`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from warehouse.parse import fields
from warehouse.parse.tables import TABLES, Rejected, Row
from warehouse.raw import RUN_END, RUN_START, Response

PHASES = ("training", "inference", "setup")
TRIAL_KINDS = ("throughput", "learning")
_PER_MEASUREMENT = ("phase", "metric", "unit", "batch_size", "value")
_PER_EPOCH = ("epoch", "train_s", "loss", "accuracy")
_PER_BOUND = ("bound", "phase", "precision", "batch_size", "metric", "unit", "value", "how")
_PER_TRIAL = (
    *("trial_id", "device_id", "engine", "framework_id", "track", "mode", "tuning", "dataset"),
    *("threads", "precision", "seed"),
)
# What rows written before these words existed were.
_LANDED_TRIAL = {"trial_kind": "throughput", "device": "cpu", "stack": "", "control": False}
_LANDED_PROOF = {"mode": "eager", "track": "matched", "tuning": "stock", "stack": "", "faults": []}
_MAY_BE_EMPTY = {"bench_bounds": ("batch_size",), "bench_devices": tuple(TABLES["bench_devices"].names)}


def parse(response: Response) -> Iterator[Row]:
    """Yield rows of bench_devices, bench_parity, bench_trials (one per measurement), bench_epochs and bench_bounds.

    A plan gives no rows. `run_id` is the run that was asked for first, when this one resumed it.

    Raises:
        Rejected: for a malformed body, a failed trial, and a throughput trial that did not learn.
    """
    if response.subject in (RUN_START, RUN_END):
        return
    body = fields.json_of(response, "the body is ")
    kind = body.get("kind") if isinstance(body, dict) else None
    if not isinstance(kind, str) or kind not in _PARSERS:
        raise Rejected(f"kind is {kind!r}; expected {', '.join(_PARSERS)}")
    origin = fields.origin(response, run_id=body.get("bench_run", response.run_id))
    # All rows of an answer or none.
    rows = list(_PARSERS[kind](body, origin))
    for table, row in rows:
        _check_types(table, row)
    yield from rows


def _device(body: Mapping[str, Any], origin: Mapping[str, Any]) -> Iterator[Row]:
    columns = [name for name in TABLES["bench_devices"].names if name not in origin]
    row = {name: _need(body, name, "device") for name in columns}
    if not isinstance(row["versions"], dict):
        raise Rejected("device: versions is not a table")
    yield "bench_devices", {**origin, **row, "versions": sorted(row["versions"].items())}


def _parity(body: Mapping[str, Any], origin: Mapping[str, Any]) -> Iterator[Row]:
    if "error" in body:
        raise Rejected(f"parity could not be tried: {body['error']}")
    figures, proved = _need(body, "figures", "parity"), _need(body, "proved", "parity")
    if not isinstance(figures, dict) or not isinstance(proved, bool):
        raise Rejected("parity: figures must be a table and proved true or false")
    told = {name: body.get(name, landed) for name, landed in _LANDED_PROOF.items()}
    text = json.dumps(figures, sort_keys=True)
    row = {"engine": _need(body, "engine", "parity"), **told, "proved": proved, "figures": text}
    yield "bench_parity", {**origin, **row}


def _trial(body: Mapping[str, Any], origin: Mapping[str, Any]) -> Iterator[Row]:
    if "error" in body:
        raise Rejected(f"the trial failed: {body['error']}")
    launch = {**origin, **_launch(body)}
    learning = launch["trial_kind"] == "learning"
    learned = fields.flag(_need(body, "learned", "trial"), "trial: learned")
    # A seed that learns badly is what a learning trial is there to find out.
    if not learned and not learning:
        raise Rejected(f"the trial did not learn: accuracy {body.get('accuracy')}, losses {body.get('losses')}")
    for measurement in _entries(body, "measurements", "trial", may_be_empty=learning):
        yield "bench_trials", {**launch, **_measurement(measurement)}
    if learning:
        sizes = _need(body, "batch_sizes", "trial")
        if not isinstance(sizes, list) or not sizes:
            raise Rejected(f"trial: batch_sizes is {sizes!r}; expected a list of counts")
        for number, epoch in enumerate(_entries(body, "epochs", "trial"), 1):
            yield "bench_epochs", {**launch, "batch_size": sizes[0], **_epoch(epoch, number)}


def _launch(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's configuration; what older rows do not tell is what was so then."""
    told = {name: _need(body, name, "trial") for name in _PER_TRIAL}
    told |= {name: body.get(name, landed) for name, landed in _LANDED_TRIAL.items()}
    if told["trial_kind"] not in TRIAL_KINDS:
        raise Rejected(f"trial: trial_kind {told['trial_kind']!r} is not one of {', '.join(TRIAL_KINDS)}")
    fields.flag(told["control"], "trial: control")
    return {**told, "versions": _versions(body), "started_at": _instant(_need(body, "started_at", "trial"))}


def _versions(body: Mapping[str, Any]) -> str:
    """Return the libraries in force like "keras 3.15.1, tensorflow 2.21.0", "" where they are not told."""
    in_force = body.get("in_force", {})
    versions = in_force.get("versions", {}) if isinstance(in_force, dict) else None
    if not isinstance(versions, dict) or not all(isinstance(version, str) for version in versions.values()):
        raise Rejected("trial: in_force.versions is not a table of texts")
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _measurement(measurement: Mapping[str, Any]) -> dict[str, Any]:
    row = {name: _need(measurement, name, "measurement") for name in _PER_MEASUREMENT}
    if row["phase"] not in PHASES:
        raise Rejected(f"measurement: phase {row['phase']!r} is not one of {', '.join(PHASES)}")
    return {**row, "value": _number(row["value"], f"measurement: {row['metric']}")}


def _epoch(epoch: Mapping[str, Any], number: int) -> dict[str, Any]:
    row = {name: _need(epoch, name, "epoch") for name in _PER_EPOCH}
    if row["epoch"] != number:
        raise Rejected(f"epoch: {row['epoch']!r} stands where epoch {number} was expected")
    numbers = {name: _number(row[name], f"epoch {number}: {name}") for name in _PER_EPOCH[1:]}
    if numbers["accuracy"] > 1:
        raise Rejected(f"epoch {number}: accuracy is {numbers['accuracy']}; expected a share, 0 to 1")
    return {"epoch": number, **numbers}


def _bounds(body: Mapping[str, Any], origin: Mapping[str, Any]) -> Iterator[Row]:
    if "error" in body:
        raise Rejected(f"the bounds could not be measured: {body['error']}")
    common = {name: _need(body, name, "bounds") for name in ("device_id", "threads")}
    for bound in _entries(body, "bounds", "bounds", may_be_empty=True):
        row = {name: _need(bound, name, "bound") for name in _PER_BOUND}
        what = f"bound: {row['bound']}"
        samples = [_number(sample, f"{what}: a sample") for sample in _need_list(bound, "samples", "bound")]
        row |= {"value": _number(row["value"], what), "low": min(samples), "high": max(samples), "n": len(samples)}
        yield "bench_bounds", {**origin, **common, **row}


def _entries(body: Mapping[str, Any], name: str, what: str, *, may_be_empty: bool = False) -> Sequence[Any]:
    """Return a list of tables."""
    entries = _need_list(body, name, what, may_be_empty=may_be_empty)
    for entry in entries:
        if not isinstance(entry, dict):
            raise Rejected(f"{what}: {entry!r} in {name} is not a table")
    return entries


def _need_list(body: Mapping[str, Any], name: str, what: str, *, may_be_empty: bool = False) -> Sequence[Any]:
    entries = _need(body, name, what)
    if not isinstance(entries, list) or not (entries or may_be_empty):
        raise Rejected(f"{what}: {name} is not a list{'' if may_be_empty else ' with at least one entry'}")
    return entries


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise Rejected(f"{what} is {value!r}; expected a finite number, 0 or more")
    try:
        return float(value)
    except OverflowError:
        raise Rejected(f"{what} is too large") from None


def _need(body: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in body:
        raise Rejected(f"{what}: {name} is missing")
    return body[name]


def _check_types(table: str, row: Mapping[str, Any]) -> None:
    """Reject a value that does not fit its column, and an empty one where that says nothing (no GPU, no batch)."""
    for field in TABLES[table]:
        value = row[field.name]
        if value is None and field.name not in _MAY_BE_EMPTY.get(table, ()):
            raise Rejected(f"{table}: {field.name} is empty")
        try:
            pa.array([value], field.type)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            raise Rejected(f"{table}: {field.name} is {value!r}; expected {field.type}") from None


def _instant(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise Rejected(f"trial: started_at {text!r} is not a time") from None


_PARSERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[Row]]] = {
    "device": _device,
    # What was to be measured is no fact.
    "plan": lambda *_: iter(()),
    "parity": _parity,
    "trial": _trial,
    "bounds": _bounds,
}
