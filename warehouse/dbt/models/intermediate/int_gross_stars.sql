-- Gross stars: star events per UTC day, summed over every name that the repository had, on days for which all of those
-- names were read to the end (hour files: all 24 hours). Which name a day's events stand under is not known, so all count
-- that the registry holds or GitHub ever told; one that GitHub replaced only up to that day, as someone else may take it
-- then. A day read without an event is zero; a day not read has no row,
-- nor has one of which events were lost. Days before the repository's creation are not its own.
--
-- `stars` is the sum from the beginning, given only while every day since the creation was read; star events are
-- recorded since 2011-02-12. After days of which events were lost, it holds those that were captured: a floor.
--
-- `known_at` is when the last part of the row came to be what it is: the names, the day of creation, the day's own events,
-- and those of all days before it where `stars` is their sum.
{{ config(materialized="ephemeral") }}
with days as (
    select
        source,
        repo_name,
        day,
        sum(stars_added) as stars_added,
        bool_or(is_incomplete) as is_incomplete,
        max(known_from) as known_from,
        arg_max(response_id, (known_from, response_id)) as response_id
    from {{ ref('hist_star_events') }}
    where known_to is null
    group by source, repo_name, day
    having bool_or(hour is null) or count(hour) = 24
),

repo_names as (
    select
        repo_id,
        repo_name,
        coalesce(known_to::date, date '9999-12-31') as until,
        list(coalesce(known_to::date, date '9999-12-31')) over (partition by repo_id) as untils
    from {{ ref('dim_repo_names') }}
),

covered as (
    select
        repos.framework_id,
        repo_names.repo_id,
        repos.created_on,
        days.source,
        days.day,
        sum(days.stars_added)::bigint as stars_added,
        bool_or(days.is_incomplete) as is_incomplete,
        max(days.known_from) as known_from,
        arg_max(days.response_id, (days.known_from, days.response_id)) as response_id
    from days
    inner join repo_names on days.repo_name = repo_names.repo_name and days.day <= repo_names.until
    inner join {{ ref('dim_repos') }} as repos on repo_names.repo_id = repos.repo_id
    where repos.created_on is null or days.day >= repos.created_on
    group by
        repos.framework_id,
        repo_names.repo_id,
        repo_names.untils,
        repos.created_on,
        days.source,
        days.day
    having count(*) = len(list_filter(repo_names.untils, lambda until: until >= days.day))
),

cumulated as (
    select
        *,
        created_on >= date '2011-02-12' and count(*) over upward = day - created_on + 1 as is_from_the_beginning,
        sum(stars_added) over upward as stars,
        max(known_from) over upward as days_known_from
    from covered
    window upward as (
        partition by repo_id, source
        order by day
        rows between unbounded preceding and current row
    )
)

select
    cumulated.framework_id,
    cumulated.repo_id,
    cumulated.day,
    'gross' as estimator,
    case when cumulated.is_from_the_beginning then cumulated.stars end::bigint as stars,
    cumulated.stars_added,
    false as is_partial,
    null::bigint as rounded_to,
    cumulated.source,
    greatest(
        case when cumulated.is_from_the_beginning then cumulated.days_known_from else cumulated.known_from end,
        changes.creation_known_from,
        changes.name_known_from
    ) as known_at,
    cumulated.response_id
from cumulated
left join {{ ref('int_repo_changes') }} as changes on cumulated.repo_id = changes.repo_id
where not cumulated.is_incomplete
