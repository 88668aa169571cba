-- Retained stars are cumulated within a run of days without gap. When the newest run reaches back to the repository's
-- creation, `stars` is the sum from the beginning; until then it is the last count that GitHub gave before the newest of
-- these days was read, less the days that came later. Where GitHub's days add up to more than its count, which happens, the
-- stars before them are taken as none: no count is below zero. Days before a gap have no cumulative count: absent is not
-- zero.
{{ config(materialized="ephemeral") }}
with days as (
    select
        *,
        day - (row_number() over (partition by repo_id order by day))::integer as island
    from {{ ref('hist_star_days') }}
    where known_to is null
),

islands as (
    select
        repo_id,
        island,
        min(day) as first_day,
        max(day) as last_day,
        max(known_from) as read_at
    from days
    group by repo_id, island
),

newest as (
    select *
    from islands
    qualify row_number() over (partition by repo_id order by last_day desc) = 1
),

anchors as (
    select
        counts.repo_id,
        arg_max(counts.stars, counts.known_from) as stars
    from {{ ref('hist_star_counts') }} as counts
    inner join newest on counts.repo_id = newest.repo_id and counts.known_from <= newest.read_at
    where counts.source = 'github'
    group by counts.repo_id
),

final as (
    select
        repos.framework_id,
        days.repo_id,
        days.day,
        'retained' as estimator,
        case
            when days.island <> newest.island then null
            when newest.first_day <= repos.created_on
                then sum(days.stars_added) over upward
            else
                anchors.stars
                - least(anchors.stars, sum(days.stars_added) over whole)
                + sum(days.stars_added) over upward
        end::bigint as stars,
        days.stars_added,
        days.is_partial,
        null::bigint as rounded_to,
        'github' as source,
        days.known_from as known_at,
        days.response_id
    from days
    inner join {{ ref('dim_repos') }} as repos on days.repo_id = repos.repo_id
    inner join newest on days.repo_id = newest.repo_id
    left join anchors on days.repo_id = anchors.repo_id
    window
        whole as (partition by days.repo_id, days.island),
        upward as (
            partition by days.repo_id, days.island
            order by days.day
            rows between unbounded preceding and current row
        )
)

select * from final
