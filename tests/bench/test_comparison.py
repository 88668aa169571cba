"""What two stored runs, devices or library versions say side by side."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bench import comparison, results
from tests.bench.stored_runs import FAST, KERAS, SLOW, device, proof, store, trials
from warehouse.errors import BadInputError, DlpulseError
from warehouse.raw import Archive
from warehouse.settings import Settings


@pytest.fixture
def two_devices(settings: Settings) -> Archive:
    small = trials("pytorch", SLOW, device_id="small")
    large = trials("pytorch", FAST, device_id="large", threads=64, load_average=[9.0, 9.0, 9.0])
    control = trials("pytorch", SLOW, device_id="small", control=True)
    store(settings, [device("small"), proof("pytorch"), *small, *control])
    return store(settings, [device("large", cores=64, python="3.12.1"), proof("pytorch"), *large], hour=13)


def shown(found: comparison.Comparison, form: str = "table", width: int = 140) -> str:
    text = io.StringIO()
    comparison.render(found, form, Console(file=text, width=width))
    return text.getvalue()


def test_two_devices_are_compared_though_their_threads_differ(two_devices: Archive) -> None:
    (pair,) = comparison.compare(two_devices, "large", "small").pairs
    assert (pair.a.device_id, pair.b.device_id, pair.ratio.ratio, pair.ratio.n) == ("large", "small", 2.0, 8)
    assert pair.unresolved == ""
    assert pair.control_gap == pytest.approx(0.034, abs=0.001)


def test_without_a_control_on_either_side_nothing_is_apart(settings: Settings) -> None:
    store(settings, [device("a"), proof(KERAS), *trials(KERAS, FAST, device_id="a")])
    archive = store(settings, [device("b"), proof(KERAS), *trials(KERAS, SLOW, device_id="b")], hour=13)
    (pair,) = comparison.compare(archive, "a", "b").pairs
    assert pair.unresolved == "no A/A control ran beside it"


def test_what_else_differs_is_told(two_devices: Archive) -> None:
    found = comparison.compare(two_devices, "large", "small")
    assert ("threads", "64", "2") in found.differences
    assert ("python", "3.12.1", "3.11.7") in found.differences
    assert ("cores", "64", "2") in found.differences
    assert not [one for one in found.differences if one[0] == "os"]
    text = shown(found)
    assert "differs, threads: A 64 | B 2" in text
    assert "The two were not measured in turn" in text


def test_two_runs_are_compared_by_the_beginnings_of_their_ids(two_devices: Archive) -> None:
    new, old = [run.run_id for run in results.read_runs(two_devices)]
    (pair,) = comparison.compare(two_devices, old, new).pairs
    assert (pair.a.run_id, pair.b.run_id, pair.ratio.ratio) == (old, new, 0.5)


def test_two_versions_of_one_run_are_compared_each_with_its_own_results(settings: Settings) -> None:
    older = {"in_force": {"versions": {"torch": "2.12.0"}}, "stack": "torch-2.12"}
    proofs = [proof("pytorch"), proof("pytorch", stack="torch-2.12")]
    bodies = [*proofs, *trials("pytorch", FAST), *trials("pytorch", SLOW, **older)]
    archive = store(settings, [device(), *bodies])
    found = comparison.compare(archive, "torch=2.12.0", "torch=2.13.0+cpu")
    (pair,) = found.pairs
    assert pair.ratio.ratio == 0.5
    assert ("versions", "torch 2.12.0", "torch 2.13.0+cpu") in found.differences
    assert "not measured in turn" not in shown(found)


def test_tunings_and_tracks_are_never_mixed(settings: Settings) -> None:
    store(settings, [device("a"), *trials("pytorch", SLOW, device_id="a", tuning="stock")])
    archive = store(settings, [device("b"), *trials("pytorch", FAST, device_id="b", tuning="tuned")])
    with pytest.raises(DlpulseError, match="a and b have nothing to compare: tuning of a: stock; of b: tuned"):
        comparison.compare(archive, "a", "b")


def test_a_comparison_with_itself_is_refused(two_devices: Archive) -> None:
    with pytest.raises(DlpulseError, match="small and small are the same results"):
        comparison.compare(two_devices, "small", "small")


def test_a_word_that_fits_nothing_is_refused_with_the_nearest(two_devices: Archive) -> None:
    with pytest.raises(BadInputError, match=r"'smal' is no run, device_id or library=version .*did you mean small"):
        comparison.compare(two_devices, "smal", "large")
    with pytest.raises(BadInputError, match=r"'torch=2.1' was not benchmarked.*torch 2.13.0\+cpu"):
        comparison.compare(two_devices, "torch=2.1", "large")


def test_a_difference_within_either_run_s_control_is_not_resolved(settings: Settings) -> None:
    control = trials(KERAS, [value * 1.08 * 1.1 for value in FAST], control=True, device_id="b")
    store(settings, [device("a"), proof(KERAS), *trials(KERAS, FAST, device_id="a")])
    other = trials(KERAS, [value * 1.08 for value in FAST], device_id="b")
    archive = store(settings, [device("b"), proof(KERAS), *other, *control], hour=13)
    (pair,) = comparison.compare(archive, "b", "a").pairs
    assert pair.control_gap is not None
    assert pair.control_gap > 0.1
    assert pair.unresolved == f"two equal programs (A/A control) may differ by {pair.control_gap:.1%} too"


def test_results_that_are_not_proved_on_both_sides_resolve_nothing(settings: Settings) -> None:
    store(settings, [device("a"), proof(KERAS), *trials(KERAS, FAST, device_id="a")])
    archive = store(settings, [device("b"), *trials(KERAS, SLOW, device_id="b")])
    (pair,) = comparison.compare(archive, "b", "a").pairs
    assert pair.unresolved == "not proved on both sides"


def test_below_eight_launches_the_range_is_shown_and_nothing_is_resolved(settings: Settings) -> None:
    store(settings, [device("a"), proof("pytorch"), *trials("pytorch", FAST[:3], device_id="a")])
    archive = store(settings, [device("b"), proof("pytorch"), *trials("pytorch", SLOW[:3], device_id="b")])
    text = shown(comparison.compare(archive, "a", "b"))
    assert "1.96–2.04" in text
    assert "not apart: n = 3, an interval takes 8" in text


def test_two_launches_are_too_few(settings: Settings) -> None:
    store(settings, [device("a"), proof("pytorch"), *trials("pytorch", FAST[:2], device_id="a")])
    archive = store(settings, [device("b"), proof("pytorch"), *trials("pytorch", SLOW, device_id="b")])
    (pair,) = comparison.compare(archive, "a", "b").pairs
    assert pair.unresolved == "fewer than 3 launches"


def test_p_is_corrected_for_all_pairs_of_one_setting_and_metric(settings: Settings) -> None:
    engines = ("pytorch", KERAS, "jax")
    for name, values in (("a", FAST), ("b", SLOW)):
        every = [row for engine in engines for row in trials(engine, values, device_id=name)]
        archive = store(settings, [device(name), *map(proof, engines), *every])
    pairs = comparison.compare(archive, "a", "b").pairs
    assert [round(pair.ratio.p_holm / pair.ratio.p_value) for pair in pairs] == [3, 3, 3]


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits_the_terminal(two_devices: Archive, width: int) -> None:
    text = shown(comparison.compare(two_devices, "large", "small"), width=width)
    table = text[: text.index("differs,")].splitlines()[3:]
    assert max(len(line) for line in table) <= width
    assert "207" in text
    assert "104" in text


def test_json_carries_both_medians_the_ratio_and_what_is_free(two_devices: Archive) -> None:
    (row,) = json.loads(shown(comparison.compare(two_devices, "large", "small"), "json"))
    assert (row["median_a"], row["median_b"], row["ratio"], row["threads_a"], row["threads_b"]) == (
        207,
        103.5,
        2,
        64,
        2,
    )
    assert (row["resolved"], row["unresolved_why"], row["n"]) == (None, "not measured in turn", 8)
