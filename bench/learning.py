"""A learning trial: one seed's test accuracy and training seconds, epoch by epoch, inside a fresh process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench import default_track, network, timing, trial
from bench.data import Dataset, Images, Labels
from bench.engines import Engine, open_engine
from bench.job import Epoch, Job
from bench.network import Array

_LEAST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class _Learner:
    """One track's way of learning. `predict` gives the (n, 10) logarithms of the class probabilities."""

    first_step: Callable[[], object]
    epoch: Callable[[], object]
    predict: Callable[[Images], Array]
    in_force: Callable[[], dict[str, Any]]
    optimiser: Callable[[], dict[str, Any]]
    import_s: float
    build_s: float


def learn(job: Job, dataset: Dataset) -> dict[str, Any]:
    """Train for `job.epochs` epochs at the first batch size; return the JSON of each epoch and what was in force.

    One step on the first batch comes before the first epoch, in every engine alike: it compiles, and is timed as
    first_step_s, in no epoch. Last partial batches are left out. An epoch's loss is the mean cross-entropy of the
    test images, so that it means the same in both tracks. `learned` is false only where a loss is no number: a seed
    that learns badly is a result here.

    Raises:
        ValueError: for data without an accuracy.
    """
    if not dataset.learnable:
        raise ValueError(f"the data set {dataset.name} has no accuracy to learn")
    size = job.batch_sizes[0]
    learner = (_default if job.track == "default" else _matched)(job, dataset, size)
    first_step_s = _seconds(learner.first_step)
    epochs = list(_epochs(learner, job, dataset))
    measurements = [
        *trial.set_up(learner.import_s, learner.build_s, first_step_s, size),
        timing.once("training", "accuracy", "share", epochs[-1].accuracy, size),
        timing.once("setup", "rss_mib", "MiB", timing.peak_rss_mib(), size),
    ]
    return {
        "measurements": [asdict(measurement) for measurement in measurements],
        "training_blocks": [],
        "epochs": [asdict(epoch) for epoch in epochs],
        "learned": all(math.isfinite(epoch.loss) for epoch in epochs),
        "losses": [epoch.loss for epoch in epochs],
        "accuracy": epochs[-1].accuracy,
        "in_force": learner.in_force(),
        **trial.around(size),
        "optimiser": learner.optimiser(),
    }


def _epochs(learner: _Learner, job: Job, dataset: Dataset) -> list[Epoch]:
    found = []
    trained_s = 0.0
    for number in range(1, job.epochs + 1):
        trained_s += _seconds(learner.epoch)
        loss, accuracy = _judged(learner.predict(dataset.test_images), dataset.test_labels)
        found.append(Epoch(number, trained_s, loss, accuracy))
    return found


def _judged(logarithms: Array, labels: Labels) -> tuple[float, float]:
    """Return the mean cross-entropy and the accuracy of predictions."""
    loss = -np.mean(logarithms[np.arange(len(labels)), labels], dtype=np.float64)
    return float(loss), float(np.mean(logarithms.argmax(axis=1) == labels))


def _matched(job: Job, dataset: Dataset, size: int) -> _Learner:
    """Plain SGD from the seed's weights over the same batches in the same order, epoch after epoch."""
    started = time.perf_counter()
    engine = open_engine(job.engine)
    imported = time.perf_counter()
    engine.set_threads(job.threads)
    weights, rate = network.initial_weights(job.seed), trial.learning_rate(size)
    engine.build(weights, precision=job.precision, learning_rate=rate, mode=job.mode, device=job.device)
    built = time.perf_counter()
    slices = network.batches(len(dataset.train_labels), size)
    batches = [engine.prepare(dataset.train_images[part], dataset.train_labels[part]) for part in slices]
    return _Learner(
        first_step=lambda: engine.train(batches[:1]),
        epoch=lambda: engine.train(batches),
        predict=lambda images: _log_softmax(_logits(engine, images, size)),
        in_force=lambda: trial.describe(engine, job),
        optimiser=lambda: {"name": "sgd", "learning_rate": rate},
        import_s=imported - started,
        build_s=built - imported,
    )


def _default(job: Job, dataset: Dataset, size: int) -> _Learner:
    """The tutorial with its own initial weights, optimiser and shuffling, all by the seed."""
    begun = default_track.begin(job)
    tutorial, prepared = begun.tutorial, begun.prepared
    images, labels = default_track.whole_batches(dataset, size)
    images = tutorial.arrange(images)

    def predict(unseen: Images) -> Array:
        return np.log(np.maximum(tutorial.predict(prepared, tutorial.arrange(unseen), size), _LEAST_PROBABILITY))

    return _Learner(
        first_step=lambda: tutorial.train(prepared, images[:size], labels[:size], 1, size),
        epoch=lambda: tutorial.train(prepared, images, labels, 1, size),
        predict=predict,
        in_force=lambda: begun.in_force(job),
        optimiser=lambda: tutorial.optimiser(prepared),
        import_s=begun.import_s,
        build_s=begun.build_s,
    )


def _logits(engine: Engine, images: Images, size: int) -> Array:
    """Return the logits of any number of images, asked in whole batches: another shape would be compiled anew."""
    blank = np.zeros(size, np.int64)
    found = []
    for start in range(0, len(images), size):
        part = images[start : start + size]
        filled = np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), part.dtype)])
        found.append(engine.logits(engine.prepare(filled, blank))[: len(part)])
    return np.concatenate(found)


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
