"""PyTorch as its own tutorials begin: a Sequential, a DataLoader and the loop written out. Imported in a worker only.

Log-softmax and NLLLoss as in the article's network; Adam with its defaults; shuffled batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bench.data import Images, Labels
from bench.network import Array, Built, Weights, to_channels_first
from bench.tutorials import channels_first

BATCH_CALL = "model(tensor) under no_grad"
"""How `predict_batch` asks, as told beside a latency."""
# PyTorch built for ROCm answers to CUDA's name.
_NAMES = {"rocm": "cuda"}


def make_model() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 32, kernel_size=3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 16, kernel_size=3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 6 * 6, 10),
        nn.LogSoftmax(dim=1),
    )


def prepare(model: Any, device: str) -> Any:
    device = torch.device(_NAMES.get(device, device))
    model.to(device)
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters())
    return model, criterion, optimizer, device


def train(prepared: Any, images: Images, labels: Labels, epochs: int, batch_size: int) -> float:
    model, criterion, optimizer, device = prepared
    dataset = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=True)
    model.train()
    for _ in range(epochs):
        running_loss = 0.0
        for batch, targets in loader:
            inputs, truth = batch.to(device), targets.to(device)
            optimizer.zero_grad()
            loss = criterion(model(inputs), truth)
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * len(inputs)
    return running_loss / len(dataset)


def predict(prepared: Any, images: Images, batch_size: int) -> Array:
    model, _, _, device = prepared
    loader = DataLoader(TensorDataset(torch.from_numpy(images)), batch_size=batch_size)
    model.eval()
    with torch.no_grad():
        outputs = [model(batch.to(device)) for (batch,) in loader]
    return np.asarray(torch.cat(outputs).exp().cpu())


# What follows is no part of the tutorial: the benchmark needs it to prove and to time the above.


def arrange(images: Images) -> Images:
    """Return the images channels first, as torchvision's data sets hand them out."""
    return channels_first(images)


def predict_batch(prepared: Any, images: Images) -> Array:
    """Return the probabilities of one batch without a DataLoader, as one would for a few images in a loop."""
    model, _, _, device = prepared
    model.eval()
    with torch.no_grad():
        outputs = model(torch.from_numpy(images).to(device))
    return np.asarray(outputs.exp().cpu())


def optimiser(prepared: Any) -> dict[str, Any]:
    """Return the optimiser's settings as PyTorch tells them."""
    return {"name": "adam", **prepared[2].defaults}


def in_force(prepared: Any) -> dict[str, Any]:  # noqa: ARG001 - PyTorch compiles nothing unasked
    """Return nothing: PyTorch compiles nothing by itself."""
    return {}


def set_seed(seed: int) -> None:
    torch.manual_seed(seed)


def set_weights(model: Any, weights: Weights) -> None:
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), to_channels_first(weights), strict=True):
            parameter.copy_(torch.tensor(np.ascontiguousarray(value)))


_KINDS = {"Conv2d": "conv2d", "MaxPool2d": "max_pool2d", "Flatten": "flatten", "Linear": "dense"}
_ACTIVATIONS = ("ReLU", "LogSoftmax")


def layers(model: Any) -> Sequence[Built]:
    """Return the model's layers from a blank image's way through them; activations are part of the layer before."""
    image = torch.zeros(1, 3, 32, 32, device=next(model.parameters()).device)
    found = []
    with torch.no_grad():
        for layer in model:
            image = layer(image)
            kind = type(layer).__name__
            if kind not in _ACTIVATIONS:
                parameters = sum(parameter.numel() for parameter in layer.parameters())
                found.append(Built(_KINDS.get(kind, kind), _channels_last(image.shape[1:]), parameters))
    return found


def _channels_last(shape: Sequence[int]) -> tuple[int, ...]:
    return (*shape[1:], shape[0]) if len(shape) == 3 else tuple(shape)
