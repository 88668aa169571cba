"""Keras on TensorFlow: `compile` and `train_on_batch`, as it comes (graph mode, no XLA). Imported in a worker only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench.data import Images, Labels
from bench.network import CLASSES, FILTERS, INPUT_SHAPE, KERNEL, POOL, Array, Weights


def open_engine() -> KerasTensorflow:
    """Return the engine; importing this module has loaded the libraries."""
    return KerasTensorflow()


class KerasTensorflow:
    """The reference CNN as a Keras Sequential model on TensorFlow."""

    def set_threads(self, threads: int) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)

    def build(self, weights: Weights, *, precision: str, learning_rate: float) -> None:
        keras.config.set_floatx(precision)
        conv1, conv2 = FILTERS
        self._model = keras.Sequential(
            [
                keras.Input(INPUT_SHAPE),
                keras.layers.Conv2D(conv1, KERNEL, activation="relu"),
                keras.layers.MaxPooling2D(POOL),
                keras.layers.Conv2D(conv2, KERNEL, activation="relu"),
                keras.layers.MaxPooling2D(POOL),
                keras.layers.Flatten(),
                keras.layers.Dense(CLASSES),
            ]
        )
        self._model.compile(
            optimizer=keras.optimizers.SGD(learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=False,
        )
        self._model.set_weights([array.astype(precision) for array in weights])
        self._precision = precision

    def prepare(self, images: Images, labels: Labels) -> Any:
        return tf.constant(images, self._precision), tf.constant(labels)

    def train(self, batches: Sequence[Any]) -> float:
        loss = np.nan
        for images, labels in batches:
            # Keras averages the loss over calls until its metrics are reset.
            self._model.reset_metrics()
            loss = self._model.train_on_batch(images, labels)
        return float(loss)

    def logits(self, batch: Any) -> Array:
        result: Array = self._model.predict_on_batch(batch[0])
        return result

    def weights(self) -> Weights:
        return tuple(self._model.get_weights())

    def describe(self) -> dict[str, Any]:
        return {
            "versions": {"keras": keras.version(), "tensorflow": tf.__version__},
            "backend": keras.backend.backend(),
            "build": dict(tf.sysconfig.get_build_info()),
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
            "layout": keras.config.image_data_format(),
            "devices": [device.name for device in tf.config.list_logical_devices()],
        }
