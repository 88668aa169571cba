"""The data sets a trial can train on, at the network's 32x32x3: bundled, made up, packaged or downloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from bench.network import CLASSES, INPUT_SHAPE
from warehouse.errors import BadInputError, DlpulseError, nearest

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
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

    @cached_property
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


@dataclass(frozen=True)
class _Where:
    """Where downloads are kept and where they come from; None for the usual places."""

    cache: Path | None
    address: str | None


class _Raw(NamedTuple):
    """A data set as its files hold it, a quarter of the memory; `convert` makes images of what is chosen of it."""

    train_images: npt.NDArray[Any]
    train_labels: npt.NDArray[Any]
    test_images: npt.NDArray[Any]
    test_labels: npt.NDArray[Any]
    convert: Callable[[npt.NDArray[Any]], Images] = np.ascontiguousarray


def load(name: str, *, cache: Path | None = None, limit: int | None = None, address: str | None = None) -> Dataset:
    """Return a data set by name.

    Downloads are kept in the folder `cache` (None: the user's cache folder) and come from `address` (None: the
    publisher's), hashes checked either way. With `limit`, only that many training images are used, and the name says
    so (`fashion-mnist-6000`): results on it are another thing.

    Raises:
        BadInputError: for an unknown name; names the nearest. Also for a limit below 1 and an address that is none.
        DlpulseError: when the package or the files that bring the data cannot be had, or are damaged.
    """
    if name not in _LOADERS:
        raise BadInputError(f"unknown data set {name!r}{nearest(name, _LOADERS)}")
    if limit is not None and limit < 1:
        raise BadInputError(f"a data set limited to {limit} images has nothing to train on: expected 1 or more")
    whole = _LOADERS[name](_Where(cache, address))
    told = name if limit is None or limit >= len(whole.train_labels) else f"{name}-{limit}"
    return Dataset(
        told,
        name != "synthetic",
        whole.convert(whole.train_images[:limit]),
        whole.train_labels[:limit].astype(np.int64),
        whole.convert(whole.test_images),
        whole.test_labels.astype(np.int64),
    )


def _digits(_: _Where) -> _Raw:
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
    return _Raw(images[train], targets[train], images[test], targets[test])


def _synthetic(_: _Where) -> _Raw:
    """Uniform noise with random labels: for throughput only, never for an accuracy."""
    generator = np.random.default_rng(_SPLIT_SEED)

    def draw(count: int) -> tuple[Images, Labels]:
        images = generator.random((count, *INPUT_SHAPE), dtype=np.float32)
        return images, generator.integers(0, CLASSES, count, dtype=np.int64)

    return _Raw(*draw(1408), *draw(256))


def _fashion_mnist(where: _Where) -> _Raw:
    """Zalando's 60,000 + 10,000 pictures of clothes, 28x28 grey, with a dark border of 2 to 32x32."""
    from bench import downloads

    packaged = downloads.FASHION_MNIST_PACKAGED
    remotes = downloads.FASHION_MNIST
    if where.address is None and all((packaged / remote.name).is_file() for remote in remotes):
        paths = [packaged / remote.name for remote in remotes]
    else:
        folder = (where.cache or downloads.default_folder()) / "fashion-mnist"
        address = where.address or downloads.FASHION_MNIST_ADDRESS
        paths = [downloads.fetch(remote, address, folder) for remote in remotes]
    train_images, train_labels, test_images, test_labels = (
        read_idx(path, shape) for path, shape in zip(paths, _FASHION_SHAPES, strict=True)
    )
    return _Raw(train_images, train_labels, test_images, test_labels, grey_images)


def read_idx(path: Path, shape: tuple[int, ...]) -> Bytes:
    """Return a gzipped IDX file's bytes in the given shape, as MNIST's page describes the format.

    Raises:
        DlpulseError: it is damaged, or holds another shape.
    """
    from bench.downloads import gunzip

    header = b"".join(number.to_bytes(4, "big") for number in (0x0800 + len(shape), *shape))
    content = gunzip(path, len(header) + prod(shape))
    if not content.startswith(header) or len(content) != len(header) + prod(shape):
        raise DlpulseError(f"{path.name} is no IDX file of bytes in the shape {shape}")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def grey_images(small: Bytes) -> Images:
    """Return (n, 28, 28) bytes as (n, 32, 32, 3) in 0..1: a border of zeros, three equal channels."""
    border = (INPUT_SHAPE[0] - small.shape[1]) // 2
    padded = np.pad(small, ((0, 0), (border, border), (border, border)))
    return np.repeat((padded.astype(np.float32) / np.float32(255))[..., None], INPUT_SHAPE[2], axis=3)


def _cifar10(where: _Where) -> _Raw:
    """The 50,000 + 10,000 small photographs of the article's shape, 32x32 in colour."""
    from bench import downloads

    folder = (where.cache or downloads.default_folder()) / "cifar10"
    archive = downloads.fetch(downloads.CIFAR10, where.address or downloads.CIFAR10_ADDRESS, folder)
    size = _CIFAR_RECORDS * (1 + prod(INPUT_SHAPE))
    # 512 bytes of header for each file, and some pages of text, lie between the pictures.
    files = downloads.members(archive, _CIFAR_FILES, size=size, most=len(_CIFAR_FILES) * size + 2**20)
    *training, test = (read_records(content) for content in files)
    images, labels = (np.concatenate(parts) for parts in zip(*training, strict=True))
    return _Raw(images, labels, *test, convert=colour_images)


def read_records(content: bytes) -> tuple[Bytes, Bytes]:
    """Return the planes (n, 3, 32, 32), red, green and blue, and the labels (n,) of one CIFAR-10 file."""
    height, width, channels = INPUT_SHAPE
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + prod(INPUT_SHAPE))
    return records[:, 1:].reshape(-1, channels, height, width), records[:, 0]


def colour_images(planes: Bytes) -> Images:
    """Return (n, 3, 32, 32) bytes as (n, 32, 32, 3) in 0..1."""
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1), np.float32) / np.float32(255)


_FASHION_SHAPES = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))
_CIFAR_RECORDS = 10_000
_CIFAR_FILES = [
    f"cifar-10-batches-bin/{name}.bin" for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
]
_LOADERS: dict[str, Callable[[_Where], _Raw]] = {
    "digits": _digits,
    "synthetic": _synthetic,
    "fashion-mnist": _fashion_mnist,
    "cifar10": _cifar10,
}
NAMES = tuple(_LOADERS)
