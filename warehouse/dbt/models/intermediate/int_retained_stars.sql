-- Retained stars are cumulated within a run of days without gap. When the newest run reaches back to the repository's
-- creation, `stars` is the sum from the beginning; until then it is the last count that GitHub gave before the newest of
-- these days was read, less the days that came later. Where GitHub's days add up to more than its count, which happens, the
-- stars before them are taken as none: no count is below zero. Days before a gap have no cumulative count: absent is not
-- zero. GitHub's first week begins before the repository: its zeros until then are none. A day with a star is kept: the
-- creation's Pacific day may be the one before that of UTC.
--
-- `known_at` is when the last part of the row came to be what it is. The sum is made of the day and all before it, and is
-- one since the days after it join on to the newest; the count less later days is made of all days of the run, for the
-- newest reading among them decides which count is taken; without a count it is since a later day was read beyond the gap.
{{ config(materialized="ephemeral") }}
with told as (
    select
        *,
        min(known_from) over (partition by repo_id, day) as first_known_from
    from {{ ref('hist_star_days') }}
    qualify known_to is null
),

days as (
    select
        *,
        day - (row_number() over (partition by repo_id order by day))::integer as island,
        -- Of a day read after one that follows it: until then there was a gap.
        case
            when
                first_known_from > min(first_known_from) over (
                    partition by repo_id order by day rows between 1 following and unbounded following
                )
                then first_known_from
        end as gap_until
    from told
),

islands as (
    select
        repo_id,
        island,
        min(day) as first_day,
        max(day) as last_day,
        max(known_from) as read_at,
        min(first_known_from) as first_known_from
    from days
    group by repo_id, island
),

gaps as (
    select
        repo_id,
        island,
        min(first_known_from) over (
            partition by repo_id order by island rows between 1 following and unbounded following
        ) as gap_from
    from islands
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
        case
            when days.island <> newest.island then greatest(days.known_from, gaps.gap_from)
            when newest.first_day <= repos.created_on
                then greatest(
                    max(days.known_from) over upward, max(days.gap_until) over onward, changes.creation_known_from
                )
            else greatest(newest.read_at, changes.creation_known_from)
        end as known_at,
        days.response_id
    from days
    inner join {{ ref('dim_repos') }} as repos on days.repo_id = repos.repo_id
    inner join newest on days.repo_id = newest.repo_id
    inner join gaps on days.repo_id = gaps.repo_id and days.island = gaps.island
    left join anchors on days.repo_id = anchors.repo_id
    left join {{ ref('int_repo_changes') }} as changes on days.repo_id = changes.repo_id
    window
        whole as (partition by days.repo_id, days.island),
        upward as (
            partition by days.repo_id, days.island
            order by days.day
            rows between unbounded preceding and current row
        ),
        onward as (
            partition by days.repo_id, days.island
            order by days.day
            rows between 1 following and unbounded following
        )
    qualify repos.created_on is null or days.day >= repos.created_on or days.stars_added > 0
)

select * from final
