"""A network with one mistake is refused, and the fault names the figure that shows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from bench import network, parity, reference
from bench.data import Dataset, Images, Labels
from bench.network import Array, Built, Weights
from tests.bench.numpy_engine import NumpyEngine, NumpyTutorial, one_thread

__all__ = ["one_thread"]
STEPS = 5
SEED = 7


def faults(engine: NumpyEngine, digits: Dataset) -> str:
    """Return what the proof holds against an engine, in few float64 steps."""
    proof = parity.prove(engine, digits, SEED, name="numpy", mode="eager", steps=STEPS)
    assert proof.proved is not bool(proof.faults())
    return "; ".join(proof.faults())


def tutorial_faults(tutorial: NumpyTutorial, digits: Dataset) -> str:
    return "; ".join(parity.prove_tutorial(tutorial, digits, SEED, name="numpy", mode="eager").faults())


class OtherFlattenOrder(NumpyEngine):
    """Reads the dense rows as (channel, height, width)."""

    def take(self, weights: Weights) -> Weights:
        rows = weights[4].reshape(*network.FLAT_SHAPE, network.CLASSES).transpose(2, 0, 1, 3)
        return (*weights[:4], rows.reshape(-1, network.CLASSES), weights[5])


class TransposedImages(NumpyEngine):
    """Feeds (width, height, channel)."""

    def prepare(self, images: Images, labels: Labels) -> Any:
        return super().prepare(images.transpose(0, 2, 1, 3), labels)


class ShiftedLabels(NumpyEngine):
    """Counts classes from 1."""

    def prepare(self, images: Images, labels: Labels) -> Any:
        return super().prepare(images, (labels + 1) % network.CLASSES)


class _OtherLoss(NumpyEngine):
    """Another function of the logits than their cross-entropy, with its gradient by central differences."""

    def loss(self, outputs: Array, labels: Labels) -> float:
        raise NotImplementedError

    def loss_and_gradients(self, batch: Any) -> tuple[float, Weights]:
        return reference.loss_and_gradients(self._weights, *batch, criterion=self._criterion)

    def _criterion(self, outputs: Array, labels: Labels) -> tuple[float, Array]:
        wide = outputs.astype(np.float64)
        slopes = np.zeros_like(wide)
        for place in np.ndindex(*wide.shape):
            step = np.zeros_like(wide)
            step[place] = 1e-4
            slopes[place] = (self.loss(wide + step, labels) - self.loss(wide - step, labels)) / 2e-4
        return self.loss(wide, labels), slopes.astype(self._precision)


class DoubleSoftmax(_OtherLoss):
    """Feeds probabilities into a cross-entropy that takes logits."""

    def loss(self, outputs: Array, labels: Labels) -> float:
        return reference.cross_entropy(reference.softmax(outputs), labels)[0]


class ClippedProbabilities(_OtherLoss):
    """Takes the logarithm of probability plus 1e-7, the epsilon that Keras clips by."""

    def loss(self, outputs: Array, labels: Labels) -> float:
        chosen = reference.softmax(outputs)[np.arange(len(labels)), labels]
        return -float(np.mean(np.log(chosen + 1e-7)))


class SummedLoss(NumpyEngine):
    """Adds the batch's losses up, where the mean is due."""

    def loss_and_gradients(self, batch: Any) -> tuple[float, Weights]:
        loss, gradients = super().loss_and_gradients(batch)
        return loss * len(batch[1]), tuple(array * len(batch[1]) for array in gradients)


class MissingBias(NumpyEngine):
    """Its second convolution has no bias, and does not say so; zero at first, it is missed when training starts."""

    def loss_and_gradients(self, batch: Any) -> tuple[float, Weights]:
        loss, gradients = super().loss_and_gradients(batch)
        return loss, tuple(np.zeros_like(array) if at == 3 else array for at, array in enumerate(gradients))


