"""PyTorch: the plain loop of zero_grad, loss, backward, step of its own tutorial. Imported in a worker only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.data import Images, Labels
from bench.engines import devices
from bench.network import (
    CLASSES,
    FILTERS,
    INPUT_SHAPE,
    KERNEL,
    POOL,
    Array,
    Built,
    Weights,
    from_channels_first,
    to_channels_first,
)
from warehouse.errors import DlpulseError

_KINDS = {"Conv2d": "conv2d", "MaxPool2d": "max_pool2d", "Flatten": "flatten", "Linear": "dense"}
# Each batch size is compiled twice, for training and for inference; past the limit, fullgraph would raise.
_COMPILATIONS = 64


def open_engine() -> Pytorch:
    """Return the engine; importing this module has loaded the library."""
    return Pytorch()


def reference_cnn() -> nn.Sequential:
    """Return the network over NCHW images; its outputs are logits."""
    conv1, conv2 = FILTERS
    return nn.Sequential(
        nn.Conv2d(INPUT_SHAPE[-1], conv1, KERNEL),
        nn.ReLU(),
        nn.MaxPool2d(POOL),
        nn.Conv2d(conv1, conv2, KERNEL),
        nn.ReLU(),
        nn.MaxPool2d(POOL),
        nn.Flatten(),
        nn.Linear(576, CLASSES),
    )


class Pytorch:
    """The reference CNN as a `torch.nn.Sequential`."""

    def set_threads(self, threads: int) -> None:
        torch.set_num_threads(threads)

    def build(self, weights: Weights, *, precision: str, learning_rate: float, mode: str, device: str) -> None:
        self._device, self._mode = place(device, precision), mode
        self._dtype = getattr(torch, precision)
        self._layout = torch.contiguous_format if mode == "eager" else torch.channels_last
        self._model = reference_cnn().to(self._device, self._dtype, memory_format=self._layout)
        with torch.no_grad():
            for parameter, value in zip(self._model.parameters(), to_channels_first(weights), strict=True):
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
        self._forward = compiled(self._model) if mode == "compiled" else self._model
        self._loss = nn.CrossEntropyLoss()
        self._optimiser = torch.optim.SGD(self._model.parameters(), lr=learning_rate)

    def prepare(self, images: Images, labels: Labels) -> Any:
        nchw = torch.from_numpy(images).permute(0, 3, 1, 2)
        inputs = nchw.to(self._device, self._dtype, copy=True, memory_format=self._layout)
        return inputs, torch.from_numpy(labels).to(self._device)

    def train(self, batches: Sequence[Any]) -> float:
        for images, labels in batches:
            self._optimiser.zero_grad()
            loss = self._loss(self._forward(images), labels)
            loss.backward()
            self._optimiser.step()
        return float(loss.item())

    def logits(self, batch: Any) -> Array:
        with torch.inference_mode():
            return _numpy(self._forward(batch[0]))

    def loss_and_gradients(self, batch: Any) -> tuple[float, Weights]:
        images, labels = batch
        self._optimiser.zero_grad()
        loss = self._loss(self._forward(images), labels)
        loss.backward()
        gradients = tuple(_numpy(parameter.grad) for parameter in self._model.parameters())
        self._optimiser.zero_grad()
        return float(loss.item()), from_channels_first(gradients)

    def weights(self) -> Weights:
        return from_channels_first(tuple(_numpy(parameter.detach()) for parameter in self._model.parameters()))

    def layers(self) -> Sequence[Built]:
        told: list[Built] = []

        def tell(module: Any, _inputs: Any, output: Any) -> None:
            name = type(module).__name__
            channels, *rest = output.shape[1:]
            parameters = sum(parameter.numel() for parameter in module.parameters())
            told.append(Built(_KINDS.get(name, name.lower()), (*rest, channels), parameters))

        hooks = [layer.register_forward_hook(tell) for layer in self._model if not isinstance(layer, nn.ReLU)]
        with torch.inference_mode():
            self._model(self.prepare(np.zeros((1, *INPUT_SHAPE), np.float32), np.zeros(1, np.int64))[0])
        for hook in hooks:
            hook.remove()
        return told

    def describe(self) -> dict[str, Any]:
        layout = "channels_first" if self._layout == torch.contiguous_format else "channels_last"
        return {**describe(self._device), "mode": self._mode, "layout": layout}

    def float32(self) -> dict[str, Any]:
        return float32()

    def device_mib(self) -> float | None:
        return device_mib()


def place(kind: str, precision: str) -> torch.device:
    """Return PyTorch's device of a kind; float32 means float32 from now on, not TF32.

    Raises:
        DlpulseError: when PyTorch sees none, or the device cannot compute at this precision.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    devices.require("pytorch", kind, devices.seen(gpu=cuda, rocm=bool(torch.version.hip), mps=mps))
    if kind == "mps" and precision == "float64":
        raise DlpulseError("pytorch has no float64 on Apple MPS: use float32 there, or --device cpu")
    # PyTorch's older names, which its older releases know too; by itself it convolves in TF32.
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda" if kind == "rocm" else kind)


def compiled(model: nn.Module) -> Any:
    """Return the model compiled once for each batch size and for training and inference apart, never silently eager.

    Raises:
        DlpulseError: when there is no C++ compiler.
    """
    devices.require_compiler("torch.compile")
    torch.compiler.config.recompile_limit = _COMPILATIONS
    return torch.compile(model, fullgraph=True, dynamic=False)


def describe(device: torch.device) -> dict[str, Any]:
    """Return what PyTorch tells of itself on a device."""
    on_gpu = device.type == "cuda"
    told = {
        "versions": {"torch": str(torch.__version__)},
        "build": torch.__config__.show(),
        "threads": torch.get_num_threads(),
        "inter_op_threads": torch.get_num_interop_threads(),
        "float32": float32(),
        "devices": [torch.cuda.get_device_name() if on_gpu else device.type],
    }
    toolkits = {"cuda": torch.version.cuda, "hip": torch.version.hip, "cudnn": torch.backends.cudnn.version()}
    return {**told, "toolkits": toolkits} if on_gpu else told


def float32() -> dict[str, Any]:
    """Return whether float32 may be computed as TF32 just now."""
    return {
        "matmul.allow_tf32": torch.backends.cuda.matmul.allow_tf32,
        "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
    }


def device_mib() -> float | None:
    """Return the largest device memory that PyTorch's tensors took so far in MiB; MPS tells no largest."""
    return torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_initialized() else None


def _numpy(tensor: Any) -> Array:
    # numpy has no bfloat16.
    known = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    array: Array = known.cpu().numpy().copy()
    return array
