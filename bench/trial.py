"""A throughput trial of the matched track, run inside a fresh process: set up, learn a little, then timed blocks."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import ceil
from typing import Any

import numpy as np

from bench import network, timing
from bench.data import Dataset
from bench.engines import Engine, open_engine
from bench.job import Job, Measurement
from bench.timing import Block

LEARNING_RATE = 0.125
_USUAL_BATCH = 128
_LEARNING_STEPS = 55
LEAST_ACCURACY = 0.5
"""After `learning_epochs`: guessing gives 0.1; the reference network 0.71 to 0.98 on the digits, batch 1 to 512."""
COMPILED = "compiled"
"""The mode whose first call compiles."""
_OTHER_BATCHES = 64


def least_accuracy(dataset: str) -> float:
    """Return the accuracy below which a trial is taken for one that does not learn; CIFAR-10 is learnt slowly."""
    return {"cifar10": 0.15}.get(dataset, LEAST_ACCURACY)


def has_learned(dataset: Dataset, accuracy: float) -> bool:
    """Tell whether a trial learnt. The loss is not asked: a step's own is that of one image at batch 1."""
    return not dataset.learnable or accuracy >= least_accuracy(dataset.name)


def learning_rate(size: int) -> float:
    """Return the matched track's: below the usual batch in proportion to it, or training would break."""
    return LEARNING_RATE * min(1.0, size / _USUAL_BATCH)


def learning_epochs(size: int, images: int) -> int:
    """Return how many epochs of so many images come before the accuracy is looked at.

    They hold 55 steps at least, and as many images as 55 steps of the usual batch: with a rate in proportion to the
    batch, it is images that count. Five epochs of the digits at batch 128 and below.
    """
    return ceil(_LEARNING_STEPS * max(size, _USUAL_BATCH) / images)


def measure(job: Job, dataset: Dataset) -> dict[str, Any]:
    """Run the trial; return the JSON of its measurements, its learning curve and what was in force."""
    started = time.perf_counter()
    engine = open_engine(job.engine)
    imported = time.perf_counter()
    engine.set_threads(job.threads)
    size = job.batch_sizes[0]
    _build(engine, job, size)
    built = time.perf_counter()
    in_force = describe(engine, job)
    batches = _batches(engine, dataset, size)
    before_step = time.perf_counter()
    first_loss = engine.train(batches[:1])
    first_step_s = time.perf_counter() - before_step
    curve, accuracy = _learn(engine, dataset, batches, size, first_loss)
    training = _training(engine, batches, job)
    measurements = [
        *set_up(imported - started, built - imported, first_step_s, size),
        *compilation("setup", first_step_s, training, job, size),
        *timing.throughput("training", training, size),
        *_inference(engine, batches[0], job, size),
        *_single(engine, dataset, job),
        *_memory(engine, size),
        *([timing.once("training", "accuracy", "share", accuracy, size)] if dataset.learnable else []),
        *(one for other in job.batch_sizes[1:] for one in _other_size(engine, dataset, job.aside, other)),
    ]
    return {
        "measurements": [asdict(measurement) for measurement in measurements],
        "training_blocks": [asdict(block) for block in training],
        "learned": has_learned(dataset, accuracy),
        "losses": curve,
        "accuracy": accuracy if dataset.learnable else None,
        "in_force": in_force,
        **around(size),
    }


def set_up(import_s: float, build_s: float, first_step_s: float, size: int) -> list[Measurement]:
    """Return the seconds from nothing to the first step taken; the first step holds any compilation."""
    told = (("import_s", import_s), ("build_s", build_s), ("first_step_s", first_step_s))
    return [timing.once("setup", metric, "s", seconds, size) for metric, seconds in told]


def compilation(phase: str, first_s: float, blocks: Sequence[Block], job: Job, size: int) -> list[Measurement]:
    """Return what a compiled mode's first call took beyond a later call's median (`compile_s`); else nothing.

    Under "setup" stands the training step's, which is part of first_step_s, under "inference" the answer's.
    """
    if job.mode != COMPILED:
        return []
    later_s = statistics.median(block.wall_s / block.calls for block in blocks)
    return [timing.once(phase, "compile_s", "s", max(0.0, first_s - later_s), size)]


