"""Training loops as one would write them without dlpulse but for its network: what bench_overhead compares with.

Run by its path in a process of its own: one JSON request on stdin, one JSON answer on stdout. Nothing of bench.timing,
bench.trial or bench.default_track is imported; the clocks are read once before and once after.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.worker import bind


def main() -> None:
    """Do what stdin's first line asks: `blocks` times `calls` steps, after `warm` epochs."""
    asked = json.loads(sys.stdin.readline())
    bind(asked["threads"])
    with np.load(asked["data"]) as file:
        images, labels = file["train_images"], file["train_labels"]
    block = {"pytorch": pytorch, "keras-tensorflow": keras_tensorflow}[asked["engine"]](asked, images, labels)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(asked["blocks"]):
        block()
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    spent["page_faults"] = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    told = sorted(name for name in ("timing", "trial", "default_track") if f"bench.{name}" in sys.modules)
    assert not told, f"a bare loop without {told}"
    json.dump({"images": asked["blocks"] * asked["calls"] * asked["size"], **spent}, sys.stdout)


def pytorch(asked: dict[str, Any], images: Any, labels: Any) -> Callable[[], object]:
    """Return a block of the plain loop: SGD over batches that are there already, the loss read back at its end."""
    import torch

    from bench.engines.pytorch import reference_cnn
    from bench.network import initial_weights, to_channels_first

    torch.set_num_threads(asked["threads"])
    model, criterion, size = reference_cnn(), torch.nn.CrossEntropyLoss(), asked["size"]
    # The trial's own, so that both compute on the same numbers.
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), to_channels_first(initial_weights(0)), strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.125)
    turned = torch.from_numpy(images).permute(0, 3, 1, 2)
    truth = torch.from_numpy(labels)
    starts = range(0, len(labels) - size + 1, size)
    batches = [
        (turned[at : at + size].to(copy=True, memory_format=torch.contiguous_format), truth[at : at + size])
        for at in starts
    ]

    def train(steps: int) -> float:
        for step in range(steps):
            inputs, targets = batches[step % len(batches)]
            optimiser.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimiser.step()
        return float(loss.item())

    train(asked["warm"] * len(batches))
    return lambda: train(asked["calls"])


def keras_tensorflow(asked: dict[str, Any], images: Any, labels: Any) -> Callable[[], object]:
    """Return a block of `fit` over a timed epoch's images, as many epochs as `calls` make."""
    import keras
    import tensorflow as tf

    from bench.tutorials.keras_fit import make_model

    tf.config.threading.set_intra_op_parallelism_threads(asked["threads"])
    keras.utils.set_random_seed(0)
    model, size = make_model(), asked["size"]
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    whole = len(labels) // size * size
    model.fit(images[:whole], labels[:whole], batch_size=size, epochs=asked["warm"], verbose=0)
    chosen = np.arange(asked["epoch_images"]) % len(labels)
    x, y = images[chosen], labels[chosen]
    epochs = asked["calls"] * size // len(y)
    return lambda: model.fit(x, y, batch_size=size, epochs=epochs, verbose=0)


if __name__ == "__main__":
    main()
