-- GitHub tells a repository's stars twice: as a count in its record, and day by day. Where a run read both and the
-- whole life is known, their sums must agree; a difference beyond the tolerance is shown here, never smoothed away.
with responses as (
    select
        response_id,
        run_id
    from {{ ref('stg_raw__responses') }}
),

records as (
    select
        records.*,
        responses.run_id
    from {{ ref('stg_github__repo_records') }} as records
    inner join responses on records.response_id = responses.response_id
),

-- Runs that read the running day, which is the first page.
pages as (
    select
        repo_id,
        run_id,
        max(fetched_at) as read_until
    from {{ ref('stg_github__star_pages') }}
    group by repo_id, run_id
    having bool_or(has_today)
),

tellings as (
    select
        *,
        lag(stars_added) over (partition by repo_id, day order by known_from, response_id) as told_before
    from {{ ref('hist_star_days') }}
),

changes as (
    select
        repo_id,
        known_from,
        sum(stars_added - coalesce(told_before, 0)) as stars,
        count(*) filter (where told_before is null) as days,
        min(day) as first_day,
        max(day) as last_day
    from tellings
    group by repo_id, known_from
),

sums as (
    select
        repo_id,
        known_from,
        (sum(stars) over upward)::bigint as stars,
        sum(days) over upward as days,
        min(first_day) over upward as first_day,
        max(last_day) over upward as last_day
    from changes
    window upward as (partition by repo_id order by known_from rows between unbounded preceding and current row)
),

compared as (
    select
        records.repo_id,
        repos.framework_id,
        records.fetched_at as read_at,
        sums.stars as stars_summed,
        records.stars as stars_recorded,
        sums.stars - records.stars as difference,
        greatest(2.0, records.stars * 0.001)::double as tolerance,
        records.response_id
    from records
    inner join {{ ref('dim_repos') }} as repos on records.repo_id = repos.repo_id
    inner join pages on records.repo_id = pages.repo_id and records.run_id = pages.run_id
    asof inner join sums on pages.repo_id = sums.repo_id and pages.read_until >= sums.known_from
    where sums.first_day <= records.created_on and sums.last_day - sums.first_day + 1 = sums.days
),

final as (
    select
        repo_id,
        framework_id,
        read_at,
        stars_summed,
        stars_recorded,
        difference,
        tolerance,
        abs(difference) <= tolerance as agrees,
        response_id
    from compared
    -- Change-only: the first comparison of each outcome, since most runs find what the one before found.
    qualify
        row(stars_summed, stars_recorded)
        is distinct from lag(row(stars_summed, stars_recorded)) over (
            partition by repo_id order by read_at, response_id
        )
)

select * from final
