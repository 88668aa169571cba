"""One sentence on two programs: how many times as fast, how sure, and why not when it is not resolved."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from bench.engines import ARTICLE, ENGINES
from bench.results import Measured, Program, Result, Setting, best
from warehouse import statistics
from warehouse.statistics import Ratio

LANDED_MODE = "eager"
"""What the first runs called every engine's only mode."""


def name(program: Program) -> str:
    """Return a program's name: engine and mode, its stack when it is not dlpulse's own."""
    return " ".join((program.engine, program.mode, *([f"[{program.stack}]"] if program.stack else [])))


def pair(results: Iterable[Result], measured: Measured) -> tuple[Result, Result] | None:
    """Return the two to compare first, of one setting, the faster first; None without two.

    They are the article's two, each as its tutorial uses it; where one of these is not there or does not count, the
    two fastest.
    """
    ranked = [one for one in best(results, measured) if one.counts]
    plain = [next((one for one in ranked if _as_in_tutorial(one, engine)), None) for engine in ARTICLE]
    chosen = [one for one in ranked if one in plain] if all(plain) else ranked[:2]
    return (chosen[0], chosen[1]) if len(chosen) > 1 else None


def corrected(a: Result, b: Result, all_measured: Iterable[Result]) -> Ratio:
    """Return the ratio of two results, p corrected for all pairs of what was measured, as in fct_bench_ratios."""
    pairs = itertools.combinations([one for one in all_measured if min(one.values) > 0], 2)
    others = [pair for pair in pairs if set(pair) != {a, b}]
    return statistics.corrected([statistics.compare(x.values, y.values) for x, y in [(a, b), *others]])[0]


def sentence(faster: Result, slower: Result, found: Ratio, control: Ratio | None) -> str:
    """Say how many times as fast one trains as the other, or why that is not resolved."""
    why_not = statistics.unresolved(found, None if control is None else statistics.gap(control))
    times = f"{found.ratio:.2f} times as fast as {name(slower.program)}"
    if found.p_value is None:
        told = f"{name(faster.program)} trains {times} ({interval(found)}; 8 launches would give an interval)"
        text = told if _apart(found, control) else f"not resolved: {told}"
    elif why_not:
        text = f"not resolved: {name(faster.program)} trains {times} ({interval(found)}), but {why_not}"
    else:
        text = f"{name(faster.program)} trains {times} ({interval(found)})"
    return f"{text}." if why_not == statistics.NO_CONTROL else f"{text}. {told_control(control)}."


def _apart(found: Ratio, control: Ratio | None) -> bool:
    """Tell whether even the nearest launches of the two lie on one side, further apart than two equal programs."""
    if control is None:
        return False
    return max(found.low, 1 / found.high) > 1 + statistics.gap(control)


def interval(found: Ratio) -> str:
    """Return a ratio's interval or range, n, and the test's corrected p-value where there is one."""
    kind = "range" if found.p_holm is None else "95 % interval"
    test = "" if found.p_holm is None else f", p = {found.p_holm:.2g}"
    return f"{kind} {found.low:.2f}–{found.high:.2f}, n = {found.n}{test}"


def told_control(control: Ratio | None) -> str:
    """Say how far two equal programs may lie apart."""
    if control is None:
        return statistics.NO_CONTROL[0].upper() + statistics.NO_CONTROL[1:]
    return f"Two equal programs (A/A control) may differ by {statistics.gap(control):.1%}"


def for_setting(
    results: Sequence[Result], measured: Measured, controls: Mapping[tuple[Setting, Measured], Ratio]
) -> str:
    """Return the sentence on one setting's training, or why there is none."""
    two, all_measured = pair(results, measured), best(results, measured)
    if two:
        return sentence(*two, corrected(*two, all_measured), controls.get((two[0].setting, measured)))
    barred = [one for one in all_measured if not one.counts]
    if not barred:
        return "one program alone: nothing to compare"
    reasons: dict[str, list[str]] = {}
    for one in barred:
        reasons.setdefault(_why_barred(one), []).append(name(one.program))
    told = (f"{', '.join(names)} ({why})" for why, names in reasons.items())
    return f"not compared: {'; '.join(told)}"


def _as_in_tutorial(result: Result, engine: str) -> bool:
    return result.engine == engine and result.mode in (ENGINES[engine].mode, LANDED_MODE)


def _why_barred(result: Result) -> str:
    if not result.parity_proved:
        return "not proved to be the reference network"
    if result.n < statistics.LEAST_RANKED:
        return statistics.TOO_FEW
    return f"launches differ by {statistics.spread(result.values):.0%} (IQR over median); an idle machine is needed"
