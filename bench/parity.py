"""Proof, before any timing, that an engine's network is the reference: layers, logits, loss, gradients, weights.

Runs inside a worker. The reference is numpy in float64; what is judged, and how closely, is stored with the proof.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from typing import Any

import numpy as np

from bench import network, reference
from bench.data import Dataset, Images, Labels
from bench.engines import Engine, Tutorial, open_engine, open_tutorial
from bench.network import Array, Weights

BATCH_SIZE = 8
STEPS = 100
# Later two pool values nearly equal let float32 rounding choose who gets the gradient.
FLOAT32_STEPS = 5
# Keras keeps the rate in the model's precision: an exact binary fraction is the same number in all of them. Four times
# this rate makes training itself unstable, and rounding then grows past the limit within 100 steps.
LEARNING_RATE = 1 / 32
FLOAT64_LIMIT = 1e-12
"""All engines here are seen at 3e-15 or less; a learning rate off by one part in a million at 5e-3 after the steps."""
FLOAT32_LIMIT = 1e-5
"""Engines on the CPU are seen at 3e-7, over many seeds at 6e-6; weights of ten bits, as TF32 rounds them, at 2e-4."""
TF32_LIMIT = 2e-3
"""For the default track on a GPU, where frameworks put TF32, of ten bits, in place of float32 unasked."""
_TF32_DEVICES = ("cuda", "rocm")
_SHAKES = 4
_SHAKE = 1e-5
_COURSES = 30

Batch = tuple[Images, Labels]


@dataclass(frozen=True)
class Proof:
    """The largest absolute differences from the reference, their limits, and where the layers depart from it.

    A figure without a limit is told, not judged. `steps` and `float32_steps` were taken in each precision. On the
    default track `in_force` is what the framework chose by itself.
    """

    engine: str
    mode: str
    track: str
    device: str
    figures: Mapping[str, float]
    limits: Mapping[str, float]
    departures: Sequence[str]
    optimiser: str
    steps: int
    float32_steps: int
    batch_size: int
    learning_rate: float | None
    seed: int
    in_force: Mapping[str, Any] = field(default_factory=dict)

    @property
    def proved(self) -> bool:
        """Whether the layers are the specified ones and every figure lies within its limit."""
        return not self.faults()

    def faults(self) -> list[str]:
        """Return one text for each departing layer and each figure over its limit."""
        over = [name for name, limit in self.limits.items() if not self.figures[name] <= limit]
        return [*self.departures, *(self._fault(name) for name in over)]

    def as_json(self) -> dict[str, object]:
        """Return the proof as stored in the raw archive; a figure that is no finite number is null."""
        figures = {name: value if math.isfinite(value) else None for name, value in self.figures.items()}
        return {**asdict(self), "figures": figures, "proved": self.proved, "faults": self.faults()}

    def _fault(self, name: str) -> str:
        value = self.figures[name]
        if not math.isfinite(value):
            return f"{name} cannot be compared: another shape, or not a finite number"
        return f"{name} differ by {value:.1e}, allowed {self.limits[name]:.0e}"


@dataclass(frozen=True)
class _Course:
    """What a network said of the first batch, and what plain SGD over all batches made of it."""

    logits: Array
    losses: list[float]
    gradients: Weights
    weights: Weights

    def differences(self, other: _Course) -> dict[str, float]:
        """Return the largest absolute difference of each part."""
        return {
            "logits": _difference([self.logits], [other.logits]),
            "loss": _difference([np.array(self.losses)], [np.array(other.losses)]),
            "gradients": _difference(self.gradients, other.gradients),
            "weights": _difference(self.weights, other.weights),
        }


def answer(request: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Do a worker's parity request: return the proof's JSON and what was in force.

    The request names engine, mode, track, device, threads and seed.
    """
    name, mode, device, seed = (request[key] for key in ("engine", "mode", "device", "seed"))
    engine = open_engine(name)
    engine.set_threads(request["threads"])
    if request["track"] == "default":
        proof = prove_tutorial(open_tutorial(name), dataset, seed, name=name, mode=mode, device=device)
        # The engine is there for what it can tell of the library. Most it tells once it has built; that switches TF32
        # off, which the tutorial, here as in its trials, had as the framework leaves it.
        own = {"float32": engine.float32(), **proof.in_force}
        weights = network.initial_weights(seed)
        engine.build(weights, precision="float32", learning_rate=LEARNING_RATE, mode=mode, device=device)
    else:
        proof = prove(engine, dataset, seed, name=name, mode=mode, device=device)
        own = {}
    return {**proof.as_json(), "in_force": {**engine.describe(), **own}}


def prove(
    engine: Engine, dataset: Dataset, seed: int, *, name: str, mode: str, device: str = "cpu", steps: int = STEPS
) -> Proof:
    """Compare an engine with the numpy reference from the same weights: `steps` of plain SGD in float64, 5 in float32.

    Where the layers are not the specified ones nothing else is tried. Apple's MPS has no float64: there float32 alone
    is judged.
    """
    weights = network.initial_weights(seed)
    figures: dict[str, float] = {}
    limits: dict[str, float] = {}
    departures: list[str] = []
    for precision, limit in (("float64", FLOAT64_LIMIT), ("float32", FLOAT32_LIMIT)):
        if departures or (precision == "float64" and device == "mps"):
            continue
        batches = _batches(dataset, 0, steps) if precision == "float64" else _steady_batches(weights, dataset)
        engine.build(weights, precision=precision, learning_rate=LEARNING_RATE, mode=mode, device=device)
        departures = network.departures(engine.layers())
        if not departures:
            found = _engine_course(engine, batches).differences(_reference_course(weights, batches))
            figures |= {f"{precision}_{part}": value for part, value in found.items()}
            limits |= {f"{precision}_{part}": limit for part in found}
    return Proof(
        *(name, mode, "matched", device, figures, limits, departures, "sgd"),
        *(steps, FLOAT32_STEPS, BATCH_SIZE, LEARNING_RATE, seed),
    )


