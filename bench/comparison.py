"""Sets two runs, devices or library versions side by side: ratios of what both measured, and what else differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.console import Console
from rich.markup import escape

from bench import circumstances, headline, show
from bench.results import Measured, Result, RunResults, Setting, read_runs
from warehouse import statistics
from warehouse.errors import BadInputError, DlpulseError, nearest
from warehouse.raw import Archive
from warehouse.statistics import Ratio

# These may differ, since they may be what is compared; where one side has several, each is set beside its equal.
_FREE = ("device_id", "device", "threads", "versions", "stack")
_ALIKE = ("engine", "mode", "track", "tuning", "dataset", "precision", "phase", "metric", "batch_size", "unit")
_SHOWN = {
    ("training", "images_per_s"): "train images/s",
    ("inference", "images_per_s"): "infer images/s",
    ("inference", "latency_p50_ms"): "latency p50 ms",
    ("training", "time_to_accuracy_s"): "to accuracy, s",
    ("setup", "first_step_s"): "first step, s",
    ("setup", "rss_mib"): "RSS, MiB",
}
"""The metrics by which people choose, in a report's order and words."""
_OF_ONE_SIZE = ("latency_p50_ms", "first_step_s", "rss_mib")
_LAUNCHED = ("engine", "mode", "track", "tuning", "stack")
_Controls = Mapping[tuple[Setting, Measured], Ratio]
_DIRECTION = "A / B above 1: A does more images a second; of seconds, milliseconds and MiB it takes more."
_AT_DIFFERENT_TIMES = (
    "The two were not measured in turn: what the machine did else at the two times is part of each ratio, and nothing "
    "is resolved. Apart: farther than the launches and the A/A controls of both runs explain."
)


@dataclass(frozen=True)
class Side:
    """What one word of `dlpulse bench compare` stands for: results of one run, all of them or one version's."""

    word: str
    run: RunResults
    results: list[Result]


@dataclass(frozen=True)
class Pair:
    """One configuration measured on both sides: a over b, and why they do not lie apart ("" when they do).

    Only what one run measured in turn is resolved by that.
    """

    a: Result
    b: Result
    ratio: Ratio
    control_gap: float | None
    unresolved: str


@dataclass(frozen=True)
class Comparison:
    """All that two sides have in common; `differences` are circumstances as (what, in a, in b)."""

    a: Side
    b: Side
    pairs: list[Pair]
    differences: list[tuple[str, str, str]]

    @property
    def in_turn(self) -> bool:
        """Whether one run measured both."""
        return self.a.run is self.b.run


def compare(archive: Archive, a: str, b: str) -> Comparison:
    """Set two results side by side, each the newest that fits a run's id (or its beginning), a device_id, or
    `library=version`.

    Raises:
        BadInputError: when a word fits nothing or several runs; says what there is.
        DlpulseError: when the two are the same, or have no configuration in common; says why.
    """
    runs = list(read_runs(archive))
    if not runs:
        raise DlpulseError("no benchmark results yet: `dlpulse bench run` makes the first")
    left, right = _side(runs, a), _side(runs, b)
    if {(one.run_id, one) for one in left.results} == {(one.run_id, one) for one in right.results}:
        raise DlpulseError(f"{a} and {b} are the same results of run {left.run.run_id}: name two that differ")
    pairs = list(_pairs(left, right))
    if not pairs:
        raise DlpulseError(f"{a} and {b} have nothing to compare: {_why_nothing(left, right)}")
    return Comparison(left, right, pairs, _differences(left.run, right.run, pairs))


def render(comparison: Comparison, form: str, console: Console) -> None:
    """Print a comparison as `table`, `csv`, `json` or `md`; the table has the metrics by which people choose."""
    if form == "table":
        _report(comparison, console)
    else:
        console.file.write(show.written([_row(pair, in_turn=comparison.in_turn) for pair in comparison.pairs], form))


def _side(runs: Sequence[RunResults], word: str) -> Side:
    """Return what a word stands for in the runs, newest first."""
    library, equals, version = word.partition("=")
    if equals:
        return _of_version(runs, word, f"{library} {version}")
    fitting = [run for run in runs if run.run_id == word] or [
        run for run in runs if word and run.run_id.startswith(word)
    ]
    if len(fitting) > 1:
        raise BadInputError(f"{word!r} is the beginning of several runs: {', '.join(run.run_id for run in fitting)}")
    for run in fitting or runs:
        results = [one for one in run.results() if fitting or one.device_id == word]
        if results:
            return Side(word, run, results)
    known = {run.run_id for run in runs} | {one["device_id"] for run in runs for one in run.trials}
    raise BadInputError(f"{word!r} is no run, device_id or library=version that was benchmarked{nearest(word, known)}")


