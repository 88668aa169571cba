"""Writes docs/queries.md: every worked query with its result on real figures. `python -m tests.docs_queries --help`.

Real are the cited figures, the recorded data beside the checkout (../shared/data), and a benchmark of this machine. No
number of the test world gets here.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from tests.conftest import ROOT, environment
from tests.world.arxiv import ArXiv
from tests.world.corpus import CATEGORIES, recorded
from tests.world.reply import Request
from warehouse import cited, queries, registry
from warehouse.build import build
from warehouse.raw import Archive
from warehouse.settings import Settings

PAGE = ROOT / "docs" / "queries.md"
SHARED = ROOT.parent / "shared" / "data"
# The recorded data were read on this day; nothing else of the page depends on a clock but the benchmark.
READ_ON = date(2026, 11, 23)
MOST_ROWS = 60
BENCHMARKED = ("framework_overhead", "popularity_and_speed", "speed_by_release")
_FILES = "https://raw.githubusercontent.com/EvanLi/Github-Ranking/master/Data/github-ranking-{}.csv"
_ADDRESSES = {"EvanLi": _FILES, "mbadry1": "https://github.com/mbadry1/Top-Deep-Learning"}
_PAPERS = "https://github.com/staeiou/arxiv_archive"
_IDS = {"Torch7": "torch7"}

INTRODUCTION = """# Worked queries

Each is one file in `warehouse/queries`, to be read, run, and changed:

```sh
dlpulse sql --queries                       # lists them
dlpulse sql --query momentum                # runs one; --format csv, json, md, parquet
dlpulse sql -f my_copy_of_momentum.sql      # runs yours
```

Any DuckDB from 1.5 on runs them on `dlpulse.duckdb` as well. Each file begins with its question, how to read the
answer, and what it cannot tell. A gap stays a gap in all of them: what was not collected has no row or is NULL, never
zero. Parts of a year are marked; kinds of stars are never put on one line.

## What the results below are made of

Real figures only, as of {read_on}, and few of them: no collection ran for this page.

* The figures cited in `warehouse/facts`.
* {counts} more star counts that EvanLi/Github-Ranking and mbadry1/Top-Deep-Learning (both MIT) published on single days
  of 2018 to 2026, one a month and publisher, put in as cited figures. Publishers with rounded counts are left out.
* {papers} papers of 2014 to 2017 from arXiv's metadata (CC0, by way of staeiou/arxiv_archive): those of a sample, drawn
  because a framework's name stands in them, that lie in the six categories and hold a phrase that dlpulse asks for.
  They are not all papers of these years, so no month counts as asked.
* A benchmark run on one machine:
  {machine}.

Where that leaves a result empty or thin, the text above the result says so. After `dlpulse collect` the same queries
give more. `python -m tests.docs_queries` writes this page again; it needs the recorded data beside the checkout.
"""

# What a reader must know of a result on these figures; a query whose result is empty needs one.
NOTES = {
    "age": "Before 2018 hardly any count was read off, so the first years of the older frameworks are gaps.",
    "co_mentions": "Of the sample: it shows which names stood together in 2014 to 2017, not how often in all of arXiv.",
    "downloads_per_star": "Downloads were not collected for this page, so the places are unknown.",
    "framework_overhead": "Empty: the run measured no peak of the machine.",
    "framework_share": "Empty: no month of arXiv was asked to its end for this page, so no share has a base.",
    "half_life": "From counts a month apart, most of them since December 2018: the peaks may lie before.",
    "keras_and_tensorflow": "Of the sample: months_asked is 0, so these are the papers at hand and no year's count.",
    "known_then": "Empty: everything here was read on one day, and nothing was known a week before it.",
    "momentum": "From observed counts a month apart.",
    "paper_share": "Only the published full-text figures; titles and abstracts were not counted for this page.",
    "popularity_and_speed": "From three launches of each engine on a machine with other work; papers were not counted.",
    "releases": "Empty: GitHub's lists of releases were not collected for this page.",
    "speed_by_release": "One version of each library; the days of releases were not collected for this page.",
    "star_kinds": "Empty: only observed counts are at hand; retained and gross ones come with a collection.",
}


def write_facts(shared: Path, folder: Path) -> int:
    """Copy the cited facts to `folder` and add the recorded star counts that they lack; return how many were added."""
    shutil.copytree(cited.FOLDER, folder)
    shipped = {
        (fact.values["repo_id"], fact.values["day"], fact.values["source"])
        for fact in cited.facts()
        if fact.table == "stars"
    }
    repos = {one.id: one.repositories[0].name for one in _registry(folder).frameworks.values()}
    added = 0
    with (folder / "stars.csv").open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        for row in _recorded_counts(shared):
            framework = _IDS.get(row["framework"], row["framework"].lower())
            key = repos[framework], date.fromisoformat(row["date"]), row["source"]
            if key not in shipped:
                address = _ADDRESSES[row["source"]].format(row["date"])
                rows.writerow(
                    [framework, key[0], row["date"], row["stars"], "", row["source"], address, "MIT", READ_ON]
                )
                added += 1
    return added


def _recorded_counts(shared: Path) -> Iterator[dict[str, str]]:
    with (shared / "stars" / "observed_monthly.csv").open(encoding="utf-8", newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["source"] in _ADDRESSES)


def write_papers(shared: Path, settings: Settings) -> int:
    """Archive the recorded papers of the six categories as one answer in arXiv's form; return how many there are."""
    noon = datetime.combine(READ_ON, datetime.min.time()).replace(hour=12)
    corpus = shared / "arxiv" / "mentions-2014-2017.jsonl.gz"
    arxiv = ArXiv(noon, corpus)
    arxiv.papers = recorded(corpus)
    query = " OR ".join(f"cat:{category}" for category in CATEGORIES)
    # The answer to a question with phrases holds papers alone; each of these names has at least one of them.
    phrases = " OR ".join(
        f'{field}:"{phrase}"'
        for framework in _registry(settings.home).frameworks.values()
        for phrase in framework.arxiv_query
        for field in ("ti", "abs")
    )
    question = f"({query}) AND ({phrases})"
    page = arxiv.reply(Request("/api/query", {"search_query": question, "max_results": "2000"}, {}))
    with Archive(settings.raw).start("papers", lambda: noon) as run:
        run.write("window:2014..2017", page.body, url=_PAPERS, params={"kind": "window"}, status=page.status)
    return len(arxiv.find(question))


