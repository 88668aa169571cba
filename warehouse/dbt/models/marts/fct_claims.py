"""The article's claims as they stood in June 2018 and stand on the newest day, each decided by its own query."""

import pyarrow as pa

from warehouse import claims


def model(dbt, session):
    dbt.config(materialized="fresh_table")
    # What the claims' statements read; dbt must know it to build them first.
    dbt.ref("dim_frameworks")
    dbt.ref("dim_repos")
    dbt.ref("fct_stars")
    dbt.ref("fct_repo_days")
    dbt.ref("fct_mentions")
    dbt.ref("fct_mentions_monthly")
    dbt.ref("fct_releases")
    dbt.ref("fct_survey_shares")
    dbt.ref("fct_bench_trials")
    dbt.ref("fct_bench_ratios")
    dbt.ref("fct_bench_cited")
    dbt.ref("meta_parity")
    ((today,),) = dbt.ref("int_today").fetchall()

    def ask(sql):
        return session.sql(sql).to_arrow_table().to_pylist()

    days = dict.fromkeys(day for day in (claims.ARTICLE_DAY, today) if day is not None)
    rows = [row for day in days for row in claims.judged(ask, day)]
    kinds = {name: pa.date32() if name == "valid_on" else pa.string() for name in claims.COLUMNS}
    return pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))
