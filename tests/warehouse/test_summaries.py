"""What the benchmark's Python models say: ratios of pairs, time to accuracy; and the numbers that dbt was given."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from bench import network
from warehouse import summaries
from warehouse.build import PROJECT

PROGRAM = ["engine", "mode"]
LEARNT = ["run_id", "device_id", "device", "track", "dataset", "batch_size", "threads", "precision", "engine"]


def launches(engine: str, mode: str, *values: float, metric: str = "images_per_s") -> list[dict[str, Any]]:
    return [{"metric": metric, "engine": engine, "mode": mode, "value": value} for value in values]


def test_each_pair_of_programs_has_one_ratio_within_its_metric() -> None:
    rows = [
        *launches("pytorch", "eager", 50, 51, 49),
        *launches("jax", "compiled", 100, 102, 98),
        *launches("pytorch", "compiled", 25, 25, 25),
        *launches("pytorch", "eager", 7, metric="latency_p50_ms"),
    ]
    found = summaries.ratios(rows, ["metric"], PROGRAM)
    pairs = [(row["engine_a"], row["mode_a"], row["engine_b"], row["mode_b"], row["ratio"]) for row in found]
    assert pairs == [
        ("jax", "compiled", "pytorch", "compiled", 4.0),
        ("jax", "compiled", "pytorch", "eager", 2.0),
        ("pytorch", "compiled", "pytorch", "eager", 0.5),
    ]
    assert {(row["metric"], row["n"], row["p_value"]) for row in found} == {("images_per_s", 3, None)}
    assert (found[1]["low"], found[1]["high"]) == (98 / 51, 102 / 49)


def test_nothing_is_a_multiple_of_zero() -> None:
    rows = [*launches("pytorch", "eager", 50, 0), *launches("jax", "compiled", 100, 102)]
    assert summaries.ratios(rows, ["metric"], PROGRAM) == []


def test_the_order_of_the_launches_changes_nothing() -> None:
    rows = [*launches("pytorch", "eager", *range(50, 58)), *launches("jax", "compiled", *range(90, 98))]
    assert summaries.ratios(rows[::-1], ["metric"], PROGRAM) == summaries.ratios(rows, ["metric"], PROGRAM)


def test_the_pairs_of_one_metric_are_corrected_together() -> None:
    rows = [
        *launches("pytorch", "eager", *range(50, 58)),
        *launches("jax", "compiled", *range(90, 98)),
        *launches("tensorflow", "graph", *range(200, 208)),
        *launches("pytorch", "eager", *range(1, 9), metric="latency_p50_ms"),
        *launches("jax", "compiled", *range(21, 29), metric="latency_p50_ms"),
    ]
    found = [
        (row["metric"], round(row["p_holm"] / row["p_value"])) for row in summaries.ratios(rows, ["metric"], PROGRAM)
    ]
    # All three pairs have the same p: the first is multiplied by 3, the next are no less.
    assert found == [("images_per_s", 3)] * 3 + [("latency_p50_ms", 1)]


def twins(engine: str, ours: list[float], control: list[float], run: str = "r") -> list[dict[str, Any]]:
    sides = ((False, ours), (True, control))
    return [{"run_id": run, "engine": engine, "control": side, "value": value} for side, own in sides for value in own]


def test_the_control_gap_is_how_far_one_program_timed_twice_may_lie_apart() -> None:
    rows = [
        *twins("pytorch", [99, 100, 101], [125, 120, 130]),
        *twins("jax", [100], [104]),
        *twins("keras-jax", [7], []),
        *twins("keras-jax", [0, 1], [1, 1]),
        *twins("keras-torch", [], [8], "alone"),
    ]
    (row,) = summaries.control_gaps(rows, ["run_id"], ["engine"])
    assert row == {"run_id": "r", "control_gap": pytest.approx(130 / 99 - 1)}


@pytest.mark.parametrize(("values", "rankable"), [([100.0, 100.0], False), ([100.0] * 3, True), ([1, 2, 3.0], False)])
def test_two_launches_are_not_ranked_however_near(values: list[float], rankable: bool) -> None:
    assert summaries.summarise(values)["rankable"] is rankable


def seed(engine: str, number: int, *accuracies: float, dataset: str = "digits") -> list[dict[str, Any]]:
    common = dict.fromkeys(LEARNT, "x") | {"engine": engine, "dataset": dataset, "trial_id": f"{engine}-{number}"}
    return [
        common | {"epoch": epoch, "train_s": 2.0 * epoch + number, "accuracy": accuracy}
        for epoch, accuracy in enumerate(accuracies, 1)
    ]


def test_programs_are_timed_to_the_target_that_all_of_them_reach() -> None:
    rows = [
        *seed("keras", 0, 0.5, 0.8, 0.9),
        *seed("keras", 1, 0.6, 0.7, 0.91),
        *seed("pytorch", 0, 0.7, 0.709, 0.71),
        *seed("pytorch", 1, 0.8, 0.8, 0.8),
        *seed("pytorch", 0, 0.1, 0.3, dataset="cifar10"),
    ]
    by_engine = {(row["dataset"], row["engine"]): row for row in summaries.learnt(rows, LEARNT)}
    told = ("seeds", "reached", "target_accuracy", "time_to_accuracy_s", "low", "high", "epochs_to_accuracy", "times")
    assert {key: tuple(row[name] for name in told) for key, row in by_engine.items()} == {
        ("digits", "keras"): (2, 2, 0.71, 5.5, 4.0, 7.0, 2.5, [4.0, 7.0]),
        ("digits", "pytorch"): (2, 2, 0.71, 4.5, 3.0, 6.0, 2.0, [3.0, 6.0]),
        ("cifar10", "pytorch"): (1, 1, 0.3, 4.0, 4.0, 4.0, 2.0, [4.0]),
    }
    assert by_engine["digits", "keras"]["final_accuracy"] == pytest.approx(0.905)


def test_seeds_that_never_reach_the_target_are_told() -> None:
    slow = [row for number in range(9) for row in seed("jax", number, *([0.5] * 10), 0.9)]
    (row,) = summaries.learnt([*slow, *seed("jax", 9, *([0.2] * 10))], LEARNT)
    assert (row["seeds"], row["reached"], row["target_accuracy"], row["epochs_to_accuracy"]) == (10, 9, 0.5, 1.0)
    assert (row["time_to_accuracy_s"], row["low"], row["high"]) == (6.5, 3.0, 10.0)


def test_dbt_counts_the_work_of_an_image_as_the_benchmark_does() -> None:
    told = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))["vars"]
    assert told["training_flops_per_image"] == network.training_flops()
    assert told["inference_flops_per_image"] == 2 * network.forward_multiply_adds()