def _of_version(runs: Sequence[RunResults], word: str, wanted: str) -> Side:
    known = set()
    for run in runs:
        results = [one for one in run.results() if wanted in one.versions.split(", ")]
        if results:
            return Side(word, run, results)
        known |= {told for row in run.trials for told in row["versions"].split(", ") if told}
    raise BadInputError(f"{word!r} was not benchmarked{nearest(wanted, known)} (as library=version)")


def _pairs(a: Side, b: Side) -> Iterator[Pair]:
    """Yield what both sides have, in the order of a report; p is corrected for all pairs of one setting and metric."""
    controls = a.run.controls_over_twins(), b.run.controls_over_twins()
    families: dict[tuple[Any, ...], list[tuple[Result, Result]]] = {}
    others = _by_configuration(b.results)
    for key, ours in sorted(_by_configuration(a.results).items()):
        for one, other in _matched(ours, others.get(key, [])):
            # 0 is nobody's multiple.
            if min(*one.values, *other.values, 1.0) > 0:
                family = tuple(getattr(one, name) for name in _ALIKE if name not in ("engine", "mode"))
                families.setdefault(family, []).append((one, other))
    for both in families.values():
        ratios = statistics.corrected([statistics.compare(one.values, other.values) for one, other in both])
        for (one, other), found in zip(both, ratios, strict=True):
            gap = _widest(controls, (one, other))
            yield Pair(one, other, found, gap, _why_unresolved(one, other, found, gap))


def _by_configuration(results: Iterable[Result]) -> dict[tuple[Any, ...], list[Result]]:
    found: dict[tuple[Any, ...], list[Result]] = {}
    for one in results:
        found.setdefault(tuple(getattr(one, name) for name in _ALIKE), []).append(one)
    return found


def _matched(ours: Sequence[Result], theirs: Sequence[Result]) -> list[tuple[Result, Result]]:
    """Pair results of one configuration: one with one, however they differ; of several those that differ in least."""
    if len(ours) == len(theirs) == 1:
        return [(ours[0], theirs[0])]
    for free in (("device_id",), ("device_id", "device"), ("device_id", "device", "versions", "stack")):
        fixed = [name for name in _FREE if name not in free]
        pairs = [
            (one, other)
            for one in ours
            for other in theirs
            if all(getattr(one, name) == getattr(other, name) for name in fixed)
        ]
        if pairs:
            return pairs if len({one for one, _ in pairs}) == len(pairs) == len({other for _, other in pairs}) else []
    return []


def _widest(controls: Iterable[_Controls], results: Iterable[Result]) -> float | None:
    """Return the wider gap of both sides' controls; as in fct_bench_ratios training's stands for the time to learn."""
    gaps = []
    for of_run, one in zip(controls, results, strict=True):
        measured = one.measured
        if measured.metric == "time_to_accuracy_s":
            measured = measured._replace(metric="images_per_s")
        if control := of_run.get((one.setting, measured)):
            gaps.append(statistics.gap(control))
    return max(gaps, default=None)


def _why_unresolved(a: Result, b: Result, found: Ratio, control_gap: float | None) -> str:
    if not (a.parity_proved and b.parity_proved):
        return "not proved on both sides"
    if min(a.n, b.n) < statistics.LEAST_RANKED:
        return statistics.TOO_FEW
    if not (a.rankable and b.rankable):
        return "launches differ too much"
    return statistics.unresolved(found, control_gap)


def _why_nothing(a: Side, b: Side) -> str:
    """Name the first thing that no configuration of one side shares with the other's."""
    for name in _ALIKE:
        ours, theirs = ({str(getattr(one, name)) for one in side.results} for side in (a, b))
        if not ours & theirs:
            what = name.replace("_", " ")
            return f"{what} of {a.word}: {', '.join(sorted(ours))}; of {b.word}: {', '.join(sorted(theirs))}"
    return f"no configuration ({', '.join(_ALIKE[:6])}) was measured on both sides"


