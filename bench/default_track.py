"""A throughput trial of the default track: a tutorial's own `train` and `predict`, timed over whole epochs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from bench import codesize, network, timing, trial
from bench.data import Dataset, Images, Labels
from bench.engines import Engine, Tutorial, open_engine, open_tutorial
from bench.job import Job, Measurement
from bench.network import Array
from bench.timing import Block

EPOCH_IMAGES = 6_144
"""Images of a timed epoch: 48 batches of 128, 12 of 512. What an epoch itself costs (Keras begins each with a new
iterator, PyTorch shuffles) is then shared as in a real one."""
EPOCH_STEPS = 1_024
"""Steps of a timed epoch at most, so that batch 1 does not take minutes."""
_SINGLE_CALLS = 5
_WARM_BATCHES = 8
_FEW_CALLS = 200
"""Single calls of a quick trial, too few for a 99th percentile."""
_QUICK_BLOCK_S = 0.25
"""Blocks shorter than this (seconds) are a quick trial's."""


class TimedTutorial(Tutorial, Protocol):
    """What the timed tutorials tell beyond the tutorial."""

    __file__: str
    BATCH_CALL: str

    def predict_batch(self, prepared: Any, images: Images) -> Array:
        """Return one batch's (n, 10) class probabilities with as little around the network as is usual."""

    def optimiser(self, prepared: Any) -> dict[str, Any]:
        """Return the optimiser's name and settings as the framework tells them."""


@dataclass(frozen=True)
class Begun:
    """A tutorial ready to train, and what it took (seconds) to come so far. `engine` is there for what it can tell."""

    tutorial: TimedTutorial
    engine: Engine
    prepared: Any
    import_s: float
    build_s: float

    def in_force(self, job: Job) -> dict[str, Any]:
        """Return what the framework says of itself; to be asked last, as it builds the matched network.

        Raises:
            RuntimeError: when other threads are in use than were asked for.
        """
        weights = network.initial_weights(job.seed)
        rate = trial.learning_rate(job.batch_sizes[0])
        # Building switches TF32 off, and compiles as its mode says; the tutorial had the framework's own choice.
        own = {"float32": self.engine.float32(), **self.tutorial.in_force(self.prepared)}
        self.engine.build(weights, precision=job.precision, learning_rate=rate, mode=job.mode, device=job.device)
        return {**trial.describe(self.engine, job), **own, "latency_call": self.tutorial.BATCH_CALL}


def begin(job: Job) -> Begun:
    """Import, set the threads, and build with the framework's own initial weights.

    Raises:
        ValueError: at another precision than float32, the only one of the tutorials.
    """
    if job.precision != "float32":
        raise ValueError(f"the default track computes in float32, not in {job.precision}")
    started = time.perf_counter()
    tutorial = cast(TimedTutorial, open_tutorial(job.engine))
    imported = time.perf_counter()
    engine = open_engine(job.engine)
    engine.set_threads(job.threads)
    tutorial.set_seed(job.seed)
    before = time.perf_counter()
    prepared = tutorial.prepare(tutorial.make_model(), job.device)
    return Begun(tutorial, engine, prepared, imported - started, time.perf_counter() - before)


def measure(job: Job, dataset: Dataset) -> dict[str, Any]:
    """Run the trial; return the JSON of its measurements, its learning curve and what was in force."""
    begun = begin(job)
    dataset = arranged(begun.tutorial, dataset)
    size = job.batch_sizes[0]
    (first, again), curve, accuracy = _learn(begun, dataset, size)
    training = _training(begun, dataset, job, size)
    measurements = [
        *trial.set_up(begun.import_s, begun.build_s, first.wall_s, size),
        *trial.compilation("setup", first.wall_s, [again], job, size),
        *timing.throughput("training", training, size),
        *_inference(begun, dataset, job, size),
        *_single(begun, dataset, job),
        *_memory(begun.engine, size),
        *_code(begun.tutorial, size),
        *([timing.once("training", "accuracy", "share", accuracy, size)] if dataset.learnable else []),
        *(one for other in job.batch_sizes[1:] for one in _other_size(begun, dataset, job.aside, other)),
    ]
    in_force = {**begun.in_force(job), "epoch_images": epoch_images(size)}
    return {
        "measurements": [asdict(measurement) for measurement in measurements],
        "training_blocks": [asdict(block) for block in training],
        "learned": trial.has_learned(dataset, accuracy),
        "losses": curve,
        "accuracy": accuracy if dataset.learnable else None,
        "in_force": in_force,
        **trial.around(size),
        "optimiser": begun.tutorial.optimiser(begun.prepared),
    }


def arranged(tutorial: Tutorial, dataset: Dataset) -> Dataset:
    """Return the data in the tutorial's own layout, so that no clock holds the turning."""
    train, test = (tutorial.arrange(images) for images in (dataset.train_images, dataset.test_images))
    return replace(dataset, train_images=train, test_images=test)