def prove_tutorial(
    tutorial: Tutorial, dataset: Dataset, seed: int, *, name: str, mode: str, device: str = "cpu"
) -> Proof:
    """Compare a default track with the reference: layers, probabilities, and that its loss is their cross-entropy.

    Its initial weights and its optimiser are the framework's own: told, not judged. The loss is the one that a single
    batch of training reports, which is the loss before the step.
    """
    weights = network.initial_weights(seed)
    ((images, labels),) = _batches(dataset, 0, 1)
    tutorial.set_seed(seed)
    model = tutorial.make_model()
    departures = network.departures(tutorial.layers(model))
    figures: dict[str, float] = {}
    in_force: dict[str, Any] = {}
    if not departures:
        tutorial.set_weights(model, weights)
        prepared = tutorial.prepare(model, device)
        own = tutorial.arrange(images)
        found = tutorial.predict(prepared, own, BATCH_SIZE)
        loss = tutorial.train(prepared, own, labels, 1, BATCH_SIZE)
        in_force = tutorial.in_force(prepared)
        wide = images.astype(np.float64)
        due, gradients = reference.loss_and_gradients(weights, wide, labels)
        figures = {
            "float32_probabilities": _difference([found], [reference.softmax(reference.logits(weights, wide))]),
            "float32_loss": abs(loss - due),
            "adam_epsilon": _adam_difference(gradients),
        }
    limit = TF32_LIMIT if device in _TF32_DEVICES else FLOAT32_LIMIT
    limits = {figure: limit for figure in figures if figure != "adam_epsilon"}
    return Proof(
        *(name, mode, "default", device, figures, limits, departures, "the framework's own adam"),
        *(0, 1, BATCH_SIZE, None, seed, in_force),
    )


def _adam_difference(gradients: Weights) -> float:
    """Return how far apart Keras' and PyTorch's Adam, each with its own epsilon, are after one step."""
    keras = reference.adam_first_step(gradients, epsilon=1e-7, before_correction=True)
    pytorch = reference.adam_first_step(gradients, epsilon=1e-8, before_correction=False)
    return _difference(keras, pytorch)


def _difference(found: Sequence[Array], due: Sequence[Array]) -> float:
    """Return the largest absolute difference; infinite when shapes differ, which numpy would broadcast."""
    if [np.shape(array) for array in found] != [np.shape(array) for array in due]:
        return math.inf
    return float(np.max([np.max(np.abs(a - b)) for a, b in zip(found, due, strict=True)]))


def _batches(dataset: Dataset, first: int, steps: int) -> list[Batch]:
    """Return so many batches in order from number `first` on, round and round."""
    slices = network.batches(len(dataset.train_images), BATCH_SIZE)
    course = islice(cycle(slices), first, first + steps)
    return [(dataset.train_images[part], dataset.train_labels[part]) for part in course]


def _steady_batches(weights: Weights, dataset: Dataset) -> list[Batch]:
    """Return the first few batches on which rounding cannot mislead a gradient.

    On about one course in fifty two pool values, or a ReLU's sum and zero, lie so near each other that correct float32
    networks differ by 1e-3. Such a course shows itself in the reference, when its weights are shaken by 1e-5.
    """
    generator = np.random.default_rng(0)
    for number in range(_COURSES):
        batches = _batches(dataset, number * FLOAT32_STEPS, FLOAT32_STEPS)
        steady = _reference_course(weights, batches)
        shaken = (_reference_course(_shake(weights, generator), batches) for _ in range(_SHAKES))
        if all(max(course.differences(steady).values()) < FLOAT32_LIMIT for course in shaken):
            return batches
    return _batches(dataset, 0, FLOAT32_STEPS)


def _shake(weights: Weights, generator: np.random.Generator) -> Weights:
    return tuple(array * (1.0 + _SHAKE * generator.uniform(-1.0, 1.0, array.shape)) for array in weights)


def _reference_course(weights: Weights, batches: Iterable[Batch]) -> _Course:
    wide = [(images.astype(np.float64), labels) for images, labels in batches]
    logits = reference.logits(weights, wide[0][0])
    loss, gradients = reference.loss_and_gradients(weights, *wide[0])
    losses = [loss]
    for images, labels in wide:
        weights, loss = reference.train_step(weights, images, labels, LEARNING_RATE)
        losses.append(loss)
    return _Course(logits, losses, gradients, weights)


def _engine_course(engine: Engine, batches: Iterable[Batch]) -> _Course:
    prepared = [engine.prepare(images, labels) for images, labels in batches]
    logits = engine.logits(prepared[0])
    loss, gradients = engine.loss_and_gradients(prepared[0])
    losses = [loss, *(engine.train([batch]) for batch in prepared)]
    return _Course(logits, losses, gradients, engine.weights())
