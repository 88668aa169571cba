"""What must hold inside one published file, asked in one statement by DuckDB 2.0, its command line 1.5, or dlpulse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

CLI = Path(sys.executable).with_name("duckdb")
# One row: how many archived answers the file was made of, then counts of what contradicts something else in it.
WHOLE = """
with facts as (
    select response_id, known_at from fct_stars
    union all by name
    select response_id, known_at from fct_downloads
    union all by name
    select response_id, known_at from fct_papers
    union all by name
    select response_id, known_at from fct_repo_days
    union all by name
    select response_id from fct_mentions
    union all by name
    select response_id from fct_questions_monthly
    union all by name
    select response_id from rpt_framework_figures
),
answers as (
    select * from meta_responses where run_id is not null
),
asked as (
    select run_id, count(*) filter (where status is not null) as requests from answers group by run_id
),
days as (
    select repo_id, day, stars_added from fct_stars where estimator = 'retained' and source = 'github'
),
history as (
    select repo_id, day, stars_added
    from hist_star_days join dim_repos using (repo_id)
    where known_to is null and (created_on is null or day >= created_on or stars_added > 0)
)
select
    (select count(*) from answers) as answers,
    (select count(*) - count(distinct response_id) from meta_responses) as repeated,
    (select count(*) from facts anti join meta_responses using (response_id) where response_id is not null) as orphans,
    (select count(*) from facts where known_at > (select max(fetched_at) from meta_responses)) as too_new,
    (select count(*) from answers anti join meta_runs using (run_id)) as without_run,
    (select count(*) from meta_runs join asked using (run_id) where meta_runs.requests <> asked.requests) as miscounted,
    (select count(*) from ((from days except all from history) union all (from history except all from days))) as apart,
    (select count(*) from (select framework_id from dim_frameworks except all select framework_id from rpt_frameworks))
        as unreported
"""
COUNTS = "answers repeated orphans too_new without_run miscounted apart unreported"


def answers_in(row: dict[str, Any]) -> int:
    """Return how many answers the file was made of, when nothing in its row of WHOLE contradicts itself."""
    faults = {name: count for name, count in row.items() if name != "answers" and count != 0}
    assert not faults, f"the file contradicts itself: {faults}"
    return int(row["answers"])


def by_python(database: Path) -> int:
    """Ask with the Python library, in a connection of its own."""
    with duckdb.connect(str(database), read_only=True) as connection:
        (row,) = connection.sql(WHOLE).to_arrow_table().to_pylist()
    return answers_in(row)


def by_command_line(database: Path) -> int:
    """Ask with DuckDB's own command line, which is a version older."""
    command = [str(CLI), "-readonly", "-json", str(database), "-c", WHOLE]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    (row,) = json.loads(told.stdout)
    return answers_in(row)
