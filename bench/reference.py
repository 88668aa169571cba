"""The reference CNN in plain numpy: forward, backward and SGD. Slow and readable; every engine is proved against it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from bench.network import KERNEL, POOL, Array, Weights

Labels = npt.NDArray[np.int64]
Criterion = Callable[[Array, Labels], tuple[float, Array]]
"""A loss of logits and labels, and its gradient with respect to the logits."""


class _Convolved(NamedTuple):
    """What one convolution block must remember for its backward pass."""

    patches: Array  # (n, h, w, in, 3, 3)
    active: Array  # after ReLU, (n, h, w, out)
    winners: npt.NDArray[np.intp]  # index 0..3 inside each pool window
    pooled: Array


def softmax(outputs: Array) -> Array:
    """Return exp(outputs), each row scaled to sum 1; the row's largest is taken off first, so that none overflows."""
    exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    shares: Array = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


def cross_entropy(outputs: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean cross-entropy of softmax(outputs) and its gradient with respect to the outputs."""
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    each = np.arange(len(labels))
    loss = float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[each, labels]))
    gradient = softmax(outputs)
    gradient[each, labels] -= 1.0
    return loss, gradient / len(labels)


def logits(weights: Weights, images: Array) -> Array:
    """Return the (n, 10) logits of (n, 32, 32, 3) images."""
    return _forward(weights, images)[2]


def train_step(weights: Weights, images: Array, labels: Labels, learning_rate: float) -> tuple[Weights, float]:
    """Return the weights after one step of plain SGD on the batch's mean cross-entropy, and the loss before it."""
    loss, gradients = loss_and_gradients(weights, images, labels)
    return tuple(w - learning_rate * g for w, g in zip(weights, gradients, strict=True)), loss


def loss_and_gradients(
    weights: Weights, images: Array, labels: Labels, criterion: Criterion = cross_entropy
) -> tuple[float, Weights]:
    """Return the batch's loss and its gradients, one for each of the weights."""
    first, second, outputs = _forward(weights, images)
    loss, d_outputs = criterion(outputs, labels)
    flat = second.pooled.reshape(len(images), -1)
    d_active2 = _unpool(second, (d_outputs @ weights[4].T).reshape(second.pooled.shape))
    d_active1 = _unpool(first, _input_gradient(weights[2], d_active2))
    return loss, (
        *_kernel_gradient(first, d_active1),
        *_kernel_gradient(second, d_active2),
        flat.T @ d_outputs,
        d_outputs.sum(axis=0),
    )


def adam_first_step(gradients: Weights, *, epsilon: float, before_correction: bool) -> Weights:
    """Return what Adam (rate 1e-3, betas 0.9 and 0.999) takes off the weights in its first step.

    Keras adds epsilon before the bias correction ("epsilon hat"), PyTorch after: the same epsilon is another number.
    """
    correction = math.sqrt(1.0 - 0.999) if before_correction else 1.0
    return tuple(1e-3 * g / (np.abs(g) + epsilon / correction) for g in gradients)


def _forward(weights: Weights, images: Array) -> tuple[_Convolved, _Convolved, Array]:
    conv1, bias1, conv2, bias2, dense, bias3 = weights
    first = _convolve(images, conv1, bias1)
    second = _convolve(first.pooled, conv2, bias2)
    return first, second, second.pooled.reshape(len(images), -1) @ dense + bias3


def _convolve(inputs: Array, kernel: Array, bias: Array) -> _Convolved:
    patches = sliding_window_view(inputs, (KERNEL, KERNEL), axis=(1, 2))
    active = np.maximum(np.tensordot(patches, kernel.transpose(2, 0, 1, 3), axes=3) + bias, 0.0)
    windows = _windows(active)
    winners = windows.argmax(axis=-1)
    pooled = np.take_along_axis(windows, winners[..., None], axis=-1)[..., 0]
    return _Convolved(patches, active, winners, pooled)


def _windows(active: Array) -> Array:
    """Return (n, h // 2, w // 2, channels, 4): the values of each pool window, less an odd last row or column."""
    n, height, width, channels = active.shape
    rows, columns = height // POOL, width // POOL
    cut = active[:, : rows * POOL, : columns * POOL].reshape(n, rows, POOL, columns, POOL, channels)
    return cut.transpose(0, 1, 3, 5, 2, 4).reshape(n, rows, columns, channels, POOL * POOL)


def _kernel_gradient(block: _Convolved, d_active: Array) -> tuple[Array, Array]:
    """Return the gradients of a block's kernel and bias."""
    d_kernel = np.tensordot(block.patches, d_active, axes=((0, 1, 2), (0, 1, 2)))
    return d_kernel.transpose(1, 2, 0, 3), d_active.sum(axis=(0, 1, 2))


def _input_gradient(kernel: Array, d_active: Array) -> Array:
    """Return the gradient of a block's input: the full correlation with the flipped kernel."""
    around = KERNEL - 1
    padded = np.pad(d_active, ((0, 0), (around, around), (around, around), (0, 0)))
    patches = sliding_window_view(padded, (KERNEL, KERNEL), axis=(1, 2))
    return np.tensordot(patches, kernel[::-1, ::-1].transpose(3, 0, 1, 2), axes=3)


def _unpool(block: _Convolved, d_pooled: Array) -> Array:
    """Send each pooled gradient back to the position that won its window, and through the ReLU."""
    n, rows, columns, channels = d_pooled.shape
    spread = np.zeros((*d_pooled.shape, POOL * POOL), d_pooled.dtype)
    np.put_along_axis(spread, block.winners[..., None], d_pooled[..., None], axis=-1)
    spread = spread.reshape(n, rows, columns, channels, POOL, POOL).transpose(0, 1, 4, 2, 5, 3)
    d_active = np.zeros_like(block.active)
    d_active[:, : rows * POOL, : columns * POOL] = spread.reshape(n, rows * POOL, columns * POOL, channels)
    return d_active * (block.active > 0)
