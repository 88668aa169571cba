"""Every page on every state of the database, run by Streamlit's own test harness on a real DuckDB file."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import page
from tests.conftest import ROOT
from tests.dashboards import sample
from tests.dashboards.conftest import Home

ML_PAPERS = "machine-learning papers in cs.LG, cs.CV, cs.CL, cs.AI, cs.NE or stat.ML"
PAGES = [
    *("views/overview.py", "views/stars.py", "views/papers.py", "views/surveys.py", "views/usage.py"),
    *("views/benchmarks.py", "views/performance.py", "views/first.py", "views/article.py", "views/data.py"),
]


def opened(monkeypatch: pytest.MonkeyPatch, home: Path, page: str = PAGES[0], **query: list[str]) -> AppTest:
    monkeypatch.setenv("DLPULSE_HOME", str(home))
    app = AppTest.from_file(str(ROOT / "dashboards" / "app.py"), default_timeout=60)
    for key, values in query.items():
        app.query_params[key] = values
    # A page whose address is its file's name is found before the first run, which would draw the overview.
    return (app.switch_page(page) if page != PAGES[0] else app).run()


def words(app: AppTest) -> str:
    shown = [element.value for kind in (app.markdown, app.caption, app.info, app.success) for element in kind]
    return "\n".join([*shown, *(str(html.proto.body) for html in app.get("html"))]).replace("\N{NO-BREAK SPACE}", " ")


def _date(microseconds: float) -> str:
    """Return the day of a slider's end."""
    return str(pd.Timestamp(microseconds, unit="us").date())


def charts(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]


