"""The SQL contract (DESIGN §3): every promised table with its columns in their order and types, all of it described."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from warehouse import registry
from warehouse.build import build
from warehouse.settings import Settings

Read = Callable[[str], list[tuple[Any, ...]]]
# fct_claims is promised, too; it comes with issue 8.
CONTRACT = {
    "dim_frameworks": "framework_id varchar, name varchar, first_released_on date, status varchar, colour varchar",
    "dim_repos": "repo_id varchar, framework_id varchar, full_name varchar, former_names varchar[], github_id bigint,"
    " created_on date, archived boolean",
    "dim_devices": "device_id varchar, cpu varchar, cores integer, gpu varchar, memory_gib double, os varchar,"
    " python varchar, versions map(varchar, varchar)",
    "fct_stars": "framework_id varchar, repo_id varchar, day date, estimator varchar, stars bigint, stars_added bigint,"
    " is_partial boolean, rounded_to bigint, source varchar, known_at timestamp, response_id varchar",
    "fct_repo_days": "repo_id varchar, day date, forks bigint, open_issues bigint, watchers bigint, archived boolean,"
    " pushed_at timestamp, known_at timestamp, response_id varchar",
    "fct_papers": "arxiv_id varchar, submitted_on date, title varchar, primary_category varchar, categories varchar[],"
    " known_at timestamp, response_id varchar",
    "fct_mentions": "arxiv_id varchar, framework_id varchar, submitted_on date, in_title boolean, in_abstract boolean,"
    " rule_version varchar, response_id varchar",
    "fct_mentions_monthly": "framework_id varchar, month date, measure varchar, base varchar, papers bigint,"
    " denominator bigint, share double, response_id varchar",
    "fct_implementations_monthly": "framework_id varchar, month date, repositories bigint, share double",
    "fct_survey_shares": "survey varchar, year integer, population varchar, label varchar, framework_id varchar,"
    " respondents bigint, base bigint, share double, asked boolean, verified boolean, source_url varchar, read_on date,"
    " response_id varchar",
    "fct_downloads": "framework_id varchar, package varchar, source varchar, granularity varchar, mirrors boolean,"
    " day date, downloads bigint, known_at timestamp, response_id varchar",
    "fct_questions_monthly": "framework_id varchar, month date, questions bigint, total bigint, share double,"
    " response_id varchar",
    "fct_releases": "framework_id varchar, version varchar, released_on date, is_prerelease boolean,"
    " response_id varchar",
    "fct_bench_trials": "trial_id varchar, run_id varchar, device_id varchar, engine varchar, framework_id varchar,"
    " track varchar, mode varchar, tuning varchar, dataset varchar, phase varchar, batch_size integer,"
    " threads integer, precision varchar, seed bigint, metric varchar, value double, unit varchar,"
    " started_at timestamp, response_id varchar",
    "fct_bench_results": "run_id varchar, device_id varchar, engine varchar, framework_id varchar, track varchar,"
    " mode varchar, tuning varchar, dataset varchar, phase varchar, batch_size integer, threads integer,"
    " precision varchar, metric varchar, unit varchar, n bigint, median double, q1 double, q3 double, ci_low double,"
    " ci_high double, noisy boolean, rankable boolean, parity_proved boolean",
    "fct_bench_ratios": "device_id varchar, track varchar, tuning varchar, dataset varchar, phase varchar,"
    " batch_size integer, threads integer, precision varchar, engine_a varchar, mode_a varchar, engine_b varchar,"
    " mode_b varchar, metric varchar, ratio double, low double, high double, n bigint, p_value double",
    "fct_claims": "claim_id varchar, claim varchar, stated_value varchar, valid_on date, measured_value varchar,"
    " verdict varchar, reason varchar, evidence_sql varchar",
    "fct_coverage": "source varchar, subject varchar, period_start date, period_end date, state varchar, note varchar",
    "rpt_star_disagreement": "framework_id varchar, day date, observed bigint, retained bigint, gross bigint,"
    " retained_per_observed double, gross_per_observed double, retained_per_gross double",
    "rpt_frameworks": "framework_id varchar, name varchar, stars_observed bigint, stars_retained bigint,"
    " stars_growth_12m double, paper_share double, paper_growth_12m double, survey_share double, downloads_30d bigint,"
    " question_share double, last_release_on date, device_id varchar, train_images_per_s double,"
    " infer_images_per_s double",
    "meta_runs": "run_id varchar, job varchar, started_at timestamp, finished_at timestamp, requests bigint,"
    " rows bigint, error varchar",
    "meta_responses": "response_id varchar, run_id varchar, source varchar, subject varchar, url varchar,"
    " fetched_at timestamp, status integer, bytes bigint, body_sha256 varchar, part varchar, revalidates varchar",
}
# What the file gives beyond the promise.
MORE = {
    "fct_bench_trials": {"device", "versions", "stack", "control", "trial_kind"},
    "fct_bench_results": {"device", "versions", "stack"},
    "fct_bench_ratios": {
        *("run_id", "device", "versions_a", "stack_a", "versions_b", "stack_b"),
        *("p_holm", "rankable", "control_gap", "resolved"),
    },
    "fct_implementations_monthly": {"response_id"},
    "meta_responses": {"rejected"},
}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Publish the warehouse of an empty home, and return a function from SQL to rows."""
    home = tmp_path_factory.mktemp("contract")
    settings = Settings(home=home, raw=home / "raw")
    build(settings, registry.load(settings))

    def rows(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(settings.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return rows


@pytest.mark.parametrize("table", CONTRACT)
def test_a_promised_table_has_its_columns_in_their_order_and_types(read: Read, table: str) -> None:
    sql = f"select column_name, data_type from duckdb_columns() where table_name = '{table}' order by column_index"
    columns = [(name, kind.lower()) for name, kind in read(sql)]
    promised = ", ".join(f"{name} {kind}" for name, kind in columns if name not in MORE.get(table, set()))
    assert promised == CONTRACT[table]


def test_every_table_and_column_is_described(read: Read) -> None:
    assert read("select table_name from duckdb_tables() where trim(coalesce(comment, '')) = ''") == []
    columns = "select table_name, column_name from duckdb_columns() where trim(coalesce(comment, '')) = ''"
    assert read(f"{columns} and not internal") == []


def test_every_fact_has_its_response_id(read: Read) -> None:
    facts = "select table_name from duckdb_tables() where table_name like 'fct\\_%' escape '\\'"
    with_origin = "select table_name from duckdb_columns() where column_name = 'response_id'"
    assert read(f"{facts} except {with_origin} order by 1") == [
        ("fct_bench_learning",),
        ("fct_bench_ratios",),
        ("fct_bench_results",),
        ("fct_claims",),
        ("fct_coverage",),
    ], "these are made of many answers"


@pytest.mark.parametrize(
    ("macro", "mart"),
    [("stars_as_of", "fct_stars"), ("mentions_as_of", "fct_mentions"), ("frameworks_as_of", "rpt_frameworks")],
)
def test_a_macro_has_the_columns_of_its_mart_and_a_comment_that_names_it(read: Read, macro: str, mart: str) -> None:
    columns = "select column_name, column_type from (describe from {})"
    assert read(columns.format(f"{macro}(now()::timestamp)")) == read(columns.format(mart))
    ((comment,),) = read(f"select comment from duckdb_functions() where function_name = '{macro}'")
    assert comment.startswith(f"{mart} as it was known at ts")
