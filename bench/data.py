"""The data sets a trial can train on, at the network's 32x32x3. No network: `digits` comes with scikit-learn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from bench.network import CLASSES, INPUT_SHAPE
from warehouse.errors import BadInputError, DlpulseError, nearest

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
_ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
_SPLIT_SEED = 2018


@dataclass(frozen=True)
class Dataset:
    """Images (n, 32, 32, 3) float32 in 0..1 and labels (n,) int64 in 0..9.

    `learnable` where an accuracy means anything.
    """

    name: str
    learnable: bool
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels

    @property
    def sha256(self) -> str:
        """The hash over all four arrays' bytes: which data exactly a trial trained on."""
        digest = hashlib.sha256()
        for name in _ARRAYS:
            digest.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write the data for worker processes, which need no scikit-learn then."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        np.savez(path, name=np.array(self.name), learnable=np.array(self.learnable), **arrays)


def read(path: Path) -> Dataset:
    """Read what `Dataset.save` wrote."""
    with np.load(path) as file:
        return Dataset(str(file["name"]), bool(file["learnable"]), **{name: file[name] for name in _ARRAYS})


def load(name: str) -> Dataset:
    """Return a data set by name.

    Raises:
        BadInputError: for an unknown name; names the nearest.
        DlpulseError: when the package that brings the data is not installed.
    """
    if name not in _LOADERS:
        raise BadInputError(f"unknown data set {name!r}{nearest(name, _LOADERS)}")
    return _LOADERS[name]()


def _digits() -> Dataset:
    """Scikit-learn's 1,797 handwritten 8x8 digits, upsampled by linear interpolation; 1,437 to train, 360 to test.

    Repeated pixels would be plainer, but equal neighbours tie in the max-pool: rounding then steers the gradient.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DlpulseError("the digits data set needs scikit-learn: pip install 'dlpulse[bench]'") from None
    pixels, labels = cast(tuple[Images, Labels], load_digits(return_X_y=True))
    small = np.asarray(pixels, np.float64).reshape(-1, 8, 8) / 16.0
    side = INPUT_SHAPE[0]
    ruler = np.linspace(0.0, 7.0, side)
    stretch = np.stack([np.interp(ruler, np.arange(8.0), row) for row in np.eye(8)], axis=1)
    grey = (stretch @ small @ stretch.T).astype(np.float32)
    images = np.repeat(grey[..., None], INPUT_SHAPE[2], axis=3)
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(images))
    train, test = order[:1437], order[1437:]
    targets = np.asarray(labels, np.int64)
    return Dataset("digits", True, images[train], targets[train], images[test], targets[test])


def _synthetic() -> Dataset:
    """Uniform noise with random labels: for throughput only, never for an accuracy."""
    generator = np.random.default_rng(_SPLIT_SEED)

    def draw(count: int) -> tuple[Images, Labels]:
        images = generator.random((count, *INPUT_SHAPE), dtype=np.float32)
        return images, generator.integers(0, CLASSES, count, dtype=np.int64)

    (train_images, train_labels), (test_images, test_labels) = draw(1408), draw(256)
    return Dataset("synthetic", False, train_images, train_labels, test_images, test_labels)


_LOADERS: dict[str, Callable[[], Dataset]] = {"digits": _digits, "synthetic": _synthetic}
NAMES = tuple(_LOADERS)