def around(size: int) -> dict[str, Any]:
    """Return the rest of a matched trial's circumstances: optimiser at the main batch size, load, clock."""
    return {
        "optimiser": {"name": "sgd", "learning_rate": learning_rate(size)},
        "load_average": list(os.getloadavg()),
        "timer_resolution_s": time.get_clock_info("perf_counter").resolution,
    }


def describe(engine: Engine, job: Job) -> dict[str, Any]:
    """Return what the engine says of itself.

    Raises:
        RuntimeError: when it uses another number of threads than was asked for, or tells none and is not bound to
            that many processors either.
    """
    in_force = engine.describe()
    told = in_force.get("threads")
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if told is None and bound != job.threads:
        raise RuntimeError(f"asked for {job.threads} threads; the library tells none and may use {bound} processors")
    if told not in (None, job.threads):
        raise RuntimeError(f"asked for {job.threads} threads, the library uses {told}")
    return in_force


def _build(engine: Engine, job: Job, size: int) -> None:
    """Build from the seed's weights."""
    weights, rate = network.initial_weights(job.seed), learning_rate(size)
    engine.build(weights, precision=job.precision, learning_rate=rate, mode=job.mode, device=job.device)


def _batches(engine: Engine, dataset: Dataset, size: int, most: int | None = None) -> list[Any]:
    slices = network.batches(len(dataset.train_images), size)[:most]
    return [engine.prepare(dataset.train_images[part], dataset.train_labels[part]) for part in slices]


def _learn(
    engine: Engine, dataset: Dataset, batches: Sequence[Any], size: int, first_loss: float
) -> tuple[list[float], float]:
    """Train a few epochs, which is the warm-up too; return each one's last loss and the accuracy on unseen images."""
    epochs = learning_epochs(size, len(batches) * size)
    losses = [first_loss, *(engine.train(batches) for _ in range(epochs))]
    test = engine.prepare(dataset.test_images, dataset.test_labels)
    guesses = engine.logits(test).argmax(axis=1)
    return losses, float(np.mean(guesses == dataset.test_labels))


def _training(engine: Engine, batches: Sequence[Any], job: Job) -> list[Block]:
    """Time blocks of training steps; one step is one call."""

    def train(calls: int) -> None:
        engine.train([batches[number % len(batches)] for number in range(calls)])

    return timing.blocks(train, count=job.blocks, block_s=job.block_s)


def _inference(engine: Engine, batch: Any, job: Job, size: int) -> list[Measurement]:
    """Time answers read back; the first of a compiled mode holds its compilation."""
    first_s = _seconds(lambda: engine.logits(batch))

    def answer(calls: int) -> None:
        for _ in range(calls):
            engine.logits(batch)

    blocks = timing.blocks(answer, count=job.blocks, block_s=job.block_s)
    return [*compilation("inference", first_s, blocks, job, size), *timing.throughput("inference", blocks, size)]


def _single(engine: Engine, dataset: Dataset, job: Job) -> list[Measurement]:
    """Time single images, one call each."""
    image = engine.prepare(dataset.test_images[:1], dataset.test_labels[:1])
    engine.logits(image)  # compiles for this shape
    return timing.latency(timing.latencies(lambda: engine.logits(image), seconds=job.block_s * 2))


def _other_size(engine: Engine, dataset: Dataset, job: Job, size: int) -> list[Measurement]:
    """Time training and inference at another batch size, on a network built anew."""
    _build(engine, job, size)
    batches = _batches(engine, dataset, size, _OTHER_BATCHES)
    first_s = _seconds(lambda: engine.train(batches[:1]))
    training = _training(engine, batches, job)
    return [
        *compilation("setup", first_s, training, job, size),
        *timing.throughput("training", training, size),
        *_inference(engine, batches[0], job, size),
    ]


def _memory(engine: Engine, size: int) -> list[Measurement]:
    """Return the largest memory so far, before other batch sizes add theirs."""
    device = engine.device_mib()
    told = [] if device is None else [timing.once("setup", "device_mib", "MiB", device, size)]
    return [timing.once("setup", "rss_mib", "MiB", timing.peak_rss_mib(), size), *told]


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
