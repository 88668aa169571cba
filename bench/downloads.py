"""Files of public data sets: fetched once, resumed when cut off, believed by their hash, unpacked within bounds."""

from __future__ import annotations

import hashlib
import http.client
import io
import ssl
import sys
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import filelock
import platformdirs
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from warehouse.errors import DlpulseError
from warehouse.settings import check_address

TIMEOUT_S = 30.0
"""For the connection and for each read."""
_PIECE = 1 << 18
_DEFLATED_PIECE = 1 << 20
Show = Callable[[int], None]
"""Called with the bytes had so far."""


@dataclass(frozen=True)
class Remote:
    """A file as its publisher serves it: name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


FASHION_MNIST_ADDRESS = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
FASHION_MNIST = (
    Remote(
        "train-images-idx3-ubyte.gz",
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    Remote("train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    Remote("t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    Remote("t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)
"""Images and labels to train on, then those to test with; MIT licence (Xiao, Rasul, Vollgraf, arXiv:1708.07747)."""
FASHION_MNIST_PACKAGED = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's dataset-fashion-mnist puts the same files, without the time and name in the gzip headers."""
CIFAR10_ADDRESS = "https://www.cs.toronto.edu/~kriz"
CIFAR10 = Remote(
    "cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
)
"""The version without pickles, which would run code (Krizhevsky, Learning Multiple Layers of Features, 2009)."""


class _Missed(Exception):
    """Why a file could not be had, without saying which."""


def default_folder() -> Path:
    """Return where data sets are kept, by the platform's custom; asked when needed, not at import."""
    return Path(platformdirs.user_cache_dir("dlpulse", appauthor=False)) / "datasets"


def fetch(remote: Remote, address: str, folder: Path, *, timeout: float = TIMEOUT_S) -> Path:
    """Return the file's path in `folder`, fetched from `<address>/<name>` unless a whole one lies there.

    What a cut-off download brought is kept as `<name>.part`, and the next call goes on from there.

    Raises:
        DlpulseError: the file cannot be had, or is another than expected; nothing false is left in `folder`.
        BadInputError: the address is none.
    """
    check_address(f"the address of {remote.name}", address)
    place = folder / remote.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{place}.lock"):
            if not _is(remote, place):
                _download(remote, f"{address.rstrip('/')}/{remote.name}", place, timeout)
    except _Missed as reason:
        host = urlsplit(address).hostname
        raise DlpulseError(
            f"{remote.name} could not be had from {host}: {reason}; or put the file into {folder} yourself"
        ) from None
    except OSError as error:
        raise DlpulseError(f"{remote.name} cannot be kept in {folder}: {error.strerror or error}") from None
    return place


def gunzip(path: Path, most: int) -> bytes:
    """Return a gzip file's content of at most `most` bytes.

    Raises:
        DlpulseError: it is longer, cut off, damaged, or no gzip file.
    """
    inflate = zlib.decompressobj(wbits=31)
    content = bytearray()
    try:
        with path.open("rb") as file:
            while not inflate.eof and (piece := inflate.unconsumed_tail or file.read(_DEFLATED_PIECE)):
                content += inflate.decompress(piece, most + 1 - len(content))
                if len(content) > most:
                    raise DlpulseError(f"{path.name} unpacks to more than the {most:,} bytes it should hold")
    except zlib.error as error:
        raise DlpulseError(f"{path.name} is damaged: {error}") from None
    except OSError as error:
        raise DlpulseError(f"{path.name} cannot be read: {error.strerror or error}") from None
    if not inflate.eof:
        raise DlpulseError(f"{path.name} is damaged: it ends too early")
    return bytes(content)


def members(path: Path, names: Iterable[str], *, size: int, most: int) -> list[bytes]:
    """Return the named files of a .tar.gz, each of `size` bytes; all of it unpacks to at most `most` bytes.

    Nothing is written: what else the archive holds, whatever paths it names, is passed over.

    Raises:
        DlpulseError: a file is missing, of another size, or no plain file; or the archive is damaged.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(gunzip(path, most)), mode="r:") as archive:
            return [_member(archive, name, size) for name in names]
    except (tarfile.TarError, _Missed) as reason:
        raise DlpulseError(f"{path.name} is not the expected archive: {reason}") from None


def _member(archive: tarfile.TarFile, name: str, size: int) -> bytes:
    try:
        found = archive.getmember(name)
    except KeyError:
        raise _Missed(f"{name} is missing") from None
    content = archive.extractfile(found) if found.isreg() else None
    if content is None or found.size != size:
        raise _Missed(f"{name} is no file of {size:,} bytes")
    return content.read()


def _is(remote: Remote, place: Path) -> bool:
    """Tell whether the whole, true file lies there; its size is looked at first, as hashing takes time."""
    return place.is_file() and place.stat().st_size == remote.size and _sha256(place) == remote.sha256


def _sha256(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(remote: Remote, url: str, place: Path, timeout: float) -> None:
    part = place.with_name(f"{place.name}.part")
    print(f"fetching {remote.name} ({remote.size / 2**20:.1f} MiB) from {urlsplit(url).hostname}", file=sys.stderr)
    with _bar() as bar:
        task = bar.add_task(remote.name, total=remote.size)
        _receive(remote, url, part, timeout, lambda had: bar.update(task, completed=had))
    if (had := part.stat().st_size) < remote.size:
        raise _Missed(f"cut off after {had:,} of {remote.size:,} bytes, which are kept: call again")
    if not _is(remote, part):
        part.unlink()
        raise _Missed("its hash is not the published one; nothing was kept")
    part.replace(place)


def _bar() -> Progress:
    """Return a bar on stderr; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)


def _receive(remote: Remote, url: str, part: Path, timeout: float, show: Show) -> None:
    """Add to `part` what the server sends of the rest, at most one piece beyond the expected size."""
    had = part.stat().st_size if part.is_file() else 0
    if had >= remote.size:
        part.unlink()
        had = 0
    request = urllib.request.Request(url, headers={"User-Agent": "dlpulse", "Accept-Encoding": "identity"})
    if had:
        request.add_header("Range", f"bytes={had}-")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            # A server that knows no ranges, or whose file has changed its size, sends or starts all anew.
            goes_on = answer.headers.get("Content-Range") == f"bytes {had}-{remote.size - 1}/{remote.size}"
            rest = remote.size - had if goes_on else remote.size
            if (told := answer.headers.get("Content-Length")) not in (None, str(rest)):
                raise _Missed(f"{told} bytes were offered, {rest:,} expected: another file, or a page in its place")
            with part.open("ab" if goes_on else "wb") as file:
                _copy(answer, file, remote, show)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
        raise _Missed(f"HTTP {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _Missed(str(error.reason)) from None
    except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        raise _Missed(
            f"{type(error).__name__} after {_size(part):,} of {remote.size:,} bytes, which are kept: call again"
        ) from None


def _copy(answer: http.client.HTTPResponse, file: IO[bytes], remote: Remote, show: Show) -> None:
    while piece := answer.read1(_PIECE):
        file.write(piece)
        show(file.tell())
        if file.tell() > remote.size:
            file.truncate(0)
            raise _Missed(f"it is longer than the published {remote.size:,} bytes; nothing was kept")


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
