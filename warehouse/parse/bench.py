"""The benchmark's own raw rows: one device, one parity proof or one trial each, as JSON with a `kind`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from warehouse.parse import fields
from warehouse.parse.tables import TABLES, Rejected, Row
from warehouse.raw import RUN_END, RUN_START, Response

PHASES = ("training", "inference", "setup")
_PER_MEASUREMENT = ("phase", "metric", "unit", "batch_size", "value")
_PER_TRIAL = (
    *("trial_id", "device_id", "engine", "framework_id", "track", "mode", "tuning", "dataset"),
    *("threads", "precision", "seed"),
)


def parse(response: Response) -> Iterator[Row]:
    """Yield rows of bench_devices, bench_parity and bench_trials (one per measurement).

    Raises:
        Rejected: for a malformed body, a failed trial, and a trial that did not learn.
    """
    if response.subject in (RUN_START, RUN_END):
        return
    body = fields.json_of(response, "the body is ")
    kind = body.get("kind") if isinstance(body, dict) else None
    if not isinstance(kind, str) or kind not in _PARSERS:
        raise Rejected(f"kind is {kind!r}; expected {', '.join(_PARSERS)}")
    origin = fields.origin(response, run_id=response.run_id)
    for table, row in _PARSERS[kind](body, origin):
        _check_types(table, row)
        yield table, row


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
    text = json.dumps(figures, sort_keys=True)
    yield "bench_parity", {**origin, "engine": _need(body, "engine", "parity"), "proved": proved, "figures": text}


def _trial(body: Mapping[str, Any], origin: Mapping[str, Any]) -> Iterator[Row]:
    if "error" in body:
        raise Rejected(f"the trial failed: {body['error']}")
    if _need(body, "learned", "trial") is not True:
        raise Rejected(f"the trial did not learn: accuracy {body.get('accuracy')}, losses {body.get('losses')}")
    common = {name: _need(body, name, "trial") for name in _PER_TRIAL}
    common["started_at"] = _instant(_need(body, "started_at", "trial"))
    measurements = _need(body, "measurements", "trial")
    if not isinstance(measurements, list) or not measurements:
        raise Rejected("trial: measurements is not a list with at least one entry")
    for measurement in measurements:
        yield "bench_trials", {**origin, **common, **_measurement(measurement)}


def _measurement(measurement: Any) -> dict[str, Any]:
    if not isinstance(measurement, dict):
        raise Rejected(f"trial: measurement {measurement!r} is not a table")
    row = {name: _need(measurement, name, "measurement") for name in _PER_MEASUREMENT}
    if row["phase"] not in PHASES:
        raise Rejected(f"measurement: phase {row['phase']!r} is not one of {', '.join(PHASES)}")
    value = row["value"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise Rejected(f"measurement: {row['metric']} is {value!r}; expected a finite number, 0 or more")
    return {**row, "value": float(value)}


def _need(body: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in body:
        raise Rejected(f"{what}: {name} is missing")
    return body[name]


def _check_types(table: str, row: Mapping[str, Any]) -> None:
    """Reject a value that does not fit its column; only a device's column may be empty (it has no GPU, say)."""
    for field in TABLES[table]:
        value = row[field.name]
        if value is None and table != "bench_devices":
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
    "parity": _parity,
    "trial": _trial,
}
