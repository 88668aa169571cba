"""The harness's timed block beside a bare loop in one process: the same model, optimiser and batches, in random order.

Run by its path: one JSON request on stdin, one JSON answer on stdout. What differs between two processes, where memory
lies above all, is the same for both here, so that what remains is what the harness's timed call adds.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import data, default_track, network, timing, trial
from bench.engines import open_engine
from bench.job import Job
from bench.worker import bind

Block = Callable[[], object]


def main() -> None:
    """Do what stdin's first line asks: `pairs` pairs of blocks of `calls` steps each, after some that do not count."""
    asked = json.loads(sys.stdin.readline())
    bind(asked["threads"])
    dataset = data.read(Path(asked["data"]))
    job = Job(**asked["job"])
    programs = dict(zip(("ours", "bare"), PROGRAMS[job.engine](job, dataset, asked["calls"]), strict=True))
    spent = {name: {"cpu_s": 0.0, "wall_s": 0.0} for name in programs}
    for block in programs.values():
        block()
    chance = random.Random(asked["seed"])
    for _ in range(asked["pairs"]):
        for name in chance.sample(list(programs), len(programs)):
            cpu, wall = time.process_time(), time.perf_counter()
            programs[name]()
            spent[name]["wall_s"] += time.perf_counter() - wall
            spent[name]["cpu_s"] += time.process_time() - cpu
    json.dump(spent, sys.stdout)


def pytorch(job: Job, dataset: data.Dataset, calls: int) -> tuple[Block, Block]:
    """Return the matched track's block, and the plain loop over the same model and batches."""
    engine: Any = open_engine(job.engine)
    engine.set_threads(job.threads)
    size = job.batch_sizes[0]
    rate = trial.learning_rate(size)
    weights = network.initial_weights(job.seed)
    engine.build(weights, precision=job.precision, learning_rate=rate, mode=job.mode, device=job.device)
    parts = network.batches(len(dataset.train_images), size)
    batches = [engine.prepare(dataset.train_images[part], dataset.train_labels[part]) for part in parts]
    engine.train(batches * trial.learning_epochs(size, len(batches) * size))

    def train(steps: int) -> None:
        engine.train([batches[number % len(batches)] for number in range(steps)])

    assert engine._forward is engine._model, "eager only"
    model, criterion, optimiser = engine._model, engine._loss, engine._optimiser

    def bare() -> float:
        for step in range(calls):
            inputs, targets = batches[step % len(batches)]
            optimiser.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimiser.step()
        return float(loss.item())

    return lambda: timing.timed(train, calls), bare


def keras_tensorflow(job: Job, dataset: data.Dataset, calls: int) -> tuple[Block, Block]:
    """Return the default track's block, and `fit` over the same model and images."""
    begun = default_track.begin(job)
    size = job.batch_sizes[0]
    images, labels = default_track.stretch(default_track.arranged(begun.tutorial, dataset), size)
    epochs = max(1, calls * size // len(labels))

    def train(times: int) -> None:
        begun.tutorial.train(begun.prepared, images, labels, times, size)

    model = begun.prepared
    return lambda: timing.timed(train, epochs), lambda: model.fit(
        images, labels, batch_size=size, epochs=epochs, verbose=0
    )


PROGRAMS: dict[str, Callable[[Job, data.Dataset, int], tuple[Block, Block]]] = {
    "pytorch": pytorch,
    "keras-tensorflow": keras_tensorflow,
}

if __name__ == "__main__":
    main()
