"""Writes docs/benchmarks.md from a stored run: `python -m tests.docs_benchmarks RAW [RUN]`.

RAW is a raw archive's folder; RUN a run's id or its beginning, the newest unless told. What people wrote between the
page's two markers stays as it is.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from bench import circumstances, headline, results, show
from bench.engines import ARTICLE, ENGINES
from bench.results import Measured, Program, Result, RunResults, Setting
from tests.conftest import ROOT
from warehouse import statistics, summaries
from warehouse.errors import DlpulseError
from warehouse.raw import Archive

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- what it taught: written by hand from here -->", "<!-- to here -->"
_PHASES = ("training", "inference")
_REFERENCE = ARTICLE[1]
_PARTS = (
    *(f"float64_{part}" for part in ("logits", "loss", "gradients", "weights")),
    *(f"float32_{part}" for part in ("logits", "probabilities", "loss", "gradients")),
)
# Of each: heading, phase, metric, batch size (None: the main one).
_ONES = (
    ("cores used", "training", "cores_used", None),
    ("p50 ms", "inference", "latency_p50_ms", 1),
    ("p95 ms", "inference", "latency_p95_ms", 1),
    ("first step s", "setup", "first_step_s", None),
    ("import s", "setup", "import_s", None),
    ("compile s", "setup", "compile_s", None),
    ("RSS MiB", "setup", "rss_mib", None),
)
Cells = dict[str, Any]
Controls = Mapping[tuple[Setting, Measured], statistics.Ratio]

INTRODUCTION = """# A benchmark, whole

One run of `dlpulse bench run` on one machine, as stored: what was proved, what was measured, how sure it is. Every word
is explained in [how to read a benchmark result](bench-reading.md). It holds for this machine and these versions; your
own is one command away. `python -m tests.docs_benchmarks RAW [RUN]` writes this page again from a raw archive."""


def page(run: RunResults, before: str = "") -> str:
    """Return the page of a run; what stands between the markers of the page `before` is kept.

    Raises:
        DlpulseError: when that page has not both markers, since its hand-written part would be lost.
    """
    parts = [INTRODUCTION, "## Circumstances", *_circumstances(run), "## What was proved", _proofs(run)]
    found = run.results()
    controls = run.controls_over_twins()
    for setting in sorted({one.setting for one in found if one.metric == "images_per_s"}):
        parts += _setting(run, [one for one in found if one.setting == setting], setting, controls)
    for title, table in (
        ("Time to accuracy", show.learning_table(run, wide=True)),
        ("What this machine can do", show.bounds_table(run)),
    ):
        if table.row_count:
            parts += [f"## {title}", *([_title(table)] if title == "Time to accuracy" else []), markdown(table)]
    parts += _code(found)
    parts.append(show.LEGEND[0].upper() + show.LEGEND[1:] + ".")
    parts += [f"* no result: {why}" for why in dict.fromkeys(run.failed)]
    return "\n\n".join([*parts, "## What it taught", BEGIN + _by_hand(before) + END]) + "\n"


def markdown(table: Table) -> str:
    """Return a table made for a terminal as Markdown."""
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    names = [_plain(column.header) or " " * number for number, column in enumerate(table.columns, 1)]
    return _table([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])


def _plain(cell: Any) -> str:
    return Text.from_markup(str(cell)).plain.replace("\n", " ")


def _title(table: Table) -> str:
    return f"{_plain(table.title)}. A target is the accuracy that 9 of 10 seeds of every program reach by epoch 10."


def _table(rows: Sequence[Cells]) -> str:
    return show.written(rows, "md").rstrip()


def _by_hand(before: str) -> str:
    if not before:
        return "\n"
    if not (before.count(BEGIN) == before.count(END) == 1 and before.index(BEGIN) < before.index(END)):
        raise DlpulseError(f"{PAGE.name} lacks its markers, so its part written by hand cannot be told: {BEGIN} {END}")
    return before[before.index(BEGIN) + len(BEGIN) : before.index(END)]


def _circumstances(run: RunResults) -> Iterator[str]:
    yield "\n".join(f"* **{about}**: {text}" for about, text in circumstances.lines(run))
    if any(one["device"] != "cpu" for one in run.trials):
        yield show.LAUNCH_BOUND


def _proofs(run: RunResults) -> str:
    """Return each proof's largest differences from the numpy reference, and below them every fault."""
    rows, faults = [], []
    for key, proof in sorted(run.proofs.items()):
        figures = json.loads(proof["figures"])
        program = " ".join(word for word in (key.engine, key.mode, f"[{key.stack}]" if key.stack else "") if word)
        differences = {part.replace("_", " "): f"{figures[part]:.1e}" if figures.get(part) is not None else ""
                       for part in _PARTS}  # fmt: skip
        proved = "yes" if proof["proved"] else "NO"
        rows.append({"program": program, "track": key.track, "tuning": key.tuning, "proved": proved, **differences})
        faults += [f"* {program}, {key.track}, {key.tuning}: {fault}" for fault in proof["faults"]]
    told = "The largest differences from a numpy network in float64. What is not proved is in no comparison."
    return "\n\n".join([told, _table(_filled(rows)), *(["\n".join(faults)] if faults else [])])