def _registry(folder: Path) -> registry.Registry:
    return registry.load(Settings(home=folder, raw=folder, registry_file=registry.SHIPPED))


def build_home(shared: Path, home: Path, bench: Path | None = None) -> tuple[Path, dict[str, Any]]:
    """Build a database of the real figures, with the runs of the raw archive `bench` if given; return what it holds."""
    settings = Settings(home=home, raw=home / "raw", registry_file=registry.SHIPPED)
    counts = write_facts(shared, home / "facts")
    papers = write_papers(shared, settings)
    if bench:
        shutil.copytree(bench / "source=bench", settings.raw / "source=bench")
    with patch.object(cited, "facts", partial(cited.facts, home / "facts")):
        build(settings, registry.load(settings))
    return settings.database, {"counts": counts, "papers": papers, "read_on": READ_ON}


def page(database: Path, benchmarked: Path, base: dict[str, Any]) -> str:
    """Return the page: every query with its result on `database`, that of the benchmark on `benchmarked`."""
    known = queries.load()
    contents = "\n".join(f"* [{query.name}](#{query.name}): {query.title}" for query in known)
    told = textwrap.fill(machine(benchmarked), 118, subsequent_indent="  ", break_on_hyphens=False)
    intro = INTRODUCTION.format(machine=told, **base)
    sections = [section(query, benchmarked if query.name in BENCHMARKED else database) for query in known]
    return "\n".join([intro, "## The queries\n", contents + "\n", *sections])


def section(query: queries.WorkedQuery, database: Path) -> str:
    """Return one query's part of the page."""
    with duckdb.connect(str(database), read_only=True) as connection:
        cursor = connection.execute(query.sql)
        columns, rows = [column[0] for column in cursor.description or ()], cursor.fetchall()
    if not rows and not NOTES.get(query.name, "").startswith("Empty: "):
        raise SystemExit(f"{query.name}: the result is empty; say why in NOTES")
    parts = [f"### {query.name}", query.question, f"```sql\n{query.sql.rstrip()}\n```"]
    parts += [f"Result. {NOTES[query.name]}" if query.name in NOTES else "Result:"]
    parts += [markdown(columns, rows)] if rows else []
    return "\n\n".join(parts) + "\n"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return the first rows as a Markdown table, and how many more there are; NULL stands for what is not known."""
    kinds = [{type(row[n]) for row in rows} - {type(None)} for n in range(len(columns))]
    numeric = [bool(kind) and kind <= {int, float} for kind in kinds]
    lines = [columns, ["---:" if one else "---" for one in numeric], *([_cell(cell) for cell in row] for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines[: MOST_ROWS + 2])
    more = len(rows) - MOST_ROWS
    return table + (f"\n\n{more} more rows." if more > 0 else "")


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value).replace("|", "\\|")


def machine(database: Path) -> str:
    """Return the newest benchmark's machine, versions and day."""
    asked = """
        select
            concat_ws(', ', cpu, cores || ' cores', coalesce(gpu, 'no GPU'), round(memory_gib)::integer || ' GiB'),
            os,
            python,
            dim_devices.versions,
            max(started_at)::date,
            count(distinct trial_id)
        from fct_bench_trials
        inner join dim_devices using (device_id)
        group by all
        order by max(started_at) desc
        limit 1
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(asked).fetchone()
    if found is None:
        raise SystemExit("the benchmark left no result")
    hardware, system, python, versions, day, trials = found
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return f"{hardware}; {system}, Python {python}, {libraries}; {trials} launches on {day}"


def benchmark(home: Path) -> Path:
    """Benchmark this machine quickly; return the raw archive."""
    subprocess.run([sys.executable, "-m", "dlpulse", "bench", "run", "--quick"], env=environment(home), check=True)
    return home / "raw"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description="Write docs/queries.md from real figures.")
    parser.add_argument(
        "--bench", type=Path, metavar="RAW", help="a raw archive with a benchmark; without it, one runs"
    )
    parser.add_argument("--shared", type=Path, default=SHARED, help="the recorded data")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        raw = given.bench or benchmark(work / "bench")
        database, base = build_home(given.shared, work / "home")
        benchmarked, _ = build_home(given.shared, work / "benchmarked", raw)
        PAGE.write_text(page(database, benchmarked, base), "utf-8")
    print(f"wrote {os.path.relpath(PAGE)}")


if __name__ == "__main__":
    main()
