"""What the three Keras engines share: Sequential model, `compile`, `train_on_batch`. Imported in a worker only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import keras

from bench.data import Images, Labels
from bench.network import CLASSES, FILTERS, INPUT_SHAPE, KERNEL, POOL, Array, Built, Weights

_KINDS = {"Conv2D": "conv2d", "MaxPooling2D": "max_pool2d", "Flatten": "flatten", "Dense": "dense"}


def reference_cnn() -> keras.Sequential:
    """Return the network over NHWC images; its outputs are logits."""
    conv1, conv2 = FILTERS
    return keras.Sequential(
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


class KerasModel(ABC):
    """The reference CNN as a Keras Sequential model; a backend adds threads, device, gradients and what it tells."""

    jit_compile: bool | str = "auto"
    """What `compile` is given: by itself Keras takes XLA under JAX, and nothing under PyTorch."""

    def build(self, weights: Weights, *, precision: str, learning_rate: float, mode: str, device: str) -> None:
        self._precision, self._mode = precision, mode
        self._place(device)
        keras.config.set_floatx(precision)
        # Keras makes its policy from floatx once, at the first layer: a later floatx alone changes nothing.
        keras.config.set_dtype_policy(precision)
        self._model = reference_cnn()
        self._model.compile(
            # Keras keeps the rate in the model's precision: take an exact binary fraction, 1/32 rather than 0.03.
            optimizer=keras.optimizers.SGD(learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=self.jit_compile,
        )
        self._model.set_weights([weight.astype(precision) for weight in weights])

    def prepare(self, images: Images, labels: Labels) -> Any:
        return keras.ops.convert_to_tensor(images, self._precision), keras.ops.convert_to_tensor(labels)

    def train(self, batches: Sequence[Any]) -> float:
        *most, last = batches
        for images, labels in most:
            self._model.train_on_batch(images, labels)
        # Some releases average the loss over all calls until the metrics are reset.
        self._model.reset_metrics()
        return float(self._model.train_on_batch(*last))

    def logits(self, batch: Any) -> Array:
        result: Array = self._model.predict_on_batch(batch[0])
        return result

    def loss_and_gradients(self, batch: Any) -> tuple[float, Weights]:
        loss, gradients = self._slope(*batch)
        return float(loss), tuple(keras.ops.convert_to_numpy(gradient) for gradient in gradients)

    def weights(self) -> Weights:
        return tuple(self._model.get_weights())

    def layers(self) -> Sequence[Built]:
        return [
            Built(_KINDS.get(type(layer).__name__, layer.name), tuple(layer.output.shape[1:]), layer.count_params())
            for layer in self._model.layers
        ]

    def describe(self) -> dict[str, Any]:
        told = self._backend()
        return {
            **told,
            "versions": {"keras": keras.version(), **told["versions"]},
            "backend": keras.backend.backend(),
            "mode": self._mode,
            "layout": keras.config.image_data_format(),
            "jit_compile": self._model.jit_compile,
        }

    @abstractmethod
    def _place(self, device: str) -> None:
        """Make Keras compute on a kind of device."""

    @abstractmethod
    def _slope(self, images: Any, labels: Any) -> Any:
        """Return the mean loss of a batch and the gradient of each weight, as the backend's tensors."""

    @abstractmethod
    def _backend(self) -> dict[str, Any]:
        """Return what the backend tells of itself."""
