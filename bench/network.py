"""The article's reference CNN as numbers: layers, shapes, work, initial weights, and the map between layouts.

Weights travel in one neutral form, the channels-last one: kernels (height, width, in, out), dense (in, out).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Weights = tuple[Array, ...]

INPUT_SHAPE = (32, 32, 3)
CLASSES = 10
KERNEL = 3
FILTERS = (32, 16)
POOL = 2
FLAT_SHAPE = (6, 6, 16)
"""What the flatten layer receives, channels last."""
WEIGHT_NAMES = ("conv1/kernel", "conv1/bias", "conv2/kernel", "conv2/bias", "dense/kernel", "dense/bias")
WEIGHT_SHAPES = ((3, 3, 3, 32), (32,), (3, 3, 32, 16), (16,), (576, 10), (10,))
PARAMETERS = 11_290


@dataclass(frozen=True)
class Layer:
    """One layer with weights: its kernel's shape and how many output positions use it per image."""

    kernel: tuple[int, ...]
    positions: int

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one image's forward pass."""
        return prod(self.kernel) * self.positions


LAYERS = (Layer((3, 3, 3, 32), 30 * 30), Layer((3, 3, 32, 16), 13 * 13), Layer((576, 10), 1))


class Built(NamedTuple):
    """One layer as built: its kind, one image's output shape (channels last) and how many parameters it has."""

    kind: str
    output: tuple[int, ...]
    parameters: int


SPECIFICATION = (
    Built("conv2d", (30, 30, 32), 896),
    Built("max_pool2d", (15, 15, 32), 0),
    Built("conv2d", (13, 13, 16), 4_624),
    Built("max_pool2d", (6, 6, 16), 0),
    Built("flatten", (576,), 0),
    Built("dense", (10,), 5_770),
)
"""The article's network, layer by layer; activations are part of the layer before them (deepsense.ai, June 2018)."""


def departures(built: Sequence[Built]) -> list[str]:
    """Say where an engine's network is not the specified one; empty when it is."""
    if len(built) != len(SPECIFICATION):
        kinds = ", ".join(layer.kind for layer in built)
        return [f"{len(built)} layers ({kinds}), specified {len(SPECIFICATION)}"]
    return [
        f"layer {number} is {found.kind} to {found.output} with {found.parameters} parameters, "
        f"specified {due.kind} to {due.output} with {due.parameters}"
        for number, (found, due) in enumerate(zip(built, SPECIFICATION, strict=True), 1)
        if found != due
    ]


def forward_multiply_adds() -> int:
    """Return the multiply-adds of one image's forward pass: 1,562,112."""
    return sum(layer.multiply_adds for layer in LAYERS)


def training_flops() -> int:
    """Return one image's floating-point operations, forward and backward, two to a multiply-add: 7,817,472.

    Backward is twice forward, less the first layer's input gradient, which nobody needs.
    """
    backward = 2 * forward_multiply_adds() - LAYERS[0].multiply_adds
    return 2 * (forward_multiply_adds() + backward)


def initial_weights(seed: int) -> Weights:
    """Return float64 weights in the neutral form: Glorot-uniform kernels, zero biases."""
    generator = np.random.default_rng(seed)
    return tuple(_glorot_uniform(generator, shape) if len(shape) > 1 else np.zeros(shape) for shape in WEIGHT_SHAPES)


def _glorot_uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    receptive = prod(shape[:-2])
    limit = np.sqrt(6.0 / (receptive * (shape[-2] + shape[-1])))
    return generator.uniform(-limit, limit, shape)


def to_channels_first(weights: Weights) -> Weights:
    """Map neutral weights to kernels (out, in, height, width) and dense (out, in) over a (c, h, w) flatten."""
    conv1, bias1, conv2, bias2, dense, bias3 = weights
    rows = dense.reshape(*FLAT_SHAPE, CLASSES).transpose(3, 2, 0, 1).reshape(CLASSES, -1)
    return conv1.transpose(3, 2, 0, 1), bias1, conv2.transpose(3, 2, 0, 1), bias2, rows, bias3


def from_channels_first(weights: Weights) -> Weights:
    """Undo `to_channels_first`."""
    conv1, bias1, conv2, bias2, dense, bias3 = weights
    height, width, channels = FLAT_SHAPE
    rows = dense.reshape(CLASSES, channels, height, width).transpose(2, 3, 1, 0).reshape(-1, CLASSES)
    return conv1.transpose(2, 3, 1, 0), bias1, conv2.transpose(2, 3, 1, 0), bias2, rows, bias3


def largest_difference(left: Weights, right: Weights) -> float:
    """Return the largest absolute difference between two sets of weights of equal shapes."""
    return max(float(np.max(np.abs(a - b))) for a, b in zip(left, right, strict=True))


def batches(count: int, batch_size: int) -> list[slice]:
    """Return the slices of one epoch in order; the last partial batch is dropped, in every engine alike."""
    edges = range(0, count + 1, batch_size)
    return [slice(start, end) for start, end in pairwise(edges)]