def table_of(app: AppTest, figure: str) -> Any:
    """Turn a figure to its table and return that."""
    app.button_group(key=f"{figure}-view").set_value("Table").run()
    return app.dataframe[0].value


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("variant", ["full", "cited", "half", "empty", "missing"])
def test_no_state_of_the_database_makes_an_error(
    variant: str, page: str, sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(monkeypatch, sample_home(variant), page)
    assert not app.exception and not app.error
    assert "## " in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_database_tells_which_command_makes_one(
    page: str, sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(monkeypatch, sample_home("missing"), page)
    assert "## No data yet" in words(app) and "`dlpulse run`" in words(app)


def test_a_file_that_is_no_database_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dlpulse.duckdb").write_bytes(b"not a database" * 1000)
    app = opened(monkeypatch, tmp_path)
    assert not app.exception
    assert "## The database cannot be read" in words(app)


def test_the_overview_has_a_row_for_every_framework_with_trend_and_speed(
    sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(monkeypatch, sample_home("full"))
    table = words(app)
    assert table.count('<th scope="row"') == len(sample.FRAMEWORKS) == 11
    keras = table[table.index(">Keras<") :].split("</tr>")[0]
    assert "<b>1,680</b>" in keras and "<b>22.2 %</b>" in keras and "KDnuggets 2018" in keras
    torch7 = table[table.index(">Torch (Lua)<") :].split("</tr>")[0]
    assert torch7.count("not known") == 3 and "Dec 2018" in torch7


def test_without_papers_the_overview_says_how_to_get_them(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("cited"))
    assert "arXiv has not been asked yet." in words(app)


def test_a_speed_too_noisy_to_rank_is_called_so_and_not_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(sample.write(tmp_path / "dlpulse.duckdb", "cited"))) as connection:
        noisy = "engine = 'pytorch' and phase = 'training' and tuning = 'stock'"
        connection.execute(f"update fct_bench_results set rankable = false where {noisy}")
        speed = "measure = 'train_images_per_s' and framework_id = 'pytorch'"
        connection.execute(f"delete from rpt_framework_figures where {speed}")
    table = words(opened(monkeypatch, tmp_path))
    pytorch = table[table.index(">PyTorch<") :].split("</tr>")[0]
    assert pytorch.count(">not ranked<") == 1
    assert 'data-label="Training" data-unit="images/s, median" class="absent">not ranked<' in pytorch
    assert "<b>3,825</b>" in pytorch
    jax = table[table.index(">JAX<") :].split("</tr>")[0]
    assert "not ranked" not in jax


@pytest.mark.parametrize(
    ("base", "first", "subtitle"),
    [
        ("ml_papers", "ML papers", ML_PAPERS),
        ("any_framework", "any framework", "papers naming any of these frameworks"),
        (None, "ML papers", ML_PAPERS),
    ],
)
def test_papers_begin_with_the_base_that_the_table_uses(
    base: str | None, first: str, subtitle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(sample.write(tmp_path / "dlpulse.duckdb", "full"))) as connection:
        connection.execute("delete from rpt_framework_figures where measure = 'paper_share' and $1 is null", [base])
        connection.execute("update rpt_framework_figures set base = $1 where measure = 'paper_share'", [base])
    app = opened(monkeypatch, tmp_path)
    assert app.selectbox(key="papers").value == f"title or abstract · {first}"
    assert len(app.selectbox(key="papers").options) == 3
    assert f"Share of the month's {subtitle}. Named in title or abstract" in words(app)
    assert (f"Papers: share of the {subtitle}, Nov 2025 to Oct 2026." in words(app)) == (base is not None)


def test_thin_months_unknown_months_and_the_years_before_any_mention_are_not_drawn(
    sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(monkeypatch, sample_home("full"), **{"papers-view": ["Table"]})
    app.selectbox(key="papers").set_value("title or abstract · any framework").run()
    assert "2 months with fewer than 20 such papers left out." in words(app)
    rows = app.dataframe[0].value
    months = {f"{day:%Y-%m}" for day in rows["day"]}
    assert min(months) == "2016-03"
    assert "2024-05" not in months and {"2024-04", "2024-06"} <= months


def test_a_year_that_did_not_ask_is_no_zero(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/surveys.py")
    assert app.selectbox(key="population").value == "KDnuggets: KDnuggets readers"
    app.selectbox(key="population").set_value("Stack Overflow: all respondents").run()
    assert app.button_group(key="year").options == ["2025, not asked"]
    assert "Stack Overflow 2025 did not ask about these frameworks." in words(app)
    assert "What Stack Overflow 2025 found" in words(app) and not charts(app)


def test_a_survey_shows_a_year_and_its_course(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/surveys.py")
    app.selectbox(key="population").set_value("KDnuggets: KDnuggets readers").run()
    # 2019 published votes and no base: there are no shares, and its votes stand on no line with shares.
    assert "## KDnuggets 2019: TensorFlow 519 · Keras 436 · PyTorch 185 votes" in words(app)
    assert "Votes: no base was published, so there are no shares" in words(app)
    assert set(table_of(app, "survey-years")["year"]) == {2017, 2018}
    app.button_group(key="year").set_value("2018").run()
    assert "## KDnuggets 2018: TensorFlow 29.9 % · Keras 22.2 % · PyTorch 6.4 %" in words(app)
    assert "read on 20 Nov 2026 · base 2,052" in words(app)


def test_a_survey_that_did_not_ask_is_named_and_not_drawn(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"))
    assert app.selectbox(key="survey").options == [
        "KDnuggets 2019: KDnuggets readers",
        "KDnuggets 2018: KDnuggets readers",
        "KDnuggets 2017: KDnuggets readers",
    ]
    assert "Votes: no base was published" in words(app)
    assert "Not asked in Stack Overflow 2025." in words(app)


def test_stars_show_one_estimator_at_a_time(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {}
    for estimator in ("observed", "retained"):
        app = opened(monkeypatch, sample_home("full"), "views/stars.py", estimator=[estimator])
        app.button_group(key="estimator").set_value(estimator).run()
        assert len(charts(app)) == 1
        sources[estimator] = next(caption.value for caption in app.caption if caption.value.startswith("Source"))
    assert "aymericdamien, mbadry1 and EvanLi" in sources["observed"] and "github" not in sources["observed"]
    assert "github" in sources["retained"] and "EvanLi" not in sources["retained"]


def test_observed_points_are_readings_and_retained_ones_whole_days(
    sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/stars.py")
    observed = words(app)
    app.button_group(key="estimator").set_value("retained").run()
    retained = words(app)
    assert "Cumulative stars, the newest reading of each month" in observed
    assert "not over" not in observed and "were closed" not in observed
    assert "Cumulative stars, last whole day of each month" in retained
    assert "Days that are not over are left out" in retained
    assert "The stargazer lists were closed Jun 2026 to Sep 2026; the history endpoint" in retained
    assert "outage" not in retained


def test_stars_added_mark_the_period_that_is_not_over(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/stars.py", **{"stars-view": ["Table"]})
    app.button_group(key="estimator").set_value("retained").run()
    for measure, newest in (("per month", "2026-11-01"), ("per week", "2026-11-16")):
        app.button_group(key="measure").set_value(measure).run()
        rows = app.dataframe[0].value
        keras = rows[rows["framework_id"] == "keras"].set_index("day")
        assert keras.index.max() == pd.Timestamp(newest)
        # Nov 22 was not over when it was read.
        assert keras["partial"].sum() == 1 and keras["partial"].iloc[-1]
        assert keras["days"].iloc[-1] == (21 if measure == "per month" else 6)
        assert "known in part so far" in words(app)


def test_an_archive_that_ended_leaves_its_last_month_unfinished(
    sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/stars.py", **{"stars-view": ["Table"]})
    app.button_group(key="estimator").set_value("gross").run()
    app.button_group(key="measure").set_value("per month").run()
    rows = app.dataframe[0].value
    keras = rows[rows["framework_id"] == "keras"]
    assert list(keras["value"]) == [93, 84, 93, 90, 66]
    assert list(keras["partial"]) == [False] * 4 + [True]


def test_by_age_stars_begin_with_the_first_release(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/stars.py", **{"stars-view": ["Table"]})
    app.button_group(key="aligned").set_value("age").run()
    rows = app.dataframe[0].value.set_index(["framework_id", "day"])
    assert rows.loc[("keras", pd.Timestamp("2026-08-22")), "age"] == pytest.approx(11.41, abs=0.01)
    assert (rows["age"] >= 0).all()
    assert "by years since the framework's first release" in words(app)


def test_stars_as_known_before_a_collection_are_those_known_then(
    sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/stars.py")
    app.button_group(key="estimator").set_value("retained").run()
    assert len(charts(app)) == 1
    day = app.slider(key="known")
    assert (_date(day.proto.min), _date(day.proto.max)) == ("2026-11-18", "2026-11-22")
    day.set_value(date(2026, 11, 20)).run()
    assert not charts(app)
    assert "No retained stars are known, as things were known when 21 Nov 2026 began." in words(app)
    app.button_group(key="estimator").set_value("observed").run()
    assert len(charts(app)) == 1 and "as known when 21 Nov 2026 began, UTC" in words(app)


@pytest.mark.parametrize(("chosen", "then"), [(None, date(2026, 11, 25)), (date(2026, 11, 20), date(2026, 11, 20))])
def test_a_slider_at_its_end_follows_what_is_published_and_a_chosen_day_stays(
    chosen: date | None, then: date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = sample.write(tmp_path / "dlpulse.duckdb", "full")
    app = opened(monkeypatch, tmp_path, "views/stars.py")
    if chosen:
        app.slider(key="known").set_value(chosen).run()
    new = Path(shutil.copy(database, tmp_path / "new.duckdb"))
    with duckdb.connect(str(new)) as connection:
        row = "('n', 's', '2026-11-25')"
        connection.execute(f"insert into meta_responses (response_id, source, fetched_at) values {row}")
    new.replace(database)
    app.run()
    assert (_date(app.slider(key="known").proto.max), app.slider(key="known").value) == ("2026-11-25", then)
    assert ("as known when 21 Nov 2026 began" in words(app)) == (chosen is not None)


def test_releases_stand_on_the_lines_of_the_chosen(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/stars.py", framework=["PyTorch", "JAX"])
    shown = releases(app)
    assert sorted(shown) == ["jax-v0.4.0", "jax-v0.5.0", "v1.0.0", "v2.0.0"]
    # Between the readings around each: of July and December 2018, of 2022 and 2023.
    assert 27_000 < shown["v1.0.0"] < 28_100 and 68_000 < shown["v2.0.0"] < 71_000
    app.button_group(key="releases").set_value("hidden").run()
    assert releases(app) == {}


def releases(app: AppTest) -> dict[str, float]:
    """Return the versions that the first chart was sent, and how high they stand."""
    sets = [pa.ipc.open_stream(one.data.data).read_all() for one in app.get("vega_lite_chart")[0].proto.datasets]
    rows = [row for one in sets if "version" in one.column_names for row in one.to_pylist()]
    return {row["version"]: row["value"] for row in rows}


def test_an_estimator_without_readings_says_why(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("cited"), "views/stars.py")
    app.button_group(key="estimator").set_value("gross").run()
    assert not charts(app)
    assert "No gross stars are known yet." in words(app)


def test_benchmarks_show_proof_noise_and_circumstances(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/benchmarks.py")
    shown = words(app)
    proved = "Proved to be the same network before timing (layers, probabilities and loss, in float32)"
    assert f"{proved}: keras-tensorflow and pytorch." in shown
    assert "## On this machine PyTorch trains 1.21 times as fast as Keras (keras-tensorflow)" in shown
    assert "#### Stock: pytorch 2,032 and keras-tensorflow 1,680 images/s" in shown
    assert "#### Tuned: keras-tensorflow 2,856 images/s" in shown
    assert "Noisy, quartiles 10 % of the median apart or more: pytorch." in shown
    circumstances = app.table[0].value["value"]
    assert circumstances["cpu"] == "AMD EPYC 7R13 Processor"
    assert circumstances["torch"] == "2.13.0"
    assert circumstances["gpu"] == "none found"


def test_each_measure_of_a_benchmark_has_its_figures(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/benchmarks.py")
    measure = app.button_group(key="measure")
    assert measure.options == ["Training", "Inference", "Latency", "First step", "Share of peak", "Accuracy by epoch"]
    for heading, said in (
        ("Inference", "#### Stock: keras-tensorflow 4,736 and pytorch 3,825 images/s"),
        ("Latency", "#### Stock, p50: pytorch 0.38 and keras-tensorflow 0.93 ms"),
        ("First step", "#### Stock, import: pytorch 1.70 and keras-tensorflow 6.05 s"),
        ("Share of peak", "#### Stock: pytorch 16.9 % and keras-tensorflow 14.0 %"),
        ("Accuracy by epoch", "reached by pytorch in 1.20 s on average (3 of 3 seeds)"),
    ):
        app.button_group(key="measure").set_value(heading).run()
        assert said in words(app), heading
        assert charts(app) and "NaN" not in json.dumps(charts(app))


def test_a_benchmark_tells_which_differences_count(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/benchmarks.py")
    assert [expander.label for expander in app.expander if "differences" in expander.label] == [
        "Which differences count: 1 of 2 pairs"
    ]
    pairs = next(frame.value for frame in app.dataframe if "resolved" in frame.value)
    assert list(zip(pairs["tuning"], pairs["resolved"], strict=True)) == [("stock", True), ("tuned", False)]


def test_two_devices_stand_side_by_side_on_one_axis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(sample.write(tmp_path / "dlpulse.duckdb", "full"))) as connection:
        other = "'dev-2' as device_id, 'run-9' as run_id, {} * 3 as {}"
        for table, value in (("fct_bench_results", "median"), ("fct_bench_trials", "value")):
            columns = other.format(value, value) + (", q3 * 3 as q3" if value == "median" else "")
            connection.execute(f"insert into {table} select * replace ({columns}) from {table}")
        connection.execute(
            "insert into fct_bench_epochs "
            "select * replace ('dev-2' as device_id, 'run-9' as run_id) from fct_bench_epochs"
        )
        connection.execute(
            "insert into dim_devices select * replace ('dev-2' as device_id, 'Apple M4' as cpu) from dim_devices"
        )
    app = opened(monkeypatch, tmp_path, "views/benchmarks.py")
    assert len(charts(app)) == 2
    app.button_group(key="device").set_value(["dev-1", "dev-2"]).run()
    shown = words(app)
    assert "### AMD EPYC 7R13 Processor (dev-1)" in shown and "### Apple M4 (dev-2)" in shown
    # The other device's run has no proof of its own, and nothing is said of "this machine".
    assert [warning.value for warning in app.warning] == [
        "No parity proof is stored with this run: the networks may differ."
    ]
    assert "## How fast the same small network runs" in shown and "On this machine" not in shown
    domains = {json.dumps(chart["layer"][0]["encoding"]["x"]["scale"]["domain"]) for chart in charts(app)}
    assert len(charts(app)) == 4 and len(domains) == 1
    app.button_group(key="measure").set_value("Accuracy by epoch").run()
    assert len(charts(app)) == 2 and not app.exception


def test_the_overview_answers_in_a_sentence(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = words(opened(monkeypatch, sample_home("full")))
    assert "Stars gained in the twelve months to Aug 2026 (observed): PyTorch 2,828" in shown
    speed = "On this machine PyTorch trains 1.21 times as fast as Keras (keras-tensorflow) (95 % interval 1.17 to 1.25)"
    assert f"{speed}, stock (reference CNN, track default, batch 128)." in shown


def test_what_is_not_resolved_is_in_no_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(sample.write(tmp_path / "dlpulse.duckdb", "full"))) as connection:
        connection.execute("update fct_bench_ratios set resolved = false")
    shown = words(opened(monkeypatch, tmp_path))
    assert "trains" not in shown.replace("Which framework trains faster on this machine is not resolved", "")


def test_the_overview_lays_trend_beside_speed(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), **{"stars-view": ["Table"], "speeds-view": ["Table"]})
    assert "#### Observed stars, total" in words(app)
    speeds = next(frame.value for frame in app.dataframe if "parity_proved" in frame.value)
    assert list(speeds["engine"]) == ["pytorch", "keras-tensorflow"] and set(speeds["tuning"]) == {"stock"}


def of_matched_track(path: Path, *tables: str) -> None:
    with duckdb.connect(str(sample.write(path / "dlpulse.duckdb", "full"))) as connection:
        for table in tables:
            connection.execute(f"update {table} set track = 'matched'")


def test_the_proof_told_is_that_of_the_track_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_matched_track(tmp_path, "fct_bench_results", "fct_bench_trials", "meta_parity")
    shown = words(opened(monkeypatch, tmp_path, "views/benchmarks.py"))
    assert "(layers, logits, loss, gradients and training steps, in float64): keras-tensorflow and pytorch." in shown


def test_the_other_track_s_proof_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_matched_track(tmp_path, "fct_bench_results", "fct_bench_trials")
    app = opened(monkeypatch, tmp_path, "views/benchmarks.py")
    assert "No parity proof is stored with this run" in app.warning[0].value
    assert "Proved to be the same network" not in words(app)


def test_tracks_and_batch_sizes_are_never_in_one_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(sample.write(tmp_path / "dlpulse.duckdb", "full"))) as connection:
        for table in ("fct_bench_results", "fct_bench_trials"):
            value = "median" if table.endswith("results") else "value"
            copies = f"insert into {table} select * replace ({{}}, {value} * 10 as {value}) from {table} where {{}}"
            connection.execute(copies.format("'matched' as track", "phase = 'training'"))
            connection.execute(copies.format("512 as batch_size", "track = 'default' and phase = 'training'"))
    app = opened(monkeypatch, tmp_path, "views/benchmarks.py")
    assert "#### Stock: pytorch 2,032 and keras-tensorflow 1,680 images/s" in words(app)
    app.button_group(key="batch").set_value("512").run()
    assert "#### Stock: pytorch 20,325 and keras-tensorflow 16,795 images/s" in words(app)
    app.button_group(key="track").set_value("matched").run()
    assert "#### Stock: pytorch 20,325 and keras-tensorflow 16,795 images/s" in words(app)
    assert "track matched" in words(app)


def test_a_rerun_notices_a_newly_published_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample.write(tmp_path / "dlpulse.duckdb", "half")
    app = opened(monkeypatch, tmp_path, "views/stars.py")
    assert "No observed stars are known yet." in words(app)
    sample.write(tmp_path / "next.duckdb", "full").replace(tmp_path / "dlpulse.duckdb")
    app.run()
    assert "No observed stars are known yet." not in words(app)
    assert len(charts(app)) == 1


def test_sums_that_do_not_agree_are_shown_beside_the_retained_stars_only(
    sample_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(shutil.copytree(sample_home("full"), tmp_path / "home"))
    with duckdb.connect(str(home / "dlpulse.duckdb")) as connection:
        connection.execute("""
            insert into rpt_star_sums values
            ('keras-team/keras', 'keras', '2026-11-20 10:00', 60000, 64244, -4244, 64.2, false, 'r1'),
            ('pytorch/pytorch', 'pytorch', '2026-11-19 10:00', 1, 102530, -102529, 102.5, false, 'r2'),
            ('pytorch/pytorch', 'pytorch', '2026-11-20 10:00', 102530, 102530, 0, 102.5, true, 'r3')
        """)
    app = opened(monkeypatch, home, "views/stars.py", estimator=["retained"])
    told = [warning.value for warning in app.warning]
    line = "keras-team/keras: the star history adds up to 60,000, its record says 64,244 (read 20 Nov 2026)."
    assert told == [line]
    assert not opened(monkeypatch, home, "views/stars.py", estimator=["observed"]).warning


def test_papers_says_which_frameworks_are_named_together(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/papers.py")
    # Every second paper names Keras, every fourth TensorFlow; all of them name PyTorch.
    assert "#### 100 % of the papers that name Keras name PyTorch too" in words(app)
    cells = table_of(app, "together")
    shares = dict(zip(zip(cells["name"], cells["beside"], strict=True), cells["share"], strict=True))
    assert shares["PyTorch", "Keras"] == 170 / 340 and shares["Keras", "TensorFlow"] == 85 / 170
    assert shares["TensorFlow", "Keras"] == 1.0 and ("Keras", "Keras") not in shares


def test_papers_of_one_year_alone(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/papers.py")
    app.selectbox(key="year").set_value("2025").run()
    assert "Of the papers of 2025 that name the framework at the left" in words(app)
    cells = table_of(app, "together")
    assert set(cells.loc[cells["name"] == "PyTorch", "papers"]) == {122}


def test_papers_lists_the_papers_with_their_addresses(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/papers.py")
    app.button_group(key="framework").set_value(["Keras"]).run()
    listed = app.dataframe[0].value
    assert len(listed) == 170 and listed["arxiv_id"].iloc[0].startswith("https://arxiv.org/abs/2610.")
    assert set(listed["names"]) == {"Keras, PyTorch", "Keras, PyTorch, TensorFlow"}
    assert listed["submitted_on"].is_monotonic_decreasing
    assert "Papers that name Keras, newest first." in words(app)


def test_full_text_figures_are_a_measure_of_their_own(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/papers.py")
    app.selectbox(key="papers").set_value("full text · ML papers").run()
    assert "Source: cited figure" in words(app)
    assert set(table_of(app, "papers")["measure"]) == {"full_text"}


def test_downloads_are_of_whole_months_and_packages_are_not_added_up(
    sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/usage.py")
    assert "## tensorflow 1.4 million · Keras 1.1 million · tf-nightly 56,000 downloads in Feb 2026" in words(app)
    drawn = table_of(app, "downloads")
    # March lacks a day, April is not over.
    assert set(drawn["day"].dt.strftime("%Y-%m")) == {"2026-01", "2026-02"}
    assert set(drawn["label"]) == {"tensorflow", "tf-nightly", "Keras"}
    assert drawn.loc[drawn["package"] == "keras", "value"].tolist() == [31 * 40_000, 28 * 40_000]
    app.button_group(key="source").set_value("conda").run()
    assert app.dataframe[0].value["value"].tolist() == [120_000]


def test_questions_are_shares_of_all_questions(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/usage.py")
    assert "TensorFlow 0.90 % · Keras 0.30 % of Stack Overflow's questions in Oct 2026" in words(app)
    shares = table_of(app, "questions")
    # Asked for and not found is zero; PyTorch was not asked for.
    assert set(shares.loc[shares["framework_id"] == "cntk", "share"]) == {0.0}
    assert "pytorch" not in set(shares["framework_id"])


def test_the_scatter_lays_popularity_beside_speed(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/performance.py")
    shown = table_of(app, "performance").set_index("framework_id")
    assert set(shown.index) == {"keras", "pytorch"}
    assert shown.loc["pytorch", "speed"] == 2032.5 and shown.loc["pytorch", "popularity"] > 90_000
    assert "## PyTorch leads both: GitHub stars, observed, and speed on this machine" in words(app)
    app.button_group(key="tuning").set_value("tuned").run()
    # PyTorch's tuned launches are too noisy to be ranked: nobody leads.
    assert "## Is the popular one the fast one?" in words(app)


def test_the_scatter_shows_sql_that_anybody_can_run(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home = sample_home("full")
    app = opened(monkeypatch, home, "views/performance.py")
    with duckdb.connect(str(home / "dlpulse.duckdb"), read_only=True) as connection:
        rows = connection.execute(app.code[0].value).df()
    shown = table_of(app, "performance")
    assert rows["speed"].tolist() == shown["speed"].tolist() and len(rows) == 2


def test_the_scatter_knows_what_was_known_then(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/performance.py")
    today = table_of(app, "performance").set_index("framework_id")["popularity"]
    day = app.slider(key="known")
    assert (_date(day.proto.min), day.value) == ("2026-11-18", date(2026, 11, 22))
    day.set_value(date(2026, 11, 19)).run()
    then = app.dataframe[0].value.set_index("framework_id")["popularity"]
    assert "frameworks_as_of('2026-11-20')" in app.code[0].value
    assert (then * 2 - today).abs().max() <= 1


def test_data_tells_what_is_fresh_missing_and_failed(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/data.py")
    fresh, missing, schema, runs = (frame.value for frame in app.dataframe)
    assert fresh.set_index("source").loc["stars", "refused"] == 1
    assert "GH Archive captures only a part" in set(missing["why"])
    assert not schema.empty
    assert runs["error"].tolist() == ["", "two windows left"] and runs["took_s"].iloc[0] == 12.5
    app.selectbox(key="table").set_value("fct_stars").run()
    assert "Star counts, three kinds, never spliced." in words(app)
    described = app.dataframe[2].value.set_index("name")["description"]
    assert described["stars"] == "Cumulative stars; NULL where not known."


def test_which_to_learn_first_is_left_to_the_reader(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/first.py")
    assert "## Which should I learn first? It depends on what counts for you" in words(app)
    assert len(charts(app)) == 1 and app.info[0].value.startswith("Move a slider")
    app.slider(key="weigh-speed").set_value(2)
    app.slider(key="weigh-popularity").set_value(1).run()
    assert "## Under your weights: PyTorch 0.82 · Keras 0.66" in words(app)
    assert len(charts(app)) == 2 and "TensorFlow (speed)" in words(app)
    shown = table_of(app, "weighed").set_index("label")
    assert list(shown.index) == ["PyTorch", "Keras"]
    assert shown.loc["PyTorch", "speed"] == pytest.approx(2 / 3)
    assert not app.exception


def asked(app: AppTest, sql: str) -> AppTest:
    app.text_area[0].set_value(sql)
    return next(button for button in app.button if button.label == "Run").click().run()


def test_the_sql_box_answers_and_refuses_as_the_command_does(
    sample_home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/data.py")
    app = asked(app, "select count(*) as frameworks from dim_frameworks")
    assert app.dataframe[2].value["frameworks"].tolist() == [11]
    target = tmp_path / "taken.csv"
    for attack in (f"copy dim_frameworks to '{target}'", "from read_text('/etc/passwd')", "delete from dim_frameworks"):
        app = asked(app, attack)
        assert len(app.error) == 1 and "passwd" not in app.error[0].value and not target.exists()
    assert not app.exception


def test_the_sql_box_begins_with_a_worked_query(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, sample_home("full"), "views/data.py")
    app.selectbox(key="query").set_value("rank").run()
    assert app.text_area[0].value.startswith("-- Rank")


def test_a_single_launch_is_called_too_few_and_not_noisy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(sample.write(tmp_path / "dlpulse.duckdb", "cited"))) as connection:
        connection.execute("update fct_bench_results set n = 1, noisy = false, rankable = false")
    app = opened(monkeypatch, tmp_path, "views/benchmarks.py")
    told = words(app)
    assert "#### Stock: not ranked" in told and "Fewer than 3 launches tell no noise: nothing is ranked." in told
    assert "No result is noisy" not in told
    drawn = json.dumps(charts(app))
    assert "too noisy" not in told.replace("What is too noisy, or of", "") and "noisy, not ranked" not in drawn


def test_the_article_s_claims_stand_with_verdict_reason_and_sql(
    sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = sample_home("full")
    app = opened(monkeypatch, home, "views/article.py")
    shown = words(app)
    assert re.search(r"The article of 2018, for 30 Jun 2018: \d+ parts reproduced, \d+ contradicted", shown)
    assert "1. Keras has more than 31,000 stars on GitHub" in shown and "✓ reproduced" in shown
    app.button_group(key="on").set_value("22 Nov 2026").run()
    assert "for 22 Nov 2026" in words(app) and "counted on 2026-08-22" in words(app)
    app.selectbox(key="claim").select_index(1).run()
    assert "date '2026-11-22'" in app.code[0].value
    with duckdb.connect(str(home / "dlpulse.duckdb"), read_only=True) as connection:
        rows = connection.execute(app.code[0].value).df()
    assert list(rows["part"]) == ["keras", "pytorch"] and rows["holds"].all()


def test_a_name_full_of_markdown_is_shown_as_it_is() -> None:
    shown = page.plain("![x](http://y) :red[z] `a` *b* $c$")
    assert shown == r"\!\[x\](http\://y) \:red\[z\] \`a\` \*b\* \$c\$"
