"""Prints a benchmark run: tables for a person, or its results as csv, json or md for a program."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.results import Comparison, Result, RunResults, compare
from warehouse.statistics import LEAST_LAUNCHES

_HIDDEN = "values"


def render(run: RunResults, form: str, console: Console) -> None:
    """Print a run in as `table`, `csv`, `json` or `md`; all but the table carry every column of fct_bench_results."""
    results = run.results()
    if form == "table":
        _tables(run, results, console)
        return
    rows = [_row(result) for result in results]
    text = {"csv": _csv, "json": _json, "md": _markdown}[form](rows)
    console.file.write(text)


def circumstances(run: RunResults, results: Sequence[Result]) -> str:
    """Return one line that says where, with what and how the figures came about."""
    device, first = run.device, results[0]
    versions = ", ".join(f"{name} {version}" for name, version in device.get("versions", ()))
    return (
        f"{device.get('cpu')}, {device.get('cores')} cores, {device.get('memory_gib')} GiB, "
        f"{device.get('gpu') or 'no GPU'}; {device.get('os')}, Python {device.get('python')}, {versions}. "
        f"Track {first.track}, mode {first.mode}, plain SGD, {first.precision}, data set {first.dataset}, "
        f"{first.threads} threads asked for; run {run.run_id} on device {first.device_id}."
    )


def _tables(run: RunResults, results: list[Result], console: Console) -> None:
    engines = list(dict.fromkeys(result.engine for result in sorted(results, key=lambda one: one.engine)))
    for tuning in dict.fromkeys(result.tuning for result in results):
        console.print(_table([one for one in results if one.tuning == tuning], engines, tuning))
    comparisons = compare(results, "images_per_s", "training")
    for comparison in comparisons:
        console.print(_sentence(comparison), soft_wrap=True)
    if len(engines) > 1 and not comparisons:
        console.print("training: not compared, the launches differ too much; try on an idle machine", soft_wrap=True)
    for engine in engines:
        proved = any(one.parity_proved for one in results if one.engine == engine)
        console.print(f"{engine}: parity with the float64 reference {'proved' if proved else 'NOT PROVED'}")
    console.print(circumstances(run, results), style="dim", highlight=False, soft_wrap=True)
    console.print("~ noisy: IQR >= 10 % of the median; ? not to be ranked: >= 25 %.", style="dim", soft_wrap=True)


def _table(results: list[Result], engines: Sequence[str], tuning: str) -> Table:
    """One row per metric, one column per engine: median, quartiles, launches."""
    table = Table(title=f"tuning {tuning}: median (quartiles) over launches", title_justify="left")
    table.add_column("metric")
    for engine in engines:
        table.add_column(engine, justify="right")
    for measured in sorted({one.measured for one in results}, key=_order):
        by_engine = {one.engine: one for one in results if one.measured == measured}
        phase, metric, batch_size, unit = measured
        size = "" if phase == "setup" else f", batch {batch_size}"
        cells = [_cell(by_engine[engine]) if engine in by_engine else "" for engine in engines]
        table.add_row(f"{phase} {metric} [dim]({unit}{size})[/dim]", *cells)
    return table


def _order(measured: tuple[str, str, int, str]) -> tuple[int, str, int]:
    phase, metric, batch_size, _ = measured
    return ("training", "inference", "setup").index(phase), metric, batch_size


def _cell(result: Result) -> str:
    mark = "" if not result.noisy else " ~" if result.rankable else " ?"
    spread = f" ({_number(result.q1)}–{_number(result.q3)})" if result.n > 1 else ""
    text = f"{_number(result.median)}{spread} n={result.n}{mark}"
    return text if result.rankable else f"[dim]{text}[/dim]"


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def _sentence(comparison: Comparison) -> str:
    ratio = comparison.ratio
    kind = "95 % interval" if ratio.n >= LEAST_LAUNCHES else "range"
    test = "" if ratio.p_value is None else f", Mann-Whitney p = {ratio.p_value:.2g}"
    return (
        f"training, {comparison.tuning}: {comparison.engine_a} runs at {ratio.ratio:.2f} times {comparison.engine_b}'s "
        f"images/s ({kind} {ratio.low:.2f}–{ratio.high:.2f}, n = {ratio.n}{test})"
    )


def _row(result: Result) -> dict[str, Any]:
    return {name: value for name, value in asdict(result).items() if name != _HIDDEN}


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(rows, indent=2) + "\n"


def _markdown(rows: Sequence[dict[str, Any]]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
