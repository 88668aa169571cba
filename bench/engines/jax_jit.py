"""JAX alone: pure functions, `value_and_grad` and one `jit` around the training step. Imported in a worker only."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from bench.data import Images, Labels
from bench.engines import devices
from bench.network import INPUT_SHAPE, POOL, Array, Built, Weights

_KINDS = {
    "conv_general_dilated": "conv2d",
    "reduce_window_max": "max_pool2d",
    "reshape": "flatten",
    "dot_general": "dense",
}


def open_engine() -> JaxJit:
    """Return the engine; importing this module has loaded the library."""
    return JaxJit()


def forward(weights: tuple[jax.Array, ...], images: jax.Array) -> jax.Array:
    """Return the logits of NHWC images."""
    conv1, bias1, conv2, bias2, dense, bias3 = weights
    x = max_pool(jax.nn.relu(convolve(images, conv1) + bias1))
    x = max_pool(jax.nn.relu(convolve(x, conv2) + bias2))
    return x.reshape(len(x), -1) @ dense + bias3


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Slide a kernel over images, without padding."""
    return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def max_pool(x: jax.Array) -> jax.Array:
    """Keep the largest of each 2x2 window."""
    window = (1, POOL, POOL, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def mean_loss(weights: tuple[jax.Array, ...], images: jax.Array, labels: jax.Array) -> jax.Array:
    """Return the mean cross-entropy of a batch."""
    log_probabilities = jax.nn.log_softmax(forward(weights, images))
    return -jnp.mean(jnp.take_along_axis(log_probabilities, labels[:, None], axis=1))


def train_step(rate: float, weights: tuple[jax.Array, ...], images: jax.Array, labels: jax.Array) -> Any:
    """Return the weights after one step of SGD, and the loss before it."""
    loss, gradients = jax.value_and_grad(mean_loss)(weights, images, labels)
    return jax.tree.map(lambda weight, gradient: weight - rate * gradient, weights, gradients), loss


class JaxJit:
    """The reference CNN as functions of its weights."""

    def set_threads(self, threads: int) -> None:
        """Do nothing: XLA takes as many threads as the process has cores, whatever it is told."""

    def build(self, weights: Weights, *, precision: str, learning_rate: float, mode: str, device: str) -> None:
        self._device, self._mode, self._precision = place(device, precision), mode, precision
        self._weights = jax.device_put(tuple(weight.astype(precision) for weight in weights), self._device)
        self._step = jax.jit(partial(train_step, learning_rate))
        self._slope = jax.jit(jax.value_and_grad(mean_loss))
        self._forward = jax.jit(forward)

    def prepare(self, images: Images, labels: Labels) -> Any:
        return jax.device_put((images.astype(self._precision), labels), self._device)

    def train(self, batches: Sequence[Any]) -> float:
        for images, labels in batches:
            self._weights, loss = self._step(self._weights, images, labels)
        return float(loss)

    def logits(self, batch: Any) -> Array:
        return np.asarray(self._forward(self._weights, batch[0]))

    def loss_and_gradients(self, batch: Any) -> tuple[float, Weights]:
        loss, gradients = self._slope(self._weights, *batch)
        return float(loss), tuple(np.asarray(gradient) for gradient in gradients)

    def weights(self) -> Weights:
        return tuple(np.asarray(weight) for weight in self._weights)

    def layers(self) -> Sequence[Built]:
        image = jax.ShapeDtypeStruct((1, *INPUT_SHAPE), self._precision)
        return _layers(jax.make_jaxpr(forward)(self._weights, image).jaxpr, len(self._weights))

    def describe(self) -> dict[str, Any]:
        return {**describe(self._device), "mode": self._mode, "layout": "channels_last"}

    def float32(self) -> dict[str, Any]:
        return float32()

    def device_mib(self) -> float | None:
        return device_mib()


def place(kind: str, precision: str) -> jax.Device:
    """Return JAX's device of a kind and allow the precision; float32 means float32 from now on, not TF32.

    Raises:
        DlpulseError: when JAX sees none.
    """
    rocm = "rocm" in jax.devices()[0].client.platform_version.lower()
    devices.require("jax", kind, devices.seen(gpu=jax.default_backend() == "gpu", rocm=rocm))
    jax.config.update("jax_enable_x64", precision == "float64")
    jax.config.update("jax_default_matmul_precision", "highest")
    return jax.devices(kind)[0]


def describe(device: jax.Device) -> dict[str, Any]:
    """Return what JAX tells of itself on a device; of threads it tells nothing."""
    return {
        "versions": {"jax": jax.__version__, "jaxlib": importlib.metadata.version("jaxlib")},
        "build": device.client.platform_version,
        "threads": None,
        "devices": [device.device_kind],
        "float32": float32(),
    }


def float32() -> dict[str, Any]:
    """Return the precision of matrix multiply and convolution just now; JAX's own default lets a GPU take TF32."""
    return {"default_matmul_precision": jax.config.jax_default_matmul_precision or "default"}


def device_mib() -> float | None:
    """Return the largest device memory that JAX took so far in MiB."""
    device = jax.devices()[0]
    told = None if device.platform == "cpu" else device.memory_stats()
    return told["peak_bytes_in_use"] / 2**20 if told else None


def _layers(jaxpr: Any, count: int) -> list[Built]:
    """Read the layers off a traced function whose first `count` inputs are weights.

    An operation starts a layer, the weights used by it and after it are its.
    """
    weights = {id(variable) for variable in jaxpr.invars[:count]}
    told: list[Built] = []
    for equation in jaxpr.eqns:
        if kind := _KINDS.get(equation.primitive.name):
            told.append(Built(kind, tuple(equation.outvars[0].aval.shape[1:]), 0))
        parameters = sum(variable.aval.size for variable in equation.invars if id(variable) in weights)
        if parameters:
            told[-1] = told[-1]._replace(parameters=told[-1].parameters + parameters)
    return told
