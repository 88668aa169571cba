"""Proof that an engine's network is the reference network (logits, losses, weights), before anything is timed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import cycle, islice

import numpy as np

from bench import network, reference
from bench.data import Dataset
from bench.engines import Engine
from bench.network import Weights

BATCH_SIZE = 8
STEPS = 100
# Beyond a few steps two pool values nearly equal let float32 rounding choose who gets the gradient.
FLOAT32_STEPS = 5
# Keras keeps the rate in the model's precision: an exact binary fraction is the same number in all of them. Four times
# this rate makes training itself unstable, and rounding then grows past the limit within 100 steps.
LEARNING_RATE = 1 / 32
LIMITS: Mapping[str, float] = {
    "float64_logits": 1e-12,
    "float64_loss": 1e-12,
    "float64_weights": 1e-12,
    "float32_logits": 1e-5,
}
"""Largest absolute difference allowed from the float64 reference; other float32 figures are kept, not judged."""


@dataclass(frozen=True)
class Proof:
    """The largest absolute differences found over a course of plain SGD."""

    figures: Mapping[str, float]
    steps: int
    float32_steps: int
    batch_size: int
    learning_rate: float
    seed: int

    @property
    def proved(self) -> bool:
        """Whether every figure lies within its limit."""
        return not self.faults()

    def as_json(self) -> dict[str, object]:
        """Return the proof as stored in the raw archive, limits included."""
        return {
            **asdict(self),
            "proved": self.proved,
            "faults": self.faults(),
            "limits": dict(LIMITS),
            "optimiser": "sgd",
        }

    def faults(self) -> list[str]:
        """Return one text for each figure over its limit."""
        return [
            f"{name} differ by {value:.1e}, allowed {LIMITS[name]:.0e}"
            for name, value in self.figures.items()
            if not value <= LIMITS.get(name, math.inf)
        ]


@dataclass(frozen=True)
class _Course:
    """What a network said before training, and what plain SGD made of it."""

    logits: network.Array
    losses: list[float]
    weights: Weights


def prove(engine: Engine, dataset: Dataset, seed: int) -> Proof:
    """Compare an engine with the numpy reference: 100 steps in float64, 5 in float32, from the same weights."""
    weights = network.initial_weights(seed)
    figures: dict[str, float] = {}
    for precision, steps in (("float64", STEPS), ("float32", FLOAT32_STEPS)):
        expected = _reference_course(weights, dataset, steps)
        found = _engine_course(engine, weights, dataset, steps, precision)
        figures[f"{precision}_logits"] = float(np.max(np.abs(expected.logits - found.logits)))
        figures[f"{precision}_loss"] = max(abs(a - b) for a, b in zip(expected.losses, found.losses, strict=True))
        figures[f"{precision}_weights"] = network.largest_difference(expected.weights, found.weights)
    return Proof(figures, STEPS, FLOAT32_STEPS, BATCH_SIZE, LEARNING_RATE, seed)


def _course_batches(dataset: Dataset, steps: int) -> Iterator[slice]:
    return islice(cycle(network.batches(len(dataset.train_images), BATCH_SIZE)), steps)


def _reference_course(weights: Weights, dataset: Dataset, steps: int) -> _Course:
    images = dataset.train_images.astype(np.float64)
    first = reference.logits(weights, images[:BATCH_SIZE])
    losses = []
    for batch in _course_batches(dataset, steps):
        weights, loss = reference.train_step(weights, images[batch], dataset.train_labels[batch], LEARNING_RATE)
        losses.append(loss)
    return _Course(first, losses, weights)


def _engine_course(engine: Engine, weights: Weights, dataset: Dataset, steps: int, precision: str) -> _Course:
    engine.build(weights, precision=precision, learning_rate=LEARNING_RATE)
    batches = [
        engine.prepare(dataset.train_images[batch], dataset.train_labels[batch])
        for batch in _course_batches(dataset, steps)
    ]
    first = engine.logits(batches[0])
    losses = [engine.train([batch]) for batch in batches]
    return _Course(first, losses, engine.weights())