def _setting(run: RunResults, own: Sequence[Result], setting: Setting, controls: Controls) -> Iterator[str]:
    """Yield one setting's title, sentence, tables and ratios."""
    sizes = sorted({one.batch_size for one in own if one.metric == "images_per_s"})
    size = show.MAIN_BATCH if show.MAIN_BATCH in sizes else sizes[-1]
    measured = Measured("training", "images_per_s", size)
    ranked = results.best(own, measured)
    by_program = {one.program: {each.measured: each for each in own if each.program == one.program} for one in ranked}
    place = f"{setting.device}, {setting.threads} threads, {setting.precision}, {setting.dataset}"
    yield f"## Track {setting.track}, tuning {setting.tuning} ({place})"
    yield f"Training at batch {size}: {headline.for_setting(own, measured, controls)}"
    yield f"At batch {size}, latencies at batch 1:"
    yield _table(_filled([_main(program, found, size) for program, found in by_program.items()]))
    if len(sizes) > 1:
        others = {one.n for one in own if one.metric == "images_per_s" and one.batch_size != size}
        told = f" ({min(others)} launches of the others than {size})" if others != {ranked[0].n} else ""
        yield f"Images/s at each batch size{told}:"
        yield _table(_filled([_sizes(program, found, sizes) for program, found in by_program.items()]))
    if ratios := list(_ratios(run, own, size, controls)):
        yield f"Ratios at batch {size}, over {_REFERENCE} where it is there; Holm's p heeds all pairs of the table:"
        yield _table(ratios)


def _main(program: Program, found: dict[Measured, Result], size: int) -> Cells:
    """Return a program's row at the main batch size."""
    speed = found[Measured("training", "images_per_s", size)]
    share = found.get(Measured("training", "share_of_peak", size))
    low, high = (speed.ci_low, speed.ci_high) if speed.ci_low is not None else (min(speed.values), max(speed.values))
    kind = "" if speed.ci_low is not None else " (range)"
    ones = {
        heading: show.median(found.get(Measured(phase, metric, batch or size)))
        for heading, phase, metric, batch in _ONES
    }
    return {
        "program": _name(program, speed),
        "training images/s": show.median(speed),
        "95 % interval": f"{show.number(low)}–{show.number(high or low)}{kind}",
        "n": speed.n,
        "noise": "" if not speed.noisy else "noisy" if speed.rankable else "not to be ranked",
        "inference images/s": show.median(found.get(Measured("inference", "images_per_s", size))),
        "% of peak": f"{share.median:.1%}"[:-1] if share else "",
        **ones,
    }


