"""Keras on JAX, compiled by jit. The model is in keras_model. Imported in a worker only, with KERAS_BACKEND=jax."""

from __future__ import annotations

from typing import Any

import jax

from bench.engines import jax_jit
from bench.engines.keras_model import KerasModel


def open_engine() -> KerasJax:
    """Return the engine; importing this module has loaded the libraries."""
    return KerasJax()


class KerasJax(KerasModel):
    """The Keras model on the JAX backend."""

    def set_threads(self, threads: int) -> None:
        """Do nothing: XLA takes as many threads as the process has cores, whatever it is told."""

    def float32(self) -> dict[str, Any]:
        return jax_jit.float32()

    def device_mib(self) -> float | None:
        return jax_jit.device_mib()

    def _place(self, device: str) -> None:
        self._device = jax_jit.place(device, self._precision)
        jax.config.update("jax_default_device", self._device)

    def _slope(self, images: Any, labels: Any) -> Any:
        def loss(weights: list[jax.Array]) -> jax.Array:
            outputs, _ = self._model.stateless_call(weights, self._model.non_trainable_variables, images, training=True)
            result: jax.Array = self._model.loss(labels, outputs)
            return result

        weights = [variable.value for variable in self._model.trainable_variables]
        return jax.jit(jax.value_and_grad(loss))(weights)

    def _backend(self) -> dict[str, Any]:
        return jax_jit.describe(self._device)
