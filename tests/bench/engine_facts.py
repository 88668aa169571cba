"""Asks one engine all that the tests check, and prints it as JSON: `engine_facts.py ENGINE MODE/PRECISION…`.

A process for each engine, since the libraries disturb one another and Keras has one backend in its life.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np

from bench import network, reference
from bench.data import Images, Labels
from bench.engines import ENGINES, Engine, open_engine
from bench.network import Array
from warehouse.errors import DlpulseError

# The same number in every precision; Keras keeps the rate in the model's.
RATE = 1 / 32
WEIGHTS = network.initial_weights(1)


def noise() -> tuple[Images, Labels]:
    """Return 7 images of noise and their labels: no pool window ties, and a seventh is exact in no precision."""
    generator = np.random.default_rng(7)
    return generator.random((7, *network.INPUT_SHAPE), dtype=np.float32), generator.integers(0, 10, 7)


def facts(engine: Engine, mode: str, precision: str) -> dict[str, Any]:
    """Return what an engine says, and how far it is from the numpy reference in float64."""
    images, labels = noise()
    engine.build(WEIGHTS, precision=precision, learning_rate=RATE, mode=mode, device="cpu")
    batch = engine.prepare(images, labels)
    logits, kept = engine.logits(batch), engine.weights()
    loss, gradients = engine.loss_and_gradients(batch)
    untouched = engine.weights()
    # numpy has no bfloat16 of its own.
    given = tuple(weight.astype("float32" if precision == "bfloat16" else precision) for weight in WEIGHTS)
    losses = [engine.train([batch])]
    stepped = engine.weights()
    losses += [engine.train([batch, batch]), engine.train([batch])]
    return {
        "dtypes": sorted({str(array.dtype) for array in (logits, *gradients, *kept)}),
        "layers": engine.layers(),
        "round trip": network.largest_difference(kept, given),
        "moved by asking": network.largest_difference(untouched, kept),
        "differences": differences(logits, [loss, *losses], gradients, stepped),
        "device_mib": engine.device_mib(),
        "in_force": engine.describe(),
    }


def differences(
    logits: Array, losses: list[float], gradients: network.Weights, stepped: network.Weights
) -> dict[str, float]:
    """Return the largest differences from the reference; `losses` are before the first step and of steps 1, 3 and 4."""
    images, labels = noise()
    exact = images.astype(np.float64)
    loss, slope = reference.loss_and_gradients(WEIGHTS, exact, labels)
    expected, weights = [loss], WEIGHTS
    for _ in range(4):
        weights, loss = reference.train_step(weights, exact, labels, RATE)
        expected.append(loss)
    one_step = tuple(weight - RATE * gradient for weight, gradient in zip(WEIGHTS, slope, strict=True))
    return {
        "logits": float(np.max(np.abs(logits - reference.logits(WEIGHTS, exact)))),
        "losses": max(abs(found - expected[step]) for found, step in zip(losses, (0, 1, 3, 4), strict=True)),
        "gradients": network.largest_difference(gradients, slope),
        "one step": network.largest_difference(stepped, one_step),
    }


def refusal(engine: Engine, device: str) -> str:
    """Return what an engine says when asked for a device that is not there."""
    try:
        engine.build(WEIGHTS, precision="float32", learning_rate=RATE, mode="", device=device)
    except DlpulseError as error:
        return str(error)
    return "accepted"


def main(name: str, asked: list[str]) -> None:
    """Print an engine's facts by mode and precision, and its refusals by device."""
    # Frameworks print on fd 1.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    engine = open_engine(name)
    engine.set_threads(1)
    answer: dict[str, Any] = {one: facts(engine, *one.split("/")) for one in asked}
    answer["refusals"] = {kind: refusal(engine, kind) for kind in ENGINES[name].devices if kind in ("cuda", "rocm")}
    json.dump(answer, results)
    results.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