class AveragePool(NumpyEngine):
    """Pools by the mean, and tells its layers wrongly as max-pools."""

    def logits(self, batch: Any) -> Array:
        conv1, bias1, conv2, bias2, dense, bias3 = self._weights
        pooled = _average_block(_average_block(batch[0], conv1, bias1), conv2, bias2)
        outputs: Array = pooled.reshape(len(pooled), -1) @ dense + bias3
        return outputs


def _average_block(images: Array, kernel: Array, bias: Array) -> Array:
    patches = sliding_window_view(images, (3, 3), axis=(1, 2))
    active = np.maximum(np.einsum("nhwcij,ijco->nhwo", patches, kernel) + bias, 0)
    n, height, width, channels = active.shape
    cut = active[:, : height // 2 * 2, : width // 2 * 2]
    means: Array = cut.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
    return means


class OffByOneMillionth(NumpyEngine):
    """Its learning rate is 1.000001 times the one that was asked for."""

    def update(self, gradients: Weights) -> Weights:
        return tuple(w - self._rate * (1 + 1e-6) * g for w, g in zip(self._weights, gradients, strict=True))


class Epsilon(NumpyEngine):
    """Plain SGD but for an epsilon of 1e-8 in the update's denominator."""

    def update(self, gradients: Weights) -> Weights:
        return tuple(w - self._rate * g / (1 + 1e-8) for w, g in zip(self._weights, gradients, strict=True))


class Adam(NumpyEngine):
    """Takes Adam's steps where plain SGD's were asked for."""

    def update(self, gradients: Weights) -> Weights:
        steps = reference.adam_first_step(gradients, epsilon=1e-7, before_correction=True)
        return tuple(w - step for w, step in zip(self._weights, steps, strict=True))


class Momentum(NumpyEngine):
    """SGD with momentum 0.9; its first step is plain SGD's."""

    def build(self, weights: Weights, **settings: Any) -> None:
        super().build(weights, **settings)
        self._speed = tuple(np.zeros_like(array) for array in self._weights)

    def update(self, gradients: Weights) -> Weights:
        self._speed = tuple(0.9 * v + g for v, g in zip(self._speed, gradients, strict=True))
        return super().update(self._speed)


class TenBitMantissa(NumpyEngine):
    """Rounds what it multiplies to ten bits where float32 was asked for, as a GPU does with TF32 on."""

    def take(self, weights: Weights) -> Weights:
        return tuple(w.astype(np.float16) for w in weights) if self._precision == "float32" else weights


class Overflown(NumpyEngine):
    """Its weights are no numbers any more."""

    def weights(self) -> Weights:
        return tuple(np.full_like(array, np.nan) for array in self._weights)


class TransposedBias(NumpyEngine):
    """Gives a bias back as a row, which numpy would broadcast."""

    def weights(self) -> Weights:
        return (self._weights[0], self._weights[1][None], *self._weights[2:])


@pytest.mark.parametrize(
    ("engine", "refused", "passed"),
    [
        (OtherFlattenOrder(), "float64_logits", ""),
        (TransposedImages(), "float64_logits", ""),
        (AveragePool(), "float64_logits", "gradients"),
        (ShiftedLabels(), "float64_loss", "logits"),
        (DoubleSoftmax(), "float64_loss", "logits"),
        (ClippedProbabilities(), "float64_loss", "float32"),
        (SummedLoss(), "float64_loss", "logits"),
        (MissingBias(), "float64_gradients", "logits"),
        (OffByOneMillionth(), "float64_weights", "gradients"),
        (Epsilon(), "float64_weights", "gradients"),
        (Adam(), "float64_weights", "gradients"),
        (Momentum(), "float64_weights", "gradients"),
        (TenBitMantissa(), "float32_logits", "float64"),
        (Overflown(), "float64_weights cannot be compared", "logits"),
        (TransposedBias(), "float64_weights cannot be compared", "logits"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, NumpyEngine) else "",
)
def test_a_mistake_is_refused_by_the_figure_that_shows_it(
    engine: NumpyEngine, refused: str, passed: str, digits: Dataset
) -> None:
    found = faults(engine, digits)
    assert refused in found
    assert not passed or passed not in found


class OtherLayers(NumpyEngine):
    """Tells other layers than the specified ones; what it computes is never asked."""

    def __init__(self, layers: Sequence[Built]) -> None:
        self._layers = layers

    def layers(self) -> Sequence[Built]:
        return self._layers

    def logits(self, batch: Any) -> Array:
        raise AssertionError("a network of other layers is not computed")


def _with(number: int, layer: Built) -> list[Built]:
    return [layer if at == number else due for at, due in enumerate(network.SPECIFICATION, 1)]


@pytest.mark.parametrize(
    ("layers", "fault"),
    [
        (_with(1, Built("conv2d", (30, 30, 32), 864)), "layer 1 is conv2d to (30, 30, 32) with 864 parameters"),
        (_with(1, Built("conv2d", (15, 15, 32), 896)), "layer 1 is conv2d to (15, 15, 32)"),
        (_with(3, Built("conv2d", (15, 15, 16), 4_624)), "layer 3 is conv2d to (15, 15, 16)"),
        (_with(4, Built("average_pool2d", (6, 6, 16), 0)), "layer 4 is average_pool2d to (6, 6, 16)"),
        (_with(6, Built("dense", (10,), 5_760)), "layer 6 is dense to (10,) with 5760 parameters"),
        (network.SPECIFICATION[:-1], "5 layers (conv2d, max_pool2d, conv2d, max_pool2d, flatten), specified 6"),
    ],
    ids=["missing bias", "stride", "padding", "average pool", "missing dense bias", "missing layer"],
)
def test_other_layers_are_refused_by_name(layers: Sequence[Built], fault: str, digits: Dataset) -> None:
    assert fault in faults(OtherLayers(layers), digits)


class TutorialOfLogits(NumpyTutorial):
    """Forgot the softmax of its predictions."""

    def outputs(self, logits: Array) -> Array:
        return logits


class TutorialOfDoubleSoftmax(NumpyTutorial):
    """Trains on the softmax of its probabilities."""

    def loss(self, logits: Array, labels: Labels) -> float:
        return super().loss(reference.softmax(logits), labels)


class TutorialOfFlooredProbabilities(NumpyTutorial):
    """Adds 1e-4 to each probability before the logarithm: an epsilon that is no rounding any more."""

    def loss(self, logits: Array, labels: Labels) -> float:
        return -float(np.mean(np.log(reference.softmax(logits)[np.arange(len(labels)), labels] + 1e-4)))


class TutorialOfOtherLayers(NumpyTutorial):
    """Has a pooling layer too few."""

    def layers(self, model: Any) -> Sequence[Built]:
        return network.SPECIFICATION[:3]


@pytest.mark.parametrize(
    ("tutorial", "refused", "passed"),
    [
        (TutorialOfLogits(), "float32_probabilities", "loss"),
        (TutorialOfDoubleSoftmax(), "float32_loss", "probabilities"),
        (TutorialOfFlooredProbabilities(), "float32_loss", "probabilities"),
        (TutorialOfOtherLayers(), "3 layers (conv2d, max_pool2d, conv2d), specified 6", "float32"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, NumpyTutorial) else "",
)
def test_a_default_track_with_a_mistake_is_refused(
    tutorial: NumpyTutorial, refused: str, passed: str, digits: Dataset
) -> None:
    found = tutorial_faults(tutorial, digits)
    assert refused in found
    assert passed not in found


def test_the_epsilons_of_keras_and_pytorch_are_two_optimisers(digits: Dataset) -> None:
    images, labels = digits.train_images[:8].astype(np.float64), digits.train_labels[:8]
    _, gradients = reference.loss_and_gradients(network.initial_weights(0), images, labels)
    keras = reference.adam_first_step(gradients, epsilon=1e-7, before_correction=True)
    same_epsilon = reference.adam_first_step(gradients, epsilon=1e-7, before_correction=False)
    rewritten = reference.adam_first_step(gradients, epsilon=1e-7 / math.sqrt(0.001), before_correction=False)
    assert network.largest_difference(keras, same_epsilon) > 1e-5
    assert network.largest_difference(keras, rewritten) < 1e-15
