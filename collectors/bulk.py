"""Files too large to archive: what is known of one, and its contents however it is packed. Only reductions are kept."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

from warehouse.errors import BadInputError

# A file that unpacks to more than this many times its size is a bomb, not a table of text.
MOST_EXPANSION = 200
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


@dataclass(frozen=True)
class InputFile:
    """A file at `path`, called `name` (its own, or that of its address), of `size` bytes; `address` if downloaded."""

    name: str
    path: Path
    size: int
    sha256: str
    address: str | None = None

    @classmethod
    def of(cls, path: Path, address: str | None = None) -> InputFile:
        """Read a file through for its SHA-256.

        Raises:
            BadInputError: it cannot be read.
        """
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = path.stat().st_size
        except OSError as error:
            raise BadInputError(f"{path}: cannot be read: {error.strerror}") from None
        name = Path(urlsplit(address).path).name if address else path.name
        return cls(name, path, size, digest, address)

    @property
    def params(self) -> dict[str, Any]:
        """What is archived of the file beside what was read out of it."""
        return {"file": self.name, "bytes": self.size, "sha256": self.sha256}


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
                    yield cast(IO[bytes], content)
            elif head == _ZIP:
                with zipfile.ZipFile(raw) as archive, archive.open(_member(archive, member, file)) as content:
                    yield content
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
    if found[0].file_size > MOST_EXPANSION * max(1, found[0].compress_size):
        raise BadInputError(f"{file.name}: {found[0].filename} unpacks to {MOST_EXPANSION} times its size: refused")
    return found[0]
