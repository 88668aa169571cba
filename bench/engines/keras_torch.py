"""Keras on PyTorch, eager. The model is in keras_model. Imported in a worker only, with KERAS_BACKEND=torch."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import keras
import torch
from keras.src.backend.common import dtypes

from bench.engines import pytorch
from bench.engines.keras_model import KerasModel
from bench.network import Weights


def open_engine() -> KerasTorch:
    """Return the engine; importing this module has loaded the libraries."""
    return KerasTorch()


class KerasTorch(KerasModel):
    """The Keras model on the PyTorch backend."""

    def __init__(self) -> None:
        self._scope = ExitStack()

    def set_threads(self, threads: int) -> None:
        torch.set_num_threads(threads)

    def build(self, weights: Weights, *, precision: str, learning_rate: float, mode: str, device: str) -> None:
        allow_float64(precision == "float64")
        super().build(weights, precision=precision, learning_rate=learning_rate, mode=mode, device=device)

    def float32(self) -> dict[str, Any]:
        return pytorch.float32()

    def device_mib(self) -> float | None:
        return pytorch.device_mib()

    def _place(self, device: str) -> None:
        self._device = pytorch.place(device, self._precision)
        # Keras takes an accelerator wherever it sees one; its scope is the only way to choose after the import.
        self._scope.close()
        self._scope.enter_context(keras.device(str(self._device)))

    def _slope(self, images: Any, labels: Any) -> Any:
        self._model.zero_grad()
        loss = self._model.loss(labels, self._model(images, training=True))
        loss.backward()
        gradients = [weight.value.grad.clone() for weight in self._model.trainable_weights]
        self._model.zero_grad()
        return loss.detach(), gradients

    def _backend(self) -> dict[str, Any]:
        return pytorch.describe(self._device)


def allow_float64(allowed: bool) -> None:
    """Let Keras' operations answer in float64, as the proof needs.

    On PyTorch, Keras 3.15 multiplies and averages in float32 even in a float64 model
    (https://github.com/keras-team/keras/issues/23704). This is its own table of what becomes what; there is no setting.
    """
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64" if allowed else "float32"
