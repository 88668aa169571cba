"""conda's monthly download files, generated Parquet: a row per source, package, version, platform and Python."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from tests.world.refusals import storage
from tests.world.reply import Reply, Request
from warehouse.registry import Framework

FIRST = date(2017, 4, 1)
SOURCES, PLATFORMS, PYTHONS = ("anaconda", "conda-forge"), ("linux-64", "osx-64", "win-64"), ("3.6", "3.10", "")
LEVELS = {"tensorflow": 900, "pytorch": 1_500, "keras": 700, "jax": 300, "theano": 400}
# Names that begin like ours, and one that has nothing to do with them.
FILLER = ("keras-applications", "pytorch-cpu", "tensorflow-base", "numpy")
_FILE = re.compile(r"/monthly/(\d{4})/(\d{4}-\d\d)\.parquet")


class Conda:
    """Files from 2017-04 to the last whole month before `now` (UTC without zone); a test may add to `packages`."""

    def __init__(self, now: datetime, frameworks: Iterable[Framework]) -> None:
        self.now = now
        self.packages = {name: framework.first_released_on for framework in frameworks for name in framework.conda}
        self._files: dict[tuple[date, int], bytes] = {}

    def at(self, now: datetime) -> None:
        """Move the clock."""
        self.now = now

    def reply(self, request: Request) -> Reply:
        """Answer GET; storage refuses what is not there with 403, as S3 does to those who may not list."""
        match = _FILE.fullmatch(request.path)
        if match is None or match[1] != match[2][:4] or not "01" <= match[2][5:] <= "12":
            return storage(403)
        month = date.fromisoformat(f"{match[2]}-01")
        if not FIRST <= month < self.now.date().replace(day=1):
            return storage(403)
        key = month, len(self.packages)
        if key not in self._files:
            self._files[key] = self._file(month)
        return Reply(200, self._files[key], {"Content-Type": "binary/octet-stream"})

    def truth(self, month: date) -> dict[str, int]:
        """Return a month's downloads by package, all sources, versions and platforms added up."""
        totals: dict[str, int] = {}
        for row in self._rows(month):
            totals[row[2]] = totals.get(row[2], 0) + row[6]
        return totals

    def _rows(self, month: date) -> Iterator[tuple[str, str, str, str, str, str, int]]:
        names = [name for name, first in self.packages.items() if first < month + timedelta(days=31)]
        for name in sorted((*names, *FILLER)):
            for source in SOURCES:
                for version, platform in (("1.0.0", PLATFORMS[0]), ("1.0.0", PLATFORMS[1]), ("2.1.0", PLATFORMS[2])):
                    for python in PYTHONS:
                        counts = _counts(name, f"{source} {version} {platform} {python}", month)
                        yield source, f"{month:%Y-%m}", name, version, platform, python, counts

    def _file(self, month: date) -> bytes:
        import pyarrow
        import pyarrow.parquet

        columns = list(zip(*self._rows(month), strict=True))
        names = ("data_source", "time", "pkg_name", "pkg_version", "pkg_platform", "pkg_python", "counts")
        arrays = [pyarrow.array(column, pyarrow.string()).dictionary_encode() for column in columns[:6]]
        counts = pyarrow.array(columns[6], pyarrow.int64())
        file = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table([*arrays, counts], names=names), file)
        return file.getvalue()


def _counts(name: str, rest: str, month: date) -> int:
    months = (month.year - FIRST.year) * 12 + month.month - FIRST.month
    return LEVELS.get(name, 20) * (10 + months) // 10 + zlib.crc32(f"{name} {rest}".encode()) % 17
