"""Parity: what is proved identical, how the proof is stored, and how it is printed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench import network, parity, proofs, reference, runner
from bench.data import Dataset
from bench.engines import ARTICLE
from bench.network import Weights
from bench.protocol import QUICK
from bench.wanted import Wanted
from tests.bench.numpy_engine import NumpyEngine, NumpyTutorial, one_thread

__all__ = ["one_thread"]
SEED = 7


@pytest.fixture(scope="module")
def proof(digits: Dataset) -> parity.Proof:
    return parity.prove(NumpyEngine(), digits, SEED, name="numpy", mode="eager", steps=5)


@pytest.fixture(scope="module")
def default_proof(digits: Dataset) -> parity.Proof:
    return parity.prove_tutorial(NumpyTutorial(), digits, SEED, name="numpy", mode="eager")


def test_the_reference_proves_itself(proof: parity.Proof) -> None:
    assert proof.faults() == []
    assert [proof.figures[f"float64_{part}"] for part in ("logits", "loss", "gradients", "weights")] == [0.0] * 4
    for part in ("logits", "loss", "gradients", "weights"):
        assert 0.0 < proof.figures[f"float32_{part}"] < 1e-6


def test_a_correct_tutorial_is_proved_by_its_probabilities_and_loss(default_proof: parity.Proof) -> None:
    assert default_proof.faults() == []
    assert set(default_proof.limits) == {"float32_probabilities", "float32_loss"}
    assert 0.0 < default_proof.figures["float32_probabilities"] < 1e-6


def test_adams_epsilons_are_told_and_not_judged(default_proof: parity.Proof) -> None:
    assert 1e-4 < default_proof.figures["adam_epsilon"] < 1e-3
    assert default_proof.proved


def test_the_stored_proof_tells_its_limits_and_circumstances(proof: parity.Proof) -> None:
    stored = json.loads(json.dumps(proof.as_json(), allow_nan=False))
    assert (stored["engine"], stored["mode"], stored["track"], stored["device"]) == ("numpy", "eager", "matched", "cpu")
    assert (stored["steps"], stored["float32_steps"], stored["batch_size"], stored["seed"]) == (5, 5, 8, SEED)
    assert (stored["proved"], stored["faults"], stored["departures"]) == (True, [], [])
    assert set(stored["limits"]) == set(stored["figures"])
    assert (stored["limits"]["float64_weights"], stored["limits"]["float32_gradients"]) == (1e-12, 1e-5)


def test_on_apples_gpu_float32_alone_is_judged(digits: Dataset) -> None:
    proof = parity.prove(NumpyEngine(), digits, SEED, name="numpy", mode="eager", device="mps", steps=5)
    assert {name.partition("_")[0] for name in proof.figures} == {"float32"}
    assert proof.proved


def test_the_float32_course_is_one_where_rounding_misleads_no_gradient(digits: Dataset) -> None:
    # From seed 3 the first five batches hold a near tie, from seed 7 they hold none.
    weights = network.initial_weights(3)
    first = parity._steady_batches(weights, digits)[0][0]
    assert not np.array_equal(first, digits.train_images[: parity.BATCH_SIZE])


def test_the_reference_step_is_its_gradient_times_the_rate(digits: Dataset) -> None:
    weights, images, labels = network.initial_weights(0), digits.train_images[:4], digits.train_labels[:4]
    loss, gradients = reference.loss_and_gradients(weights, images, labels)
    after, same_loss = reference.train_step(weights, images, labels, 0.5)
    assert same_loss == loss
    assert all(np.array_equal(w - 0.5 * g, a) for w, g, a in zip(weights, gradients, after, strict=True))


FAILED = {"engine": "jax", "mode": "compiled", "track": "matched", "error": "jax sees no CUDA device"}
REFUSED = {
    **{"engine": "keras-tensorflow", "mode": "compiled", "track": "matched", "device": "cpu", "seed": 0},
    **{"steps": 100, "float32_steps": 5, "batch_size": 8, "learning_rate": 0.03125, "proved": False},
    "figures": {"float64_logits": 0.85, "float64_loss": None, "float32_logits": 1.5e-7},
    "limits": {"float64_logits": 1e-12, "float64_loss": 1e-12, "float32_logits": 1e-5},
    "faults": ["float64_logits differ by 8.5e-01, allowed 1e-12"],
}


def printed(answers: list[proofs.Answer], width: int) -> str:
    console = Console(width=width, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(proofs.table(answers))
    return capture.get()


@pytest.mark.parametrize("width", [80, 140])
def test_a_printed_proof_is_whole_at_any_width(width: int, proof: parity.Proof, default_proof: parity.Proof) -> None:
    text = printed([proof.as_json(), default_proof.as_json(), REFUSED, FAILED], width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for words in ("keras-tensorflow", "track matched", "NOT PROVED", "NOT TRIED", "8.5e-01!", "none!", "1.0e-12"):
        assert words in text
    assert text.count("proved") >= 2


def test_every_fault_is_one_line_that_names_engine_mode_and_track(proof: parity.Proof) -> None:
    assert proofs.faults([proof.as_json(), REFUSED, FAILED]) == [
        "keras-tensorflow compiled, track matched: float64_logits differ by 8.5e-01, allowed 1e-12",
        "jax compiled, track matched: not tried: jax sees no CUDA device",
    ]


def test_a_proof_as_rows_has_a_figure_each_with_its_limit(default_proof: parity.Proof) -> None:
    rows = proofs.rows([REFUSED, default_proof.as_json()])
    assert [(row["figure"], row["limit"], row["within"]) for row in rows] == [
        ("float64_logits", 1e-12, False),
        ("float64_loss", 1e-12, False),
        ("float32_logits", 1e-5, True),
        ("float32_probabilities", 1e-5, True),
        ("float32_loss", 1e-5, True),
        ("adam_epsilon", None, None),
    ]


@pytest.mark.engines
def test_keras_and_pytorch_are_the_reference_network_to_1e_12_after_100_steps() -> None:
    answers = [answer for _, answer in runner.verify(Wanted(replace(QUICK, tracks=("matched",)), ARTICLE))]
    assert sorted((one["engine"], one["mode"], one["tuning"]) for one in answers) == [
        ("keras-tensorflow", "graph", "stock"),
        ("keras-tensorflow", "graph", "tuned"),
        ("pytorch", "eager", "stock"),
        ("pytorch", "eager", "tuned"),
    ]
    for answer in answers:
        assert (answer.get("error"), answer["faults"], answer["steps"], answer["seed"]) == (None, [], 100, 0)
        assert len([name for name, limit in answer["limits"].items() if limit == 1e-12]) == 4
        assert answer["in_force"]["versions"]


@pytest.mark.engines
def test_a_default_tracks_proof_tells_what_was_in_force_while_it_was_made() -> None:
    asked = Wanted(replace(QUICK, tracks=("default",), tunings=("stock",)), ARTICLE)
    told = {proving.engine: answer["in_force"] for proving, answer in runner.verify(asked)}
    # As in its trials: the matched track alone switches TF32 off.
    assert told["pytorch"]["float32"] == {"matmul.allow_tf32": False, "cudnn.allow_tf32": True}
    assert told["keras-tensorflow"]["float32"] == {"tensor_float_32_execution": True}
    assert told["keras-tensorflow"]["jit_compile"] is False  # there is no GPU beside which Keras would take XLA
    assert all(one["versions"] for one in told.values())


def test_a_proof_tells_what_the_tutorial_chose_by_itself(digits: Dataset) -> None:
    tutorial = NumpyTutorial()
    proof = parity.prove_tutorial(tutorial, digits, SEED, name="numpy", mode="eager")
    assert proof.as_json()["in_force"] == {"chosen by": "numpy"}


class TenBits(NumpyTutorial):
    """Rounds its weights to ten bits, as TF32 does with what it multiplies."""

    def set_weights(self, model: Any, weights: Weights) -> None:
        rounded = (np.frexp(array) for array in weights)
        super().set_weights(model, tuple(np.ldexp(np.round(part * 2**11) / 2**11, power) for part, power in rounded))


def test_tf32_is_no_fault_of_the_default_track_where_frameworks_take_it_unasked(digits: Dataset) -> None:
    def faults(device: str) -> list[str]:
        return parity.prove_tutorial(TenBits(), digits, SEED, name="numpy", mode="eager", device=device).faults()

    assert faults("cuda") == []
    assert "float32_probabilities differ" in faults("cpu")[0]


def test_a_wrong_loss_is_found_on_a_gpu_too(digits: Dataset) -> None:
    tutorial = NumpyTutorial()
    tutorial.outputs = lambda logits: reference.softmax(reference.softmax(logits))  # type: ignore[method-assign]
    proof = parity.prove_tutorial(tutorial, digits, SEED, name="numpy", mode="eager", device="cuda")
    assert "float32_probabilities differ" in proof.faults()[0]
