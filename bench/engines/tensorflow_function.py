"""TensorFlow without Keras: variables, a gradient tape and a tf.function training step. Imported in a worker only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from bench.data import Images, Labels
from bench.engines import devices
from bench.network import INPUT_SHAPE, POOL, Array, Built, Weights

_KINDS = {"Conv2D": "conv2d", "MaxPool": "max_pool2d", "Reshape": "flatten", "MatMul": "dense"}


def open_engine() -> TensorflowFunction:
    """Return the engine; importing this module has loaded the library."""
    return TensorflowFunction()


class Network(tf.Module):  # type: ignore[misc]  # TensorFlow brings no types
    """The reference CNN over NHWC images; its outputs are logits."""

    def __init__(self, weights: Weights, precision: str) -> None:
        super().__init__()
        self.parameters = [tf.Variable(weight, dtype=precision) for weight in weights]

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        conv1, bias1, conv2, bias2, dense, bias3 = self.parameters
        x = tf.nn.conv2d(images, conv1, strides=1, padding="VALID")
        x = tf.nn.relu(tf.nn.bias_add(x, bias1))
        x = tf.nn.max_pool2d(x, POOL, strides=POOL, padding="VALID")
        x = tf.nn.conv2d(x, conv2, strides=1, padding="VALID")
        x = tf.nn.relu(tf.nn.bias_add(x, bias2))
        x = tf.nn.max_pool2d(x, POOL, strides=POOL, padding="VALID")
        x = tf.reshape(x, (-1, 576))
        return tf.nn.bias_add(tf.matmul(x, dense), bias3)


class TensorflowFunction:
    """The reference CNN as a `tf.Module`, trained by a `tf.function`."""

    def set_threads(self, threads: int) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)

    def build(self, weights: Weights, *, precision: str, learning_rate: float, mode: str, device: str) -> None:
        place(device)
        self._mode = mode
        self._precision, self._rate = precision, learning_rate
        self._model = Network(weights, precision)
        xla = mode == "compiled"
        self._step = tf.function(self._train_step, jit_compile=xla)
        self._slope = tf.function(self._loss_and_gradients, jit_compile=xla)
        self._forward = tf.function(self._model.__call__, jit_compile=xla)

    def prepare(self, images: Images, labels: Labels) -> Any:
        return tf.constant(images, self._precision), tf.constant(labels)

    def train(self, batches: Sequence[Any]) -> float:
        for images, labels in batches:
            loss = self._step(images, labels)
        return float(loss)

    def _train_step(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        loss, gradients = self._loss_and_gradients(images, labels)
        for parameter, gradient in zip(self._model.parameters, gradients, strict=True):
            parameter.assign_sub(self._rate * gradient)
        return loss

    def _loss_and_gradients(self, images: tf.Tensor, labels: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self._model(images))
            loss = tf.reduce_mean(losses)
        return loss, tape.gradient(loss, self._model.parameters)

    def logits(self, batch: Any) -> Array:
        result: Array = self._forward(batch[0]).numpy()
        return result

    def loss_and_gradients(self, batch: Any) -> tuple[float, Weights]:
        loss, gradients = self._slope(*batch)
        return float(loss), tuple(gradient.numpy() for gradient in gradients)

    def weights(self) -> Weights:
        return tuple(parameter.numpy() for parameter in self._model.parameters)

    def layers(self) -> Sequence[Built]:
        image = tf.TensorSpec((1, *INPUT_SHAPE), self._precision)
        return _layers(self._forward.get_concrete_function(image).graph)

    def describe(self) -> dict[str, Any]:
        return {**describe(self._mode), "mode": self._mode, "layout": "channels_last"}

    def float32(self) -> dict[str, Any]:
        return float32()

    def device_mib(self) -> float | None:
        return device_mib()


def place(kind: str) -> None:
    """Let TensorFlow compute on a kind of device; float32 means float32 from now on, not TF32.

    Raises:
        DlpulseError: when TensorFlow sees none.
    """
    gpu = bool(tf.config.list_physical_devices("GPU"))
    devices.require("tensorflow", kind, devices.seen(gpu=gpu, rocm=tf.test.is_built_with_rocm()))
    if kind == "cpu":
        tf.config.set_visible_devices([], "GPU")
    tf.config.experimental.enable_tensor_float_32_execution(False)


def describe(mode: str) -> dict[str, Any]:
    """Return what TensorFlow tells of itself; XLA takes as many threads as it likes."""
    intra_op = tf.config.threading.get_intra_op_parallelism_threads()
    return {
        "versions": {"tensorflow": tf.__version__},
        "build": dict(tf.sysconfig.get_build_info()),
        "threads": None if mode == "compiled" else intra_op,
        "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "float32": float32(),
    }


def float32() -> dict[str, Any]:
    """Return whether float32 may be computed as TF32 just now; by itself TensorFlow lets it."""
    return {"tensor_float_32_execution": tf.config.experimental.tensor_float_32_execution_enabled()}


def device_mib() -> float | None:
    """Return the largest device memory that TensorFlow took so far in MiB."""
    if not tf.config.list_logical_devices("GPU"):
        return None
    return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20


def _layers(graph: Any) -> list[Built]:
    """Read the layers off a traced graph.

    An operation starts a layer, the variables used by it and after it are its.
    """
    told: list[Built] = []
    for operation in graph.get_operations():
        if operation.type in _KINDS:
            told.append(Built(_KINDS[operation.type], tuple(operation.outputs[0].shape[1:]), 0))
        read = [entry for entry in operation.inputs if entry.op.type == "ReadVariableOp"]
        if read:
            parameters = told[-1].parameters + sum(entry.shape.num_elements() for entry in read)
            told[-1] = told[-1]._replace(parameters=parameters)
    return told
