"""The reference CNN in plain C (reference_cnn.c): proved against numpy on invented images, then timed."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench import network, reference
from bench.bounds.build import Toolchain, build
from bench.bounds.samples import SAMPLES, Bound, ask, rates
from warehouse.errors import DlpulseError

SOURCES = ("reference_cnn.c", "reference_cnn_main.c", "reference_cnn.h", "common.h")
LEARNING_RATE = 0.125
BATCH_SIZES = (1, 32, 128, 512)
SECONDS = 0.15
IMAGES = 1024
CHECK_STEPS = 5
CHECK_BATCH = 7
LIMITS: Mapping[str, float] = {"logits": 2e-6, "losses": 2e-6, "weights": 2e-6}
"""Float32 against numpy's float64 over five steps of seven images; seen: 3e-7, 1e-7 and 2e-8."""
_MARK = b"dlpcnn1\0"
_ATTEMPTS = 3


@dataclass(frozen=True)
class Task:
    """What the program works on: neutral weights, images (n, 32, 32, 3), labels (n,); float32 and int32."""

    weights: network.Weights
    images: network.Array
    labels: np.typing.NDArray[np.int32]

    def write(self, path: Path) -> Path:
        """Write the program's input file."""
        header = _MARK + struct.pack("=if", len(self.images), LEARNING_RATE)
        arrays = (*(weight.astype(np.float32) for weight in self.weights), self.images, self.labels)
        path.write_bytes(header + b"".join(array.tobytes() for array in arrays))
        return path


def invent(count: int, seed: int) -> Task:
    """Return a task of uniform noise and random labels; the work does not depend on what is in the images."""
    generator = np.random.default_rng(seed)
    images = generator.random((count, *network.INPUT_SHAPE), dtype=np.float32)
    labels = generator.integers(0, network.CLASSES, count).astype(np.int32)
    return Task(network.initial_weights(seed), images, labels)


def measure(toolchain: Toolchain, threads: int, folder: Path) -> list[Bound]:
    """Return images a second for each batch size, training and inference.

    Raises:
        DlpulseError: when the program cannot be built, or does not compute what numpy does: then nothing is timed.
    """
    program = build(toolchain, SOURCES, folder)
    with TemporaryDirectory(dir=folder) as place:
        prove(program, threads, Path(place))
        task = invent(IMAGES, 0).write(Path(place) / "task")
        return [
            _time(program, task, threads, batch_size, phase)
            for phase in ("training", "inference")
            for batch_size in BATCH_SIZES
        ]


def _time(program: Path, task: Path, threads: int, batch_size: int, phase: str) -> Bound:
    mode = {"training": "train", "inference": "infer"}[phase]
    output = ask((program, mode, task, threads, batch_size, SECONDS, SAMPLES))
    how = "median; the reference CNN in plain C, SGD, no gradient for what max-pooling dropped; proved against numpy"
    return Bound("pure_c", phase, "images_per_s", "images/s", batch_size, rates(output), how)


def prove(program: Path, threads: int, place: Path) -> None:
    """Compare the program with numpy over five SGD steps.

    Now and then two pool values lie so close that rounding chooses who gets the gradient, and the weights part by
    1e-3: about once in 30 tries of this size. A second and a third task are tried then; a wrong program fails them all.

    Raises:
        DlpulseError: when it differs by more than LIMITS on every task; names the worst figure of the last.
    """
    for seed in range(_ATTEMPTS):
        found = differences(program, invent(CHECK_BATCH * CHECK_STEPS, seed), CHECK_BATCH, threads, place)
        faults = [name for name, value in found.items() if not value <= LIMITS[name]]
        if not faults:
            return
    told = ", ".join(f"{name} by {found[name]:.1e}, allowed {LIMITS[name]:.0e}" for name in faults)
    raise DlpulseError(f"{SOURCES[0]} differs from numpy ({told}): not timed")


def differences(program: Path, task: Task, batch_size: int, threads: int, place: Path) -> dict[str, float]:
    """Return the largest differences from the numpy reference: first logits, losses and weights after CHECK_STEPS."""
    out = place / "out"
    ask((program, "check", task.write(place / "checked"), threads, batch_size, CHECK_STEPS, out))
    found = np.split(np.fromfile(out, np.float32), np.cumsum([batch_size * network.CLASSES, CHECK_STEPS]))
    expected = _expected(task, batch_size)
    return {
        name: float(np.max(np.abs(mine - numpys))) if mine.size == numpys.size else float("inf")
        for name, mine, numpys in zip(LIMITS, found, expected, strict=True)
    }


def _expected(task: Task, batch_size: int) -> tuple[network.Array, network.Array, network.Array]:
    """Return what numpy makes of it in float64: flat logits, losses, flat weights."""
    # From the very float32 values that the program is given.
    weights: network.Weights = tuple(weight.astype(np.float32).astype(np.float64) for weight in task.weights)
    images, labels = task.images.astype(np.float64), task.labels.astype(np.int64)
    logits = reference.logits(weights, images[:batch_size])
    losses = []
    slices = network.batches(len(images), batch_size)
    for step in range(CHECK_STEPS):
        batch = slices[step % len(slices)]
        weights, loss = reference.train_step(weights, images[batch], labels[batch], LEARNING_RATE)
        losses.append(loss)
    return logits.ravel(), np.array(losses), np.concatenate([weight.ravel() for weight in weights])
