"""One trial, run inside a fresh process: set up, learn a little, then timed blocks of training and inference."""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from bench import network
from bench.data import Dataset
from bench.engines import Engine, open_engine

LEARNING_RATE = 0.125
LEARNING_EPOCHS = 5
LEAST_ACCURACY = 0.5
"""After LEARNING_EPOCHS: guessing gives 0.1; the reference network 0.71 to 0.93 over seeds 0 to 5."""


@dataclass(frozen=True)
class Job:
    """What a trial is to do: the engine's configuration and how long to time (seconds a block, blocks a phase)."""

    engine: str
    tuning: str
    threads: int
    seed: int
    track: str = "matched"
    mode: str = "eager"
    precision: str = "float32"
    batch_size: int = 128
    blocks: int = 4
    block_s: float = 0.25


@dataclass(frozen=True)
class Measurement:
    """One metric of this trial: the median of its samples, and all samples."""

    phase: str
    metric: str
    unit: str
    batch_size: int
    value: float
    samples: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Block:
    """One timed block: how many calls, and what the clocks and the kernel counted (seconds, page faults)."""

    calls: int
    wall_s: float
    cpu_s: float
    page_faults: int


def measure(job: Job, dataset: Dataset) -> dict[str, Any]:
    """Run the trial; return the JSON of its measurements, its learning curve and what was in force."""
    started = time.perf_counter()
    engine = open_engine(job.engine)
    imported = time.perf_counter()
    engine.set_threads(job.threads)
    engine.build(network.initial_weights(job.seed), precision=job.precision, learning_rate=LEARNING_RATE)
    built = time.perf_counter()
    in_force = _in_force(engine, job)
    batches = _batches(engine, dataset, job.batch_size)
    before_step = time.perf_counter()
    first_loss = engine.train(batches[:1])
    stepped = time.perf_counter()
    curve, accuracy = _learn(engine, dataset, batches, first_loss)
    training = _training_blocks(engine, batches, job)
    measurements = [
        _once("setup", "import_s", "s", imported - started, job),
        _once("setup", "build_s", "s", built - imported, job),
        _once("setup", "first_step_s", "s", stepped - before_step, job),
        *_throughput("training", training, job.batch_size),
        *_inference(engine, dataset, batches[0], job),
        _once("setup", "rss_mib", "MiB", _peak_rss_mib(), job),
    ]
    if dataset.learnable:
        measurements.append(_once("training", "accuracy", "share", accuracy, job))
    return {
        "measurements": [asdict(measurement) for measurement in measurements],
        "training_blocks": [asdict(block) for block in training],
        "learned": not dataset.learnable or (accuracy >= LEAST_ACCURACY and curve[-1] < curve[0]),
        "losses": curve,
        "accuracy": accuracy if dataset.learnable else None,
        "in_force": in_force,
        **_around(),
    }


def _batches(engine: Engine, dataset: Dataset, size: int) -> list[Any]:
    slices = network.batches(len(dataset.train_images), size)
    return [engine.prepare(dataset.train_images[part], dataset.train_labels[part]) for part in slices]


def _around() -> dict[str, Any]:
    return {
        "optimiser": {"name": "sgd", "learning_rate": LEARNING_RATE},
        "load_average": list(os.getloadavg()),
        "timer_resolution_s": time.get_clock_info("perf_counter").resolution,
    }


def _in_force(engine: Engine, job: Job) -> dict[str, Any]:
    """Return what the engine says of itself; refuses to time another number of threads than was asked for."""
    in_force = engine.describe()
    if in_force["threads"] != job.threads:
        raise RuntimeError(f"asked for {job.threads} threads, the library uses {in_force['threads']}")
    return in_force


def _learn(engine: Engine, dataset: Dataset, batches: Sequence[Any], first_loss: float) -> tuple[list[float], float]:
    """Train a few epochs, which is the warm-up too; return the loss after each and the accuracy on unseen images."""
    losses = [first_loss, *(engine.train(batches) for _ in range(LEARNING_EPOCHS))]
    test = engine.prepare(dataset.test_images, dataset.test_labels)
    guesses = engine.logits(test).argmax(axis=1)
    return losses, float(np.mean(guesses == dataset.test_labels))


def _training_blocks(engine: Engine, batches: Sequence[Any], job: Job) -> list[Block]:
    """Time blocks of training steps; one step is one call."""

    def train(calls: int) -> None:
        engine.train([batches[number % len(batches)] for number in range(calls)])

    return _blocks(train, job)


def _inference(engine: Engine, dataset: Dataset, batch: Any, job: Job) -> list[Measurement]:
    """Time answers read back: throughput at the training batch size, latency of single images at batch 1."""

    def answer(calls: int) -> None:
        for _ in range(calls):
            engine.logits(batch)

    blocks = _blocks(answer, job)
    single = engine.prepare(dataset.test_images[:1], dataset.test_labels[:1])
    milliseconds = _latencies(lambda: engine.logits(single), seconds=job.block_s * 2)
    p50, p95 = np.percentile(milliseconds, (50, 95))
    return [
        *_throughput("inference", blocks, job.batch_size),
        Measurement("inference", "latency_p50_ms", "ms", 1, float(p50), milliseconds),
        Measurement("inference", "latency_p95_ms", "ms", 1, float(p95)),
    ]


def _blocks(work: Callable[[int], None], job: Job) -> list[Block]:
    """Warm up until two calibrations agree, then time `blocks` blocks of about `block_s` seconds."""
    calls = _calibrate(work, job.block_s)
    return [_timed(work, calls) for _ in range(job.blocks)]


def _calibrate(work: Callable[[int], None], block_s: float) -> int:
    """Return how many calls fill a block, from short bursts repeated (4 times at most) while calls still get faster."""
    pace = _timed(work, 5).wall_s / 5
    for _ in range(4):
        burst = max(5, round(block_s / 4 / pace))
        before, pace = pace, _timed(work, burst).wall_s / burst
        if pace > 0.9 * before:
            break
    return max(1, round(block_s / pace))


def _timed(work: Callable[[int], None], calls: int) -> Block:
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    cpu, wall = time.process_time(), time.perf_counter()
    work(calls)
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return Block(calls, wall_s, cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)


def _latencies(call: Callable[[], object], *, seconds: float, least: int = 50, most: int = 2000) -> list[float]:
    """Return single-call times in milliseconds: for so many seconds, within the given numbers of calls."""
    for _ in range(10):
        call()
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while len(samples) < least or (time.perf_counter() < end and len(samples) < most):
        start = time.perf_counter()
        call()
        samples.append(round((time.perf_counter() - start) * 1e3, 6))
    return samples


def _throughput(phase: str, blocks: Sequence[Block], batch_size: int) -> list[Measurement]:
    """Return images a second by the wall clock, by CPU time, and the cores seen in use."""
    wall = [block.calls * batch_size / block.wall_s for block in blocks]
    cpu = [block.calls * batch_size / block.cpu_s for block in blocks]
    cores = [block.cpu_s / block.wall_s for block in blocks]
    return [
        Measurement(phase, "images_per_s", "images/s", batch_size, statistics.median(wall), wall),
        Measurement(phase, "images_per_cpu_s", "images/s", batch_size, statistics.median(cpu), cpu),
        Measurement(phase, "cores_used", "cores", batch_size, statistics.median(cores), cores),
    ]


def _once(phase: str, metric: str, unit: str, value: float, job: Job) -> Measurement:
    return Measurement(phase, metric, unit, job.batch_size, value, [value])


def _peak_rss_mib() -> float:
    """Return the process's largest resident memory; Linux counts it in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
