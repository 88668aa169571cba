"""PyTorch, eager: the plain loop of zero_grad, loss, backward, step over NCHW tensors. Imported in a worker only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.data import Images, Labels
from bench.network import (
    CLASSES,
    FILTERS,
    INPUT_SHAPE,
    KERNEL,
    POOL,
    Array,
    Weights,
    from_channels_first,
    to_channels_first,
)


def open_engine() -> Pytorch:
    """Return the engine; importing this module has loaded the library."""
    return Pytorch()


class Pytorch:
    """The reference CNN as a `torch.nn.Sequential` on the CPU."""

    def set_threads(self, threads: int) -> None:
        torch.set_num_threads(threads)

    def build(self, weights: Weights, *, precision: str, learning_rate: float) -> None:
        self._dtype = getattr(torch, precision)
        conv1, conv2 = FILTERS
        model = nn.Sequential(
            nn.Conv2d(INPUT_SHAPE[-1], conv1, KERNEL),
            nn.ReLU(),
            nn.MaxPool2d(POOL),
            nn.Conv2d(conv1, conv2, KERNEL),
            nn.ReLU(),
            nn.MaxPool2d(POOL),
            nn.Flatten(),
            nn.Linear(576, CLASSES),
        )
        self._model = model.to(self._dtype)
        with torch.no_grad():
            for parameter, value in zip(self._model.parameters(), to_channels_first(weights), strict=True):
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
        self._loss = nn.CrossEntropyLoss()
        self._optimiser = torch.optim.SGD(self._model.parameters(), lr=learning_rate)

    def prepare(self, images: Images, labels: Labels) -> Any:
        nchw = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        return nchw.to(self._dtype), torch.from_numpy(labels)

    def train(self, batches: Sequence[Any]) -> float:
        loss = torch.tensor(float("nan"))
        for images, labels in batches:
            self._optimiser.zero_grad()
            loss = self._loss(self._model(images), labels)
            loss.backward()
            self._optimiser.step()
        return float(loss.item())

    def logits(self, batch: Any) -> Array:
        with torch.inference_mode():
            result: Array = self._model(batch[0]).numpy()
        return result

    def weights(self) -> Weights:
        return from_channels_first(tuple(p.detach().numpy().copy() for p in self._model.parameters()))

    def describe(self) -> dict[str, Any]:
        return {
            "versions": {"torch": torch.__version__},
            "build": torch.__config__.show(),
            "threads": torch.get_num_threads(),
            "inter_op_threads": torch.get_num_interop_threads(),
            "layout": "channels_first",
            "devices": ["cpu"],
        }
