"""Files too large to archive: what is known of one, and its contents however it is packed. Only reductions are kept."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

from collectors.base import Stopped
from warehouse.errors import BadInputError

# A file that unpacks to more than this many times its size is a bomb, not a table of text.
MOST_EXPANSION = 200
_GZIP, _ZIP = b"\x1f\x8b", b"PK"


@dataclass(frozen=True)
class InputFile:
    """A file at `path`, called `name` (its own, or that of its address), of `size` bytes; `address` if downloaded."""

    name: str
    path: Path
    size: int
    sha256: str
    address: str | None = None

    @classmethod
    def of(cls, path: Path, address: str | None = None, stop: Callable[[], bool] = lambda: False) -> InputFile:
        """Read a file through for its SHA-256.

        Raises:
            BadInputError: it cannot be read, or is no file but a folder, a pipe or a device.
            Stopped: `stop` says so.
        """
        digest = hashlib.sha256()
        try:
            if not path.is_file():
                path.stat()
                raise BadInputError(f"{_shown(path)}: is not a file")
            with path.open("rb") as file:
                while block := file.read(2**18):
                    digest.update(block)
                    if stop():
                        raise Stopped("stopped")
            size = path.stat().st_size
        except OSError as error:
            raise BadInputError(f"{_shown(path)}: cannot be read: {error.strerror}") from None
        name = Path(urlsplit(address).path).name if address else path.name
        return cls(_shown(name), path, size, digest.hexdigest(), address)

    @property
    def params(self) -> dict[str, Any]:
        """What is archived of the file beside what was read out of it."""
        return {"file": self.name, "bytes": self.size, "sha256": self.sha256}


def _shown(name: Path | str) -> str:
    """The name in one line, whatever characters it has."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(name)) or "the file without a name"


@contextmanager
def unpacked(file: InputFile, member: str = "") -> Iterator[IO[bytes]]:
    """Open the contents: of a gzip file, of a zip archive's one file whose name ends in `member`, else as they are.

    Raises:
        BadInputError: the archive is damaged, holds no such file or several, or unpacks to a bomb.
    """
    try:
        with file.path.open("rb") as raw:
            head = raw.read(4)
            raw.seek(0)
            if head.startswith(_GZIP):
                with gzip.open(raw) as content:
                    yield cast(IO[bytes], io.BufferedReader(_Bounded(cast(IO[bytes], content), file), 2**16))
            elif head[:2] == _ZIP:
                with zipfile.ZipFile(raw) as archive, archive.open(_member(archive, member, file)) as content:
                    yield cast(IO[bytes], io.BufferedReader(_Bounded(content, file), 2**16))
            else:
                yield raw
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadInputError(f"{file.name}: is damaged or cut short: {error}") from None


def _member(archive: zipfile.ZipFile, ending: str, file: InputFile) -> zipfile.ZipInfo:
    found = [
        one
        for one in archive.infolist()
        if not one.is_dir() and one.filename.lower().endswith(ending.lower()) and "__MACOSX" not in one.filename
    ]
    if len(found) != 1:
        what = f"a file named *{ending}" if ending else "one file"
        raise BadInputError(f"{file.name}: expected {what} in the zip archive, found {len(found)}")
    return found[0]


class _Bounded(io.RawIOBase):
    """Reads what a packed file holds, and ends a bomb when it has grown MOST_EXPANSION times."""

    def __init__(self, content: IO[bytes], file: InputFile) -> None:
        self._content, self._file = content, file
        self._rest = MOST_EXPANSION * max(file.size, 2**12)

    def readable(self) -> bool:
        """As io asks for."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; raises BadInputError past the limit."""
        data = self._content.read(len(buffer))
        buffer[: len(data)] = data
        self._rest -= len(data)
        if self._rest < 0:
            raise BadInputError(f"{self._file.name}: unpacks to more than {MOST_EXPANSION} times its size: refused")
        return len(data)
