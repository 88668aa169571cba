"""Parity: what is proved identical, and that a network that is not is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bench import network, parity, reference, runner
from bench.data import Dataset, Images, Labels
from bench.network import Array, Weights
from warehouse.errors import BadInputError


class NumpyEngine:
    """The reference network as an engine; `flatten` lets a test get the order of the dense rows wrong."""

    def __init__(self, flatten: tuple[int, ...] = (0, 1, 2)) -> None:
        self._flatten = flatten

    def set_threads(self, threads: int) -> None:
        pass

    def build(self, weights: Weights, *, precision: str, learning_rate: float) -> None:
        dense = weights[4].reshape(*network.FLAT_SHAPE, network.CLASSES).transpose(*self._flatten, 3)
        neutral = (*weights[:4], dense.reshape(-1, network.CLASSES), weights[5])
        self._weights = tuple(array.astype(precision) for array in neutral)
        self._rate, self._precision = learning_rate, precision

    def prepare(self, images: Images, labels: Labels) -> Any:
        return images.astype(self._precision), labels

    def train(self, batches: Sequence[Any]) -> float:
        loss = np.nan
        for images, labels in batches:
            self._weights, loss = reference.train_step(self._weights, images, labels, self._rate)
        return loss

    def logits(self, batch: Any) -> Array:
        return reference.logits(self._weights, batch[0])

    def weights(self) -> Weights:
        return self._weights

    def describe(self) -> dict[str, Any]:
        return {}


def test_the_reference_proves_itself(digits: Dataset) -> None:
    proof = parity.prove(NumpyEngine(), digits, seed=0)
    assert proof.proved
    assert proof.figures["float64_logits"] == proof.figures["float64_weights"] == 0.0
    assert 0.0 < proof.figures["float32_logits"] < 1e-6


def test_a_wrong_flatten_order_is_refused(digits: Dataset) -> None:
    proof = parity.prove(NumpyEngine(flatten=(2, 0, 1)), digits, seed=0)
    assert not proof.proved
    assert proof.figures["float64_logits"] > 0.01
    assert "float64_logits differ by" in proof.faults()[0]


@pytest.mark.engines
def test_keras_and_pytorch_are_the_reference_network_to_1e_12_after_100_steps() -> None:
    proofs = runner.verify(None)
    assert list(proofs) == ["keras-tensorflow", "pytorch"]
    for proof in proofs.values():
        assert proof["proved"] is True
        assert (proof["steps"], proof["seed"]) == (100, 0)
        for name in ("float64_logits", "float64_loss", "float64_weights"):
            assert proof["figures"][name] <= 1e-12
        assert proof["figures"]["float32_logits"] <= 1e-6


def test_an_unknown_engine_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadInputError, match="unknown engine 'pytorchh'; did you mean pytorch"):
        runner.verify(["pytorchh"])
