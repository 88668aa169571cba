"""Prints a benchmark run: tables for a person, or its results as csv, json or md for a program."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench import circumstances, headline
from bench.results import Measured, Program, Result, RunResults, Setting
from warehouse.statistics import Ratio

_HIDDEN = "values"
MAIN_BATCH = 128
_WIDE = 120
LEGEND = (
    "median (quartiles) over launches; ~ noisy: IQR >= 10 % of the median; ? not to be ranked: >= 25 %; "
    "! not proved to be the reference network"
)
LAUNCH_BOUND = (
    "This network is launch-bound on an accelerator: an epoch of 50,000 images is 391 GFLOP, 5.8 ms of an H100's peak. "
    "What is timed here are kernel launches and Python, not the accelerator's arithmetic."
)
_BOUNDS = {
    "pure_c": "plain C",
    "matmul": "matrix multiply",
    "fma": "multiply-adds in registers",
    "memory": "memory bandwidth",
}


def render(run: RunResults, form: str, console: Console) -> None:
    """Print a run in as `table`, `csv`, `json` or `md`; all but the table carry every column of fct_bench_results."""
    results = run.results()
    if form == "table":
        _report(run, results, console)
        return
    console.file.write(written([_row(result) for result in results], form))


def written(rows: Sequence[Mapping[str, Any]], form: str) -> str:
    """Return rows of the same columns as `csv`, `json` or `md`; "" (json: an empty list) without rows."""
    forms: dict[str, Callable[[Sequence[Mapping[str, Any]]], str]] = {"csv": _csv, "json": _json, "md": _markdown}
    return forms[form](rows) if rows or form == "json" else ""


def number(value: float) -> str:
    """Return a figure with three digits that count, and thousands parted."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def plain_table(title: str, *columns: str, left: int = 1) -> Table:
    """Return an empty table without frame; all but the first `left` columns are right-aligned."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
    table.pad_edge, table.padding = False, (0, 0)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < left else "right", overflow="fold")
    return table


def say(console: Console, text: str, style: str | None = None) -> None:
    """Print a sentence as it is; a terminal wraps it at words, a pipe gets one line."""
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def _report(run: RunResults, results: Sequence[Result], console: Console) -> None:
    controls = run.controls_over_twins()
    for setting in dict.fromkeys(one.setting for one in sorted(results, key=lambda one: one.setting)):
        _setting([one for one in results if one.setting == setting], setting, controls, console)
    for table in (learning_table(run, wide=console.width >= _WIDE), bounds_table(run)):
        if table.row_count:
            console.print(table)
            console.print()
    for line in _proofs(run):
        say(console, line)
    if any(one.device != "cpu" for one in results):
        say(console, LAUNCH_BOUND)
    for why in dict.fromkeys(run.failed):
        say(console, f"no result: {why}")
    say(console, LEGEND, "dim")
    for about, text in circumstances.lines(run):
        say(console, f"{about}: {text}", "dim")


def _setting(
    results: Sequence[Result],
    setting: Setting,
    controls: Mapping[tuple[Setting, Measured], Ratio],
    console: Console,
) -> None:
    """Print one setting: the sentence, the table at the main batch size, the other sizes."""
    sizes = sorted({one.batch_size for one in results if one.metric == "images_per_s"})
    if not sizes:
        return
    size = MAIN_BATCH if MAIN_BATCH in sizes else sizes[-1]
    measured = Measured("training", "images_per_s", size)
    place = f"{setting.device}, {setting.threads} threads, {setting.precision}, {setting.dataset}"
    title = f"Track {setting.track}, tuning {setting.tuning} ({place})"
    console.print(f"[bold]{escape(title)}[/bold]", highlight=False)
    say(console, f"training at batch {size}: {headline.for_setting(results, measured, controls)}")
    console.print(_main_table(results, size, wide=console.width >= _WIDE))
    others = [other for other in sizes if other != size]
    if others:
        console.print()
        console.print(_sizes_table(results, others))
    console.print()


def _main_table(results: Sequence[Result], size: int, *, wide: bool) -> Table:
    columns = ("training\nimages/s", "inference\nimages/s", "latency ms\np50 / p95", "first\nstep s")
    table = plain_table("", f"batch {size}", *columns, "cores\nused", "RSS\nMiB", "% of\npeak", "n")
    for program, own in _programs(results, size):
        speed = own.get(Measured("training", "images_per_s", size))
        latency = [own.get(Measured("inference", f"latency_{name}_ms", 1)) for name in ("p50", "p95")]
        share = own.get(Measured("training", "share_of_peak", size))
        table.add_row(
            _label(program, own.values(), wide=wide),
            _cell(speed, wide=wide),
            _cell(own.get(Measured("inference", "images_per_s", size)), wide=wide),
            " / ".join(number(one.median) for one in latency if one),
            median(own.get(Measured("setup", "first_step_s", size))),
            median(own.get(Measured("training", "cores_used", size))),
            median(own.get(Measured("setup", "rss_mib", size))),
            f"{share.median:.1%}"[:-1] if share else "",
            str(speed.n if speed else max(one.n for one in own.values())),
            style="dim" if speed and not speed.counts else None,
        )
    return table


def _sizes_table(results: Sequence[Result], sizes: Sequence[int]) -> Table:
    """Medians of training and inference at the other batch sizes, in few columns."""
    table = plain_table("", "train / infer images/s", *(f"batch {size}" for size in sizes))
    for program, _ in _programs(results, sizes[-1]):
        cells = []
        for size in sizes:
            wanted = [Measured(phase, "images_per_s", size) for phase in ("training", "inference")]
            found = [one for one in results if one.program == program and one.measured in wanted]
            cells.append(" / ".join(median(one) for one in sorted(found, key=lambda one: one.measured, reverse=True)))
        table.add_row(escape(headline.name(program)), *cells)
    return table


def _programs(results: Sequence[Result], size: int) -> list[tuple[Program, dict[Measured, Result]]]:
    """Return each program's results by what was measured, fastest in training first; who does not count comes last."""
    by_program: dict[Program, dict[Measured, Result]] = {}
    for one in results:
        by_program.setdefault(one.program, {})[one.measured] = one
    speed = Measured("training", "images_per_s", size)

    def order(entry: tuple[Program, dict[Measured, Result]]) -> tuple[bool, float, Program]:
        found = entry[1].get(speed)
        return not (found and found.counts), -found.median if found else 0.0, entry[0]

    return sorted(by_program.items(), key=order)


