"""Keras on TensorFlow, as a graph or compiled by XLA. The model is in keras_model. Imported in a worker only."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from bench.engines import tensorflow_function
from bench.engines.keras_model import KerasModel
from bench.network import Weights


def open_engine() -> KerasTensorflow:
    """Return the engine; importing this module has loaded the libraries."""
    return KerasTensorflow()


class KerasTensorflow(KerasModel):
    """The Keras model on the TensorFlow backend."""

    def set_threads(self, threads: int) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)

    def build(self, weights: Weights, *, precision: str, learning_rate: float, mode: str, device: str) -> None:
        # "auto" is False on the CPU and True beside a GPU: here it is the mode that says.
        self.jit_compile = mode == "compiled"
        super().build(weights, precision=precision, learning_rate=learning_rate, mode=mode, device=device)
        self._gradient = tf.function(self._loss_and_gradients, jit_compile=self.jit_compile)

    def float32(self) -> dict[str, Any]:
        return tensorflow_function.float32()

    def device_mib(self) -> float | None:
        return tensorflow_function.device_mib()

    def _place(self, device: str) -> None:
        tensorflow_function.place(device)

    def _slope(self, images: Any, labels: Any) -> Any:
        return self._gradient(images, labels)

    def _loss_and_gradients(self, images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = self._model.loss(labels, self._model(images, training=True))
        return loss, tape.gradient(loss, self._model.trainable_weights)

    def _backend(self) -> dict[str, Any]:
        return tensorflow_function.describe(self._mode)
