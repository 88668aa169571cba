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

LEARNING: dict[str, Any] = {
    **TRIAL,
    "trial_kind": "learning",
    "batch_sizes": [64],
    "epochs": [
        {"epoch": 1, "train_s": 0.5, "loss": 2.1, "accuracy": 0.3},
        {"epoch": 2, "train_s": 1.0, "loss": 1.0, "accuracy": 0.75},
    ],
}
BOUND: dict[str, Any] = {
    **{"bound": "matmul", "phase": "machine", "metric": "flops_per_s", "unit": "FLOP/s", "batch_size": None},
    **{"precision": "float32", "value": 9e10, "samples": [8e10, 9e10, 9.5e10], "how": "OpenBLAS sgemm, n = 2048"},
}
BOUNDS: dict[str, Any] = {"kind": "bounds", "device_id": "d", "threads": 2, "bounds": [BOUND], "circumstances": {}}


def response(body: Any, subject: str = "trial:keras-tensorflow") -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response("r1-00004", "r1", "bench", subject, None, {}, None, None, None, AT, content)


def test_a_trial_of_before_stacks_controls_and_learning_gives_one_row_per_measurement() -> None:
    rows = list(parse(response(TRIAL)))
    assert [table for table, _ in rows] == ["bench_trials", "bench_trials"]
    assert rows[0][1] == {
        "response_id": "r1-00004",
        "fetched_at": AT,
        "run_id": "r1",
        "trial_id": "r1-t001",
        "device_id": "b251f9cf8d25",
        "device": "cpu",
        "engine": "keras-tensorflow",
        "framework_id": "keras",
        "track": "matched",
        "mode": "eager",
        "tuning": "stock",
        "dataset": "digits",
        "versions": "",
        "stack": "",
        "control": False,
        "trial_kind": "throughput",
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


def test_a_trial_tells_device_stack_control_and_versions_by_name_under_the_run_that_was_resumed() -> None:
    told = {"device": "cuda", "stack": "older", "control": True, "bench_run": "r0", "trial_kind": "throughput"}
    in_force = {"versions": {"tensorflow": "2.20.0", "keras": "3.12.0"}}
    row = next(parse(response({**TRIAL, **told, "in_force": in_force})))[1]
    assert {name: row[name] for name in (*told, "run_id", "versions") if name != "bench_run"} == {
        "device": "cuda",
        "stack": "older",
        "control": True,
        "trial_kind": "throughput",
        "run_id": "r0",
        "versions": "keras 3.12.0, tensorflow 2.20.0",
    }


def test_a_learning_trial_gives_its_epochs_even_when_it_did_not_learn() -> None:
    rows = list(parse(response({**LEARNING, "learned": False, "measurements": []})))
    assert [table for table, _ in rows] == ["bench_epochs", "bench_epochs"]
    named = ("trial_id", "run_id", "batch_size", "epoch", "train_s", "loss", "accuracy")
    assert [tuple(row[name] for name in named) for _, row in rows] == [
        ("r1-t001", "r1", 64, 1, 0.5, 2.1, 0.3),
        ("r1-t001", "r1", 64, 2, 1.0, 1.0, 0.75),
    ]
    assert set(rows[0][1]) == set(TABLES["bench_epochs"].names)


def test_bounds_give_a_row_each_with_the_extremes_of_their_samples() -> None:
    ((table, row),) = parse(response(BOUNDS, "bounds"))
    assert (table, set(row)) == ("bench_bounds", set(TABLES["bench_bounds"].names))
    assert {
        name: row[name] for name in ("device_id", "threads", "bound", "batch_size", "value", "low", "high", "n")
    } == {
        "device_id": "d",
        "threads": 2,
        "bound": "matmul",
        "batch_size": None,
        "value": 9e10,
        "low": 8e10,
        "high": 9.5e10,
        "n": 3,
    }


def test_a_plan_gives_no_rows() -> None:
    assert list(parse(response({"kind": "plan", "trials": []}, "plan"))) == []


def test_an_answer_with_one_bad_entry_gives_no_row_at_all() -> None:
    body = {**TRIAL, "measurements": [*TRIAL["measurements"], {"phase": "training"}]}
    rows: list[Any] = []
    with pytest.raises(Rejected, match="measurement: metric is missing"):
        rows.extend(parse(response(body)))
    assert rows == []


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
    assert (row["tuning"], row["stack"]) == ("stock", "")  # as all proofs were before these words existed
    assert row["figures"] == '{"float64_logits": 4e-16}'
    assert (row["mode"], row["track"], row["faults"]) == ("eager", "matched", []), "as landed, when one mode was proved"


def test_a_proof_that_failed_names_its_mode_its_track_and_its_faults() -> None:
    body = {"kind": "parity", "engine": "pytorch", "mode": "compiled", "track": "default", "proved": False}
    ((_, row),) = parse(response({**body, "figures": {}, "faults": ["logits differ by 0.85"]}, "parity:pytorch"))
    assert (row["mode"], row["track"], row["proved"]) == ("compiled", "default", False)
    assert row["faults"] == ["logits differ by 0.85"]


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
        ([1, 2], "kind is None; expected device, plan, parity, trial, bounds"),
        ({"kind": "trail"}, "kind is 'trail'; expected device, plan, parity, trial, bounds"),
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
        ({**TRIAL, "trial_kind": "both"}, "trial_kind 'both' is not one of throughput, learning"),
        ({**TRIAL, "control": "no"}, "trial: control 'no' is not true or false"),
        ({**TRIAL, "in_force": {"versions": ["keras"]}}, "in_force.versions is not a table of texts"),
        ({**TRIAL, "bench_run": None}, "bench_trials: run_id is empty"),
        ({**LEARNING, "batch_sizes": []}, r"batch_sizes is \[\]; expected a list of counts"),
        ({**LEARNING, "epochs": []}, "trial: epochs is not a list with at least one entry"),
        ({**LEARNING, "epochs": [7]}, "trial: 7 in epochs is not a table"),
        ({**LEARNING, "epochs": LEARNING["epochs"][1:]}, "epoch: 2 stands where epoch 1 was expected"),
        (
            {**LEARNING, "epochs": [{**LEARNING["epochs"][0], "accuracy": 93.0}]},
            "epoch 1: accuracy is 93.0; expected a share",
        ),
        ({**LEARNING, "epochs": [{**LEARNING["epochs"][0], "train_s": -1}]}, "epoch 1: train_s is -1"),
        ({**BOUNDS, "error": "no numpy"}, "the bounds could not be measured: no numpy"),
        ({**BOUNDS, "bounds": {}}, "bounds: bounds is not a list"),
        ({**BOUNDS, "bounds": [{**BOUND, "samples": []}]}, "bound: samples is not a list with at least one entry"),
        ({**BOUNDS, "bounds": [{**BOUND, "value": 10**400}]}, "bound: matmul is too large"),
        ({**BOUNDS, "bounds": [{**BOUND, "how": None}]}, "bench_bounds: how is empty"),
        ({"kind": "parity", "engine": "jax", "proved": True, "figures": {}, "faults": 3}, "bench_parity: faults is 3"),
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


WHOLE: dict[str, dict[str, Any]] = {
    "bench_trials": TRIAL,
    "bench_epochs": LEARNING,
    "bench_bounds": {**BOUNDS, **BOUND},
}


@given(st.sampled_from([(table, name) for table in WHOLE for name in sorted(WHOLE[table])]), _json_values())
def test_a_row_with_any_one_field_replaced_parses_or_is_rejected_but_never_breaks(
    place: tuple[str, str], value: Any
) -> None:
    table, name = place
    inner = {"bounds": [{**BOUND, name: value}]} if table == "bench_bounds" and name in BOUND else {name: value}
    try:
        rows = list(parse(response({**WHOLE[table], **inner})))
    except Rejected:
        return
    assert all(set(row) == set(TABLES[told].names) for told, row in rows)