def _sizes(program: Program, found: dict[Measured, Result], sizes: Sequence[int]) -> Cells:
    speeds = {
        f"{phase}, {size}": show.median(found.get(Measured(phase, "images_per_s", size)))
        for phase in _PHASES
        for size in sizes
    }
    return {"program": _name(program, next(iter(found.values()))), **speeds}


def _name(program: Program, one: Result) -> str:
    return headline.name(program) + ("" if one.parity_proved else " !")


def _filled(rows: Sequence[Cells]) -> list[Cells]:
    """Return the rows without columns that nobody filled."""
    used = [name for name in rows[0] if any(row[name] != "" for row in rows)] if rows else []
    return [{name: row[name] for name in used} for row in rows]


def _ratios(run: RunResults, own: Sequence[Result], size: int, controls: Controls) -> Iterator[Cells]:
    """Yield the ratios of the programs that count."""
    counted = {(one.program, one.measured): one.counts for one in own}
    setting = own[0].setting
    for phase in _PHASES:
        measured = Measured(phase, "images_per_s", size)
        control = controls.get((setting, measured))
        control_gap = None if control is None else statistics.gap(control)
        for row in _pairs(run, setting, measured):
            a, b = (Program(*(row[f"{name}_{side}"] for name in Program._fields)) for side in "ab")
            if not (counted[a, measured] and counted[b, measured]):
                continue
            found = statistics.Ratio(**{one.name: row[one.name] for one in fields(statistics.Ratio)})
            yield {
                "what": phase,
                "a": headline.name(a),
                "b": headline.name(b),
                "a / b": f"{found.ratio:.2f}",
                "interval": headline.interval(found),
                "control gap": "none ran" if control_gap is None else f"{control_gap:.1%}",
                "resolved": statistics.unresolved(found, control_gap) or "yes",
            }


def _pairs(run: RunResults, setting: Setting, measured: Measured) -> list[Cells]:
    """Return all pairs of a measurement, corrected together; then only those over the reference, where it is there."""
    wanted = {**setting._asdict(), **measured._asdict()}
    rows = [row for row in run.trials if all(row[name] == value for name, value in wanted.items())]
    pairs = [_turned(row) for row in summaries.ratios(rows, list(wanted), Program._fields)]
    plain = [row for row in pairs if (row["engine_b"], row["mode_b"]) == (_REFERENCE, ENGINES[_REFERENCE].mode)]
    return plain or pairs


def _turned(row: Cells) -> Cells:
    """Return a pair with the reference as its second program."""
    if (row["engine_a"], row["mode_a"]) != (_REFERENCE, ENGINES[_REFERENCE].mode):
        return row
    swapped = {f"{name}_{to}": row[f"{name}_{of}"] for name in Program._fields for to, of in (("a", "b"), ("b", "a"))}
    return {**row, **swapped, "ratio": 1 / row["ratio"], "low": 1 / row["high"], "high": 1 / row["low"]}


def _code(found: Sequence[Result]) -> list[str]:
    """Return how much a beginner writes, of each engine that told it."""
    told: dict[str, Cells] = {}
    for one in found:
        if one.metric in ("code_lines", "device_calls"):
            told.setdefault(one.engine, {"engine": one.engine})[one.metric.replace("_", " ")] = f"{one.median:g}"
    return ["## Code size", "Of the default track's training code:", _table(list(told.values()))] if told else []


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description="Write docs/benchmarks.md from a stored run.")
    parser.add_argument("raw", type=Path, metavar="RAW", help="a raw archive's folder")
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's id or its beginning; the newest unless told")
    given = parser.parse_args()
    try:
        before = PAGE.read_text("utf-8") if PAGE.exists() else ""
        PAGE.write_text(page(results.read_run(Archive(given.raw), given.run), before), "utf-8")
    except DlpulseError as error:
        raise SystemExit(str(error)) from None
    print(f"wrote {os.path.relpath(PAGE)}")


if __name__ == "__main__":
    main()