def _label(program: Program, own: Iterable[Result], *, wide: bool) -> str:
    unproved = "" if all(one.parity_proved for one in own) else " !"
    name = headline.name(program) + unproved
    return escape(name if wide else name.replace(" ", "\n", 1))


def _cell(result: Result | None, *, wide: bool) -> str:
    """Return median and quartiles, one above the other where there is little room."""
    if result is None:
        return ""
    spread = f"{number(result.q1)}–{number(result.q3)}" if result.n > 1 else ""
    if not spread:
        return median(result)
    return f"{median(result)} ({spread})" if wide else f"{median(result)}\n{spread}"


def median(result: Result | None) -> str:
    """Return a result's median with its mark of noise; "" without a result."""
    if result is None:
        return ""
    return number(result.median) + ("" if not result.noisy else " ~" if result.rankable else " ?")


def learning_table(run: RunResults, *, wide: bool) -> Table:
    """Return how long each program took to the accuracy that all reach; without rows where nobody was asked to."""
    table = plain_table(
        "Learning: time to the accuracy that all reach, evaluation left out",
        *("track", "program", "data", "accuracy\nat the end", "target"),
        *("seconds\nto target", "epochs", "seeds there"),
        left=3,
    )
    for row in sorted(run.learning(), key=lambda row: (row["track"], row["dataset"], row["time_to_accuracy_s"] or 1e9)):
        name = headline.name(Program(*(row[name] for name in Program._fields)))
        seconds, epochs = row["time_to_accuracy_s"], row["epochs_to_accuracy"]
        table.add_row(
            row["track"],
            escape(name if wide else name.replace(" ", "\n", 1)),
            row["dataset"],
            f"{row['final_accuracy']:.3f}",
            f"{row['target_accuracy']:.2f}",
            "never" if seconds is None else f"{number(seconds)} ({number(row['low'])}–{number(row['high'])})",
            "never" if epochs is None else f"{epochs:g}",
            f"{row['reached']} of {row['seeds']}",
        )
    return table


def bounds_table(run: RunResults) -> Table:
    """Return the machine's bounds as measured in the run."""
    table = plain_table("What this machine can do", "bound", "threads", "precision", "batch", "measured", "range")
    for row in sorted(run.bounds, key=lambda row: (row["bound"], row["phase"], row["threads"], row["batch_size"] or 0)):
        scale, unit = {"flops_per_s": (1e9, "GFLOP/s"), "bytes_per_s": (1e9, "GB/s")}.get(
            row["metric"], (1, row["unit"])
        )
        phase = "" if row["phase"] == "machine" else f", {row['phase']}"
        table.add_row(
            f"{_BOUNDS.get(row['bound'], row['bound'])}{phase}",
            str(row["threads"]),
            row["precision"],
            str(row["batch_size"] or ""),
            f"{number(row['value'] / scale)} {unit}",
            f"{number(row['low'] / scale)}–{number(row['high'] / scale)}",
        )
    return table


_PROVED = "matched: to gradients and steps in float64; default: layers, probabilities and loss in float32"


def _proofs(run: RunResults) -> Iterable[str]:
    """Yield a line on what is proved, and one on each program that is not."""
    tunings: dict[str, list[str]] = {}
    for key, proof in sorted(run.proofs.items()):
        if proof["proved"]:
            name = " ".join(word for word in (key.engine, key.mode, key.track, key.stack) if word)
            tunings.setdefault(name, []).append(key.tuning)
    if tunings:
        told = ", ".join(f"{name} ({' and '.join(each)})" for name, each in tunings.items())
        yield f"proved to be the reference network ({_PROVED}): {told}"
    for key, proof in sorted(run.proofs.items()):
        if not proof["proved"]:
            name = " ".join(word for word in key if word)
            yield f"NOT PROVED: {name}: {'; '.join(proof['faults']) or 'no reason told'}"


def _row(result: Result) -> dict[str, Any]:
    return {name: value for name, value in asdict(result).items() if name != _HIDDEN}


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(rows, indent=2) + "\n"


def _markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