def whole_batches(dataset: Dataset, size: int, *, most: int | None = None) -> tuple[Images, Labels]:
    """Return the first training images and labels less a last partial batch: some engines would compile its shape."""
    available = len(dataset.train_labels[:most])
    count = max(size, available // size * size)
    return dataset.train_images[:count], dataset.train_labels[:count]


def epoch_images(size: int) -> int:
    """Return how many images a timed epoch has at a batch size: whole batches, at least one."""
    return max(1, min(EPOCH_IMAGES // size, EPOCH_STEPS)) * size


def stretch(dataset: Dataset, size: int) -> tuple[Images, Labels]:
    """Return the images and labels of a timed epoch: the training set's first, or all of it again and again."""
    chosen = np.arange(epoch_images(size)) % len(dataset.train_labels)
    return dataset.train_images[chosen], dataset.train_labels[chosen]


def _learn(begun: Begun, dataset: Dataset, size: int) -> tuple[list[Block], list[float], float]:
    """Take a first step, the same call again, then epochs enough to learn, which is the warm-up too.

    Returns:
        The two calls (all but compiling is in both), their losses and the epochs', and the accuracy on unseen images.
    """
    images, labels = whole_batches(dataset, size, most=EPOCH_IMAGES)
    train, prepared = begun.tutorial.train, begun.prepared
    losses: list[float] = []

    def step(_: int) -> None:
        losses.append(train(prepared, images[:size], labels[:size], 1, size))

    calls = [timing.timed(step, 1) for _ in range(2)]
    epochs = trial.learning_epochs(size, len(labels))
    losses += [train(prepared, images, labels, 1, size) for _ in range(epochs)]
    unseen, truth = dataset.test_images[:EPOCH_IMAGES], dataset.test_labels[:EPOCH_IMAGES]
    guesses = begun.tutorial.predict(prepared, unseen, size).argmax(axis=1)
    return calls, losses, float(np.mean(guesses == truth))


def _training(begun: Begun, dataset: Dataset, job: Job, size: int) -> list[Block]:
    images, labels = stretch(dataset, size)

    def train(epochs: int) -> None:
        begun.tutorial.train(begun.prepared, images, labels, epochs, size)

    def warm(batches: int) -> None:
        begun.tutorial.train(begun.prepared, images[: batches * size], labels[: batches * size], 1, size)

    return _blocks(train, warm, job, len(labels) // size)


def _inference(begun: Begun, dataset: Dataset, job: Job, size: int) -> list[Measurement]:
    images, labels = stretch(dataset, size)

    def answer(times: int) -> None:
        for _ in range(times):
            begun.tutorial.predict(begun.prepared, images, size)

    def warm(batches: int) -> None:
        begun.tutorial.predict(begun.prepared, images[: batches * size], size)

    return timing.throughput("inference", _blocks(answer, warm, job, len(labels) // size), size)


def _blocks(work: Callable[[int], object], warm: Callable[[int], object], job: Job, steps: int) -> list[Block]:
    """Time blocks of whole epochs (of `steps` batches each), as many as `block_s` holds and at least one.

    Where a single epoch takes as long as all blocks were to take together, one block is enough: a launch is one value.
    A few batches before warm up and tell the pace. The calls of the blocks returned are batches, as in the matched
    track.
    """
    few = min(_WARM_BATCHES, steps)
    warm(few)
    epoch_s = timing.timed(warm, few).wall_s / few * steps
    epochs = max(1, round(job.block_s / epoch_s))
    count = 1 if epoch_s >= job.block_s * job.blocks else job.blocks
    return [replace(timing.timed(work, epochs), calls=epochs * steps) for _ in range(count)]


def _single(begun: Begun, dataset: Dataset, job: Job) -> list[Measurement]:
    """Time single images from numpy to probabilities in numpy.

    The latencies are of `predict_batch`, the same work in every framework; `predict_call_ms` is what the `predict` of
    the tutorial takes for one image, with all that it prepares (data set, iterator, callbacks).
    """
    tutorial, prepared, image = begun.tutorial, begun.prepared, dataset.test_images[:1]
    tutorial.predict_batch(prepared, image)  # traces or compiles for this shape
    least = timing.LEAST_FOR_P99 if job.block_s >= _QUICK_BLOCK_S else _FEW_CALLS
    fast = timing.latencies(lambda: tutorial.predict_batch(prepared, image), seconds=0, least=least)
    tutorial.predict(prepared, image, 1)
    calls = [timing.timed(lambda _: tutorial.predict(prepared, image, 1), 1) for _ in range(_SINGLE_CALLS)]
    slow = [call.wall_s * 1e3 for call in calls]
    return [
        *timing.latency(fast),
        Measurement("inference", "predict_call_ms", "ms", 1, statistics.median(slow), slow),
    ]


def _memory(engine: Engine, size: int) -> list[Measurement]:
    """Return the largest memory so far, as the matched track: before other batch sizes add theirs."""
    device = engine.device_mib()
    told = [] if device is None else [timing.once("setup", "device_mib", "MiB", device, size)]
    return [timing.once("setup", "rss_mib", "MiB", timing.peak_rss_mib(), size), *told]


def _other_size(begun: Begun, dataset: Dataset, job: Job, size: int) -> list[Measurement]:
    training = _training(begun, dataset, job, size)
    return [*timing.throughput("training", training, size), *_inference(begun, dataset, job, size)]


def _code(tutorial: TimedTutorial, size: int) -> Sequence[Measurement]:
    """Return how much a beginner writes to train: statements, and calls that name a device."""
    path = Path(tutorial.__file__)
    lines, calls = codesize.code_lines(path), codesize.device_calls(path)
    return [
        timing.once("setup", "code_lines", "lines", lines, size),
        timing.once("setup", "device_calls", "calls", calls, size),
    ]