def _differences(a: RunResults, b: RunResults, pairs: Sequence[Pair]) -> list[tuple[str, str, str]]:
    """Return what else differs between the results set side by side, and between the circumstances of their trials."""
    told = []
    ours, theirs = [pair.a for pair in pairs], [pair.b for pair in pairs]
    for name in _FREE:
        in_a, in_b = (", ".join(dict.fromkeys(str(getattr(one, name)) for one in side)) for side in (ours, theirs))
        if in_a != in_b:
            told.append((name.replace("_", " "), in_a, in_b))
    return told + circumstances.differences(_only(a, ours), _only(b, theirs))


def _only(run: RunResults, results: Iterable[Result]) -> RunResults:
    """Return a run with no other launches than those the results are made of."""
    wanted = {tuple(getattr(one, name) for name in _LAUNCHED) for one in results}
    launches = [one for one in run.launches if tuple(one.get(name, "") for name in _LAUNCHED) in wanted]
    return replace(run, launches=launches)


def _report(comparison: Comparison, console: Console) -> None:
    a, b = comparison.a, comparison.b
    verdict = "resolved" if comparison.in_turn else "apart"
    show.say(console, f"A: {_about(a)}\nB: {_about(b)}")
    console.print()
    for place in dict.fromkeys((pair.a.track, pair.a.tuning, pair.a.dataset) for pair in comparison.pairs):
        pairs = [pair for pair in comparison.pairs if (pair.a.track, pair.a.tuning, pair.a.dataset) == place]
        table = show.plain_table(
            f"Track {place[0]}, tuning {place[1]}, {place[2]}: A over B",
            *("", "A", "B", "A / B", "interval\nor range", "n", "p", verdict),
        )
        program = ""
        for pair in sorted((pair for pair in pairs if _shown(pair)), key=_order):
            if program != (program := headline.name(pair.a.program._replace(stack=""))):
                table.add_row(f"[bold]{escape(program)}[/bold]")
            table.add_row(*_cells(pair), style="dim" if pair.unresolved else None)
        if table.row_count:
            console.print(table)
            console.print()
    for what, ours, theirs in comparison.differences:
        show.say(console, f"differs, {what}: A {ours or 'none'} | B {theirs or 'none'}", "dim")
    show.say(console, _DIRECTION, "dim")
    if not comparison.in_turn:
        show.say(console, _AT_DIFFERENT_TIMES, "dim")
    for why in sorted({pair.unresolved for pair in comparison.pairs if _shown(pair) and pair.unresolved}):
        show.say(console, f"not {verdict}: {why}", "dim")


def _about(side: Side) -> str:
    device = side.run.device
    return f"{side.word} = run {side.run.run_id} on {device.get('cpu')}, {device.get('gpu') or 'no GPU'}"


def _shown(pair: Pair) -> bool:
    return (pair.a.phase, pair.a.metric) in _SHOWN


def _order(pair: Pair) -> tuple[str, str, int, int]:
    return pair.a.engine, pair.a.mode, list(_SHOWN).index((pair.a.phase, pair.a.metric)), pair.a.batch_size


def _cells(pair: Pair) -> list[str]:
    one, found = pair.a, pair.ratio
    size = "" if one.metric in _OF_ONE_SIZE else f", batch {one.batch_size}"
    return [
        f"  {_SHOWN[one.phase, one.metric]}{size}",
        show.number(one.median),
        show.number(pair.b.median),
        f"{found.ratio:.2f}",
        f"{found.low:.2f}–{found.high:.2f}",
        str(found.n),
        "" if found.p_holm is None else f"{found.p_holm:.2g}",
        "no" if pair.unresolved else "yes",
    ]


def _row(pair: Pair, *, in_turn: bool) -> dict[str, Any]:
    """Return all there is of a pair: the configuration, both medians, the ratio, what is free on either side.

    `resolved` is None where the two were measured in different runs.
    """
    alike = {name: getattr(pair.a, name) for name in _ALIKE}
    names = ("run_id", *_FREE, "n", "median")
    sides = {f"{name}_{side}": getattr(one, name) for side, one in (("a", pair.a), ("b", pair.b)) for name in names}
    why = pair.unresolved or ("" if in_turn else "not measured in turn")
    resolved = not why if in_turn else None
    told = {"control_gap": pair.control_gap, "resolved": resolved, "unresolved_why": why}
    return {**alike, **sides, **asdict(pair.ratio), **told}
