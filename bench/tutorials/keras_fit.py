"""Keras as its own guides begin: `compile`, `fit`, `predict`, on whichever backend is set. In a worker only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from bench.data import Images, Labels
from bench.network import Array, Built, Weights

BATCH_CALL = "model.predict_on_batch"
"""How `predict_batch` asks, as told beside a latency."""


def make_model() -> Any:
    return keras.Sequential(
        [
            keras.Input(shape=(32, 32, 3)),
            keras.layers.Conv2D(32, kernel_size=3, activation="relu"),
            keras.layers.MaxPooling2D(pool_size=2),
            keras.layers.Conv2D(16, kernel_size=3, activation="relu"),
            keras.layers.MaxPooling2D(pool_size=2),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def prepare(model: Any, device: str) -> Any:  # noqa: ARG001 - Keras takes the device that it finds
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(model: Any, images: Images, labels: Labels, epochs: int, batch_size: int) -> float:
    history = model.fit(images, labels, batch_size=batch_size, epochs=epochs, verbose=0)
    return float(history.history["loss"][-1])


def predict(model: Any, images: Images, batch_size: int) -> Array:
    return np.asarray(model.predict(images, batch_size=batch_size, verbose=0))


# What follows is no part of the tutorial: the benchmark needs it to prove and to time the above.


def arrange(images: Images) -> Images:
    """Return the images as they are, which is Keras' own layout."""
    return images


def predict_batch(model: Any, images: Images) -> Array:
    """Return the probabilities of one batch the quick way, as Keras' FAQ advises for a few images in a loop."""
    return np.asarray(model.predict_on_batch(images))


def optimiser(model: Any) -> dict[str, Any]:
    """Return the optimiser's settings as Keras tells them."""
    # Its own name is numbered: a process's second one is "adam_1".
    return {**model.optimizer.get_config(), "name": type(model.optimizer).__name__.lower()}


def in_force(model: Any) -> dict[str, Any]:
    """Return what `compile` made of its jit_compile="auto": XLA or jit, or none."""
    return {"jit_compile": model.jit_compile}


def set_seed(seed: int) -> None:
    keras.utils.set_random_seed(seed)


def set_weights(model: Any, weights: Weights) -> None:
    model.set_weights([array.astype(np.float32) for array in weights])


_KINDS = {"Conv2D": "conv2d", "MaxPooling2D": "max_pool2d", "Flatten": "flatten", "Dense": "dense"}


def layers(model: Any) -> Sequence[Built]:
    """Return the model's layers; one that the reference does not have keeps Keras' own name."""
    return [_built(layer) for layer in model.layers]


def _built(layer: Any) -> Built:
    kind = type(layer).__name__
    return Built(_KINDS.get(kind, kind), tuple(layer.output.shape[1:]), layer.count_params())
