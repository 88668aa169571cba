"""Archives of other versions: what the first landed dlpulse wrote (f4dc19e) is read as ever, a newer one refused.

first_format/ is what that version's `dlpulse collect stars` kept of Chainer and JAX in the test world, in two runs.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Dlpulse
from warehouse import rawfile, rawparts
from warehouse.compaction import compact
from warehouse.raw import RUN_START, Archive

FIRST = Path(__file__).with_name("first_format")
DAYS = """
select repo_id, count(*), sum(stars_added), max(stars)
from fct_stars where estimator = 'retained' group by repo_id order by repo_id
"""


def test_the_archive_of_the_first_version_is_verified_compacted_and_built(dlpulse: Dlpulse, tmp_path: Path) -> None:
    raw = tmp_path / "home" / "raw"
    shutil.copytree(FIRST, raw)
    assert dlpulse("raw", "verify").returncode == 0
    compacted = dlpulse("raw", "compact", DLPULSE_NOW="2026-12-01T00:00:00")
    assert (compacted.returncode, len(list(raw.rglob("*.parquet")))) == (0, 1), compacted.stderr
    assert dlpulse("build").returncode == 0
    with duckdb.connect(str(tmp_path / "home" / "dlpulse.duckdb"), read_only=True) as published:
        assert published.execute(DAYS).fetchall() == [
            ("chainer/chainer", 4113, 5900, 5900),
            ("jax-ml/jax", 2832, 35000, 35000),
        ]
        assert published.execute("select requests, rows from meta_runs order by requests").fetchall() == [
            (2, 210),
            (36, 6951),
        ]


COMMANDS = [("build",), ("collect", "stars", "--due"), ("status",), ("raw", "verify"), ("raw", "compact")]


@pytest.mark.parametrize(
    ("form", "command"), [*(("merged", one) for one in COMMANDS), ("killed", ("build",)), ("compacted", ("build",))]
)
def test_an_archive_of_a_newer_version_is_refused_in_one_line(
    dlpulse: Dlpulse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, command: tuple[str, ...]
) -> None:
    raw = tmp_path / "home" / "raw"
    with monkeypatch.context() as newer:
        newer.setattr(rawfile, "FORMAT_VERSION", 2)
        newer.setattr(rawparts.Response, "__init__", _as_format_2(rawparts.Response.__init__))
        for day in (1, 2):
            run = Archive(raw).start("stars", lambda day=day: datetime(2026, 10, day), frameworks=[])
            run.note(RUN_START, {"frameworks": []})
            run.write("keras-team/keras", b"{}", status=200)
            if form != "killed":
                run.__exit__(None, None, None)
        if form == "compacted":
            assert compact(Archive(raw), "stars", datetime(2026, 12, 1), lambda _: None).faults == []
    before = {part: part.read_bytes() for part in raw.rglob("*.parquet")}
    assert len(before) == {"merged": 2, "killed": 4, "compacted": 1}[form]
    told = dlpulse(*command, DLPULSE_NOW="2026-12-01T00:00:00")
    assert told.returncode == 1
    line = "was written by a newer dlpulse (format 2 of the archive, and this one knows 1): upgrade this one"
    assert line in told.stderr + told.stdout
    assert "Traceback" not in told.stderr
    assert {part: part.read_bytes() for part in raw.rglob("*.parquet")} == before


def _as_format_2(init):
    return lambda self, **fields: init(self, **{"format_version": 2, **fields})
