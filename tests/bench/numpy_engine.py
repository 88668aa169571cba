"""The reference network as an engine and as a tutorial, whose parts the tests of wrong engines replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from bench import network, reference
from bench.data import Images, Labels
from bench.network import Array, Built, Weights


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Keep numpy to one thread: on arrays as small as these, several spend their time waiting for each other."""
    with threadpool_limits(1):
        yield


class NumpyEngine:
    """A correct engine. Each step of its work is a method of its own, so that a mistake is one method."""

    def set_threads(self, threads: int) -> None:
        pass

    def build(self, weights: Weights, *, precision: str, learning_rate: float, mode: str, device: str) -> None:
        self._precision, self._rate = precision, learning_rate
        self._weights = tuple(array.astype(precision) for array in self.take(weights))

    def take(self, weights: Weights) -> Weights:
        return weights

    def prepare(self, images: Images, labels: Labels) -> Any:
        return images.astype(self._precision), labels

    def loss_and_gradients(self, batch: Any) -> tuple[float, Weights]:
        return reference.loss_and_gradients(self._weights, *batch)

    def update(self, gradients: Weights) -> Weights:
        return tuple(w - self._rate * g for w, g in zip(self._weights, gradients, strict=True))

    def train(self, batches: Sequence[Any]) -> float:
        loss = np.nan
        for batch in batches:
            loss, gradients = self.loss_and_gradients(batch)
            self._weights = tuple(array.astype(self._precision) for array in self.update(gradients))
        return loss

    def logits(self, batch: Any) -> Array:
        return reference.logits(self._weights, batch[0])

    def weights(self) -> Weights:
        return self._weights

    def layers(self) -> Sequence[Built]:
        return network.SPECIFICATION

    def describe(self) -> dict[str, Any]:
        return {"versions": {"numpy": np.__version__}, "threads": None}

    def float32(self) -> dict[str, Any]:
        return {}

    def device_mib(self) -> float | None:
        return None


class NumpyTutorial:
    """A correct default track; one training step reports the loss before it."""

    def arrange(self, images: Images) -> Images:
        return images

    def set_seed(self, seed: int) -> None:
        pass

    def make_model(self) -> dict[str, Weights]:
        return {}

    def set_weights(self, model: Any, weights: Weights) -> None:
        model["weights"] = tuple(array.astype(np.float32) for array in weights)

    def layers(self, model: Any) -> Sequence[Built]:
        return network.SPECIFICATION

    def prepare(self, model: Any, device: str) -> Any:
        return model

    def outputs(self, logits: Array) -> Array:
        return reference.softmax(logits)

    def loss(self, logits: Array, labels: Labels) -> float:
        return reference.cross_entropy(logits, labels)[0]

    def train(self, prepared: Any, images: Images, labels: Labels, epochs: int, batch_size: int) -> float:
        return self.loss(reference.logits(prepared["weights"], images), labels)

    def predict(self, prepared: Any, images: Images, batch_size: int) -> Array:
        return self.outputs(reference.logits(prepared["weights"], images))

    def in_force(self, prepared: Any) -> dict[str, Any]:
        return {"chosen by": "numpy"}
