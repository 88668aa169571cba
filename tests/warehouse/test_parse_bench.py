"""The parser of the benchmark's raw rows: the rows it gives, and what it rejects and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.parse.bench import parse
from warehouse.parse.tables import TABLES, Rejected
from warehouse.raw import Response

AT = datetime(2026, 11, 23, 12, 0, 5)
TRIAL: dict[str, Any] = {
    "kind": "trial",
    "trial_id": "r1-t001",
    "device_id": "b251f9cf8d25",
    "engine": "keras-tensorflow",
    "framework_id": "keras",
    "track": "matched",
    "mode": "eager",
    "tuning": "stock",
    "dataset": "digits",
    "threads": 2,
    "precision": "float32",
    "seed": 0,
    "started_at": "2026-11-23T12:00:00",
    "learned": True,
    "measurements": [
        {"phase": "training", "metric": "images_per_s", "unit": "images/s", "batch_size": 128, "value": 11555},
        {"phase": "inference", "metric": "latency_p50_ms", "unit": "ms", "batch_size": 1, "value": 0.5},
    ],
}


def response(body: Any, subject: str = "trial:keras-tensorflow") -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response("r1-00004", "r1", "bench", subject, None, {}, None, None, None, AT, content)


def test_a_trial_gives_one_row_per_measurement() -> None:
    rows = list(parse(response(TRIAL)))
    assert [table for table, _ in rows] == ["bench_trials", "bench_trials"]
    assert rows[0][1] == {
        "response_id": "r1-00004",
        "fetched_at": AT,
        "run_id": "r1",
        "trial_id": "r1-t001",
        "device_id": "b251f9cf8d25",
        "engine": "keras-tensorflow",
        "framework_id": "keras",
        "track": "matched",
        "mode": "eager",
        "tuning": "stock",
        "dataset": "digits",
        "phase": "training",
        "batch_size": 128,
        "threads": 2,
        "precision": "float32",
        "seed": 0,
        "metric": "images_per_s",
        "value": 11555.0,
        "unit": "images/s",
        "started_at": datetime(2026, 11, 23, 12, 0),
    }
    assert set(rows[1][1]) == set(TABLES["bench_trials"].names)


def test_a_device_gives_its_columns_and_leaves_the_other_circumstances_in_raw() -> None:
    body = {
        "kind": "device",
        "device_id": "b251f9cf8d25",
        "cpu": "AMD EPYC",
        "cores": 2,
        "gpu": None,
        "memory_gib": 23.5,
        "os": "Debian GNU/Linux 12",
        "python": "3.11.7",
        "versions": {"torch": "2.13.0", "keras": "3.15.1"},
        "cpu_flags": ["avx2"],
    }
    ((table, row),) = parse(response(body, "device"))
    assert table == "bench_devices"
    assert set(row) == set(TABLES["bench_devices"].names)
    assert row["versions"] == [("keras", "3.15.1"), ("torch", "2.13.0")]


def test_a_proof_keeps_its_figures_as_json() -> None:
    body = {"kind": "parity", "engine": "pytorch", "proved": True, "figures": {"float64_logits": 4e-16}}
    ((table, row),) = parse(response(body, "parity:pytorch"))
    assert (table, row["engine"], row["proved"]) == ("bench_parity", "pytorch", True)
    assert row["figures"] == '{"float64_logits": 4e-16}'


@pytest.mark.parametrize("subject", ["run:start", "run:end"])
def test_the_start_and_end_of_a_run_give_no_rows(subject: str) -> None:
    assert list(parse(response({"seed": 0}, subject))) == []


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in TRIAL.items() if key != name}


def measuring(**changes: Any) -> dict[str, Any]:
    return {**TRIAL, "measurements": [{**TRIAL["measurements"][0], **changes}]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "the body is not JSON"),
        ([1, 2], "kind is None; expected device, parity, trial"),
        ({"kind": "trail"}, "kind is 'trail'; expected device, parity, trial"),
        (without("engine"), "trial: engine is missing"),
        (without("learned"), "trial: learned is missing"),
        ({**TRIAL, "learned": False, "accuracy": 0.1, "losses": [2.3]}, "did not learn: accuracy 0.1"),
        ({**TRIAL, "error": "pytorch: worker was ended by signal 9"}, "the trial failed: pytorch: worker was ended"),
        ({**TRIAL, "started_at": "yesterday"}, "started_at 'yesterday' is not a time"),
        ({**TRIAL, "measurements": []}, "measurements is not a list with at least one entry"),
        (measuring(value=float("nan")), "images_per_s is nan; expected a finite number, 0 or more"),
        (measuring(value=-1), "images_per_s is -1; expected a finite number, 0 or more"),
        (measuring(value=True), "images_per_s is True"),
        (measuring(phase="lunch"), "phase 'lunch' is not one of training, inference, setup"),
        ({"kind": "parity", "engine": "pytorch", "proved": "yes", "figures": {}}, "proved true or false"),
        ({"kind": "device"}, "device: device_id is missing"),
        ({**TRIAL, "engine": ["pytorch"]}, r"bench_trials: engine is \['pytorch'\]; expected string"),
        ({**TRIAL, "threads": 2**40}, "bench_trials: threads is 1099511627776; expected int32"),
        ({**TRIAL, "tuning": None}, "bench_trials: tuning is empty"),
    ],
)
def test_a_malformed_body_is_rejected_with_its_reason(body: Any, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        list(parse(response(body)))


def _json_values() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    extend: Callable[[st.SearchStrategy[Any]], st.SearchStrategy[Any]] = lambda inner: (  # noqa: E731
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    )
    return st.recursive(leaves, extend, max_leaves=6)


@given(st.sampled_from(sorted(TRIAL)), _json_values())
def test_a_trial_with_any_one_field_replaced_parses_or_is_rejected_but_never_breaks(name: str, value: Any) -> None:
    try:
        rows = list(parse(response({**TRIAL, name: value})))
    except Rejected:
        return
    assert all(set(row) == set(TABLES["bench_trials"].names) for _, row in rows)
