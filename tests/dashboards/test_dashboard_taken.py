"""What a figure's table shows, and its downloads hold, is what SQL over the published file says."""

from __future__ import annotations

import duckdb
import pytest

from tests.dashboards.conftest import Home
from tests.dashboards.test_dashboard_pages import opened, table_of

ENOUGH = "measure = 'title_abstract' and base = 'ml_papers' and denominator >= 20 and share is not null"
TAKEN = {
    "papers": (
        "select framework_id, day::date as month, papers, share, response_id from taken",
        f"""
            select framework_id, month, papers, share, response_id
            from fct_mentions_monthly
            where {ENOUGH} and month >= (select min(month) from fct_mentions_monthly where {ENOUGH} and share > 0)
        """,
    ),
    "surveys": (
        "select framework_id, label, respondents, share from taken",
        "select framework_id, label, respondents, share from fct_survey_shares "
        "where survey = 'kdnuggets' and year = 2018 and framework_id is not null",
    ),
    "downloads": (
        "select package, day::date as month, value::bigint as downloads from taken",
        "select package, date_trunc('month', day)::date, sum(downloads)::bigint from fct_downloads "
        "where source = 'clickhouse' and day < '2026-03-01' group by all",
    ),
    "questions": (
        "select framework_id, day::date as month, questions, share, response_id from taken",
        "select framework_id, month, questions, share, response_id from fct_questions_monthly where share is not null",
    ),
    "benchmarks": (
        "select engine, mode, versions, n, median, q1, q3, ci_low, ci_high, rankable from taken",
        "select engine, mode, versions, n, median, q1, q3, ci_low, ci_high, rankable from fct_bench_results where "
        "(phase, metric, tuning, track, batch_size) = ('training', 'images_per_s', 'stock', 'default', 128)",
    ),
}
FIGURES = {
    "papers": ("views/papers.py", "papers", "share", {}),
    "surveys": (
        "views/surveys.py",
        "survey",
        "respondents",
        {"population": ["KDnuggets: KDnuggets readers"], "year": ["2018"]},
    ),
    "downloads": ("views/usage.py", "downloads", "value", {}),
    "questions": ("views/usage.py", "questions", "questions", {}),
    "benchmarks": ("views/benchmarks.py", "training-stock", "median", {}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_what_a_figure_lets_one_take_along_is_what_sql_says(
    name: str, sample_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, figure, column, query = FIGURES[name]
    home, (drawn, known) = sample_home("full"), TAKEN[name]
    app = opened(monkeypatch, home, page, **query)
    table_of(app, figure)
    # A page has tables too that are no figure's.
    taken = next(frame.value for frame in app.dataframe if column in frame.value)
    with duckdb.connect(str(home / "dlpulse.duckdb"), read_only=True) as connection:
        connection.register("taken", taken)
        for left, right in ((drawn, known), (known, drawn)):
            assert connection.execute(f"({left}) except all ({right})").fetchall() == []
        assert len(connection.execute(known).fetchall()) == len(taken) > 0
