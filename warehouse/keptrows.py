"""What a published database still tells of the answers that it was made of: the queries of `dlpulse raw restore`.

A history keeps the readings that told something new. So each query yields, for each such reading, the row of the parsed
table as it was known at that moment; what repeated it tells nothing more. Rows that stood for no time at all, as two
readings at the same instant leave them, are not among it: which came last would be chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from warehouse.parse.restored import columns_of

# Of each instant at which a record told something new. The day's forks are those of its last change: earlier ones are
# not in the database.
_REPO_RECORDS = """
with readings as (
    select repo_id, known_from as fetched_at, response_id from hist_repos
    union all
    select repo_id, known_from, response_id
    from hist_star_counts
    where source = 'github' and not starts_with(response_id, 'cited:')
    union all
    select repo_id, known_at, response_id from fct_repo_days
),

instants as (
    select repo_id, fetched_at, min(response_id) as response_id
    from readings
    group by repo_id, fetched_at
)

select
    'github:repo_records:' || instants.repo_id as subject,
    instants.response_id,
    instants.fetched_at,
    instants.repo_id,
    repos.github_id,
    repos.full_name,
    counts.stars,
    days.forks,
    days.open_issues,
    days.watchers,
    repos.archived,
    days.pushed_at,
    repos.created_on
from instants
inner join hist_repos as repos
    on
        instants.repo_id = repos.repo_id
        and instants.fetched_at >= repos.known_from
        and (repos.known_to is null or instants.fetched_at < repos.known_to)
inner join hist_star_counts as counts
    on
        instants.repo_id = counts.repo_id
        and instants.fetched_at::date = counts.day
        and counts.source = 'github'
        and instants.fetched_at >= counts.known_from
        and (counts.known_to is null or instants.fetched_at < counts.known_to)
left join fct_repo_days as days
    on
        instants.repo_id = days.repo_id
        and instants.fetched_at::date = days.day
        and instants.fetched_at >= days.known_at
"""
# A page tells whole weeks: those of which a day changed, as they were known then. Days to come are zeros, as GitHub has
# them.
_STAR_DAYS = """
with changed as (
    select
        repo_id,
        day - dayofweek(day)::integer as week,
        known_from as fetched_at,
        min(response_id) as response_id
    from hist_star_days
    where known_to is null or known_from < known_to
    group by all
)

select
    'github:star_days:' || changed.repo_id as subject,
    changed.response_id,
    changed.fetched_at,
    changed.repo_id,
    changed.week,
    changed.week + numbers.number as day,
    coalesce(days.stars_added, 0) as stars_added
from changed
cross join (select unnest(range(7))::integer as number) as numbers
left join hist_star_days as days
    on
        changed.repo_id = days.repo_id
        and changed.week + numbers.number = days.day
        and changed.fetched_at >= days.known_from
        and (days.known_to is null or changed.fetched_at < days.known_to)
"""
# A package of two frameworks stands there twice.
_DOWNLOADS = """
select distinct
    source || ':package_downloads' as subject,
    response_id,
    known_from as fetched_at,
    source as provider,
    package,
    granularity,
    mirrors,
    day,
    downloads
from hist_downloads
where known_to is null or known_from < known_to
"""
_QUESTIONS = """
select
    'stackexchange:question_counts' as subject,
    response_id,
    known_from as fetched_at,
    tag,
    month,
    questions
from hist_questions
where known_to is null or known_from < known_to
"""
# dim_devices does not say from which answer it is: that of the device's newest run, or the newest of all.
_DEVICES = """
with told as (
    select response_id, run_id, fetched_at
    from meta_responses
    where source in ('bench', 'restored') and subject in ('device', 'bench:bench_devices') and rejected is null
),

measured as (
    select distinct rows.device_id, answers.run_id
    from (
        select device_id, response_id from fct_bench_trials
        union
        select device_id, response_id from fct_bench_epochs
        union
        select device_id, response_id from fct_bench_bounds
    ) as rows
    inner join meta_responses as answers using (response_id)
)

select
    'bench:bench_devices' as subject,
    told.response_id,
    told.fetched_at,
    told.run_id,
    devices.*
from dim_devices as devices
left join measured using (device_id)
cross join told
qualify
    row_number() over (
        partition by devices.device_id
        order by told.run_id is not distinct from measured.run_id desc, told.fetched_at desc, told.response_id desc
    ) = 1
"""


def _bench(table: str, mart: str, columns: str = "*") -> str:
    """Return the query for a table of the benchmark, of which its mart has every row."""
    return f"""
        select 'bench:{table}' as subject, rows.response_id, answers.fetched_at, rows.* exclude (response_id)
        from (select {columns} from {mart}) as rows
        inner join meta_responses as answers using (response_id)
    """


KEPT: Mapping[str, str] = MappingProxyType(
    {
        "repo_records": _REPO_RECORDS,
        "star_days": _STAR_DAYS,
        "package_downloads": _DOWNLOADS,
        "question_counts": _QUESTIONS,
        "bench_devices": _DEVICES,
        "bench_parity": _bench("bench_parity", "meta_parity"),
        "bench_trials": _bench("bench_trials", "fct_bench_trials"),
        "bench_epochs": _bench("bench_epochs", "fct_bench_epochs", "*, 'learning' as trial_kind"),
        "bench_bounds": _bench("bench_bounds", "fct_bench_bounds"),
    }
)
"""The query of each table that can be restored: subject, response_id, fetched_at, and the table's columns."""


def query_of(table: str) -> str:
    """Return the query of a table: each `row`, with the answer that it came from; an answer's rows stand together."""
    told = ", ".join(f"'{column.name}': told.{column.name}" for column in columns_of(table))
    return f"""
        select
            told.subject,
            told.response_id,
            told.fetched_at,
            answers.run_id as of_run,
            answers.url,
            answers.source as of_source,
            answers.subject as of_subject,
            answers.body_sha256,
            {{{told}}} as row
        from ({KEPT[table]}) as told
        inner join meta_responses as answers on told.response_id = answers.response_id
        where answers.run_id is not null
        order by of_run, told.response_id, told.subject, row
    """


# When each run began and ended, by its first and last answer. So the runs of a benchmark are known from when they were.
RUNS = """
select run_id, min(fetched_at) as started_at, max(fetched_at) as finished_at
from meta_responses
where run_id is not null
group by run_id
"""
# What is asked again: its rows in the database, and by what.
ASKED_AGAIN: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "papers": ("select count(*) from fct_papers", "dlpulse collect papers"),
        "releases": ("select count(*) from fct_releases", "dlpulse collect releases"),
        "rankings": (
            "select count(*) from hist_star_counts where source = 'EvanLi' and not starts_with(response_id, 'cited:')",
            "dlpulse collect ranking",
        ),
        "star events": ("select count(*) from hist_star_events", "dlpulse collect events"),
        "surveys": (
            "select count(*) from fct_survey_shares where not starts_with(response_id, 'cited:')",
            "dlpulse collect surveys, dlpulse import survey",
        ),
        "implementations": ("select count(*) from fct_implementations_monthly", "dlpulse import survey"),
    }
)
