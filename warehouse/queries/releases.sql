-- Releases: how many days lie between them
-- Question: How often does each framework publish a release, and how long ago was the last one?
-- Read: median_days is the median of the days between one release and the next, longest_days the longest wait so
--   far. days_since_last counts to the day on which the lists were read last (read_on). Prereleases are left out.
-- Cannot tell: What a release holds. Repairs of older versions count like new ones, so several may fall on one day.
--   What was only tagged, or published elsewhere than on GitHub, is missing. A framework without a row has no
--   release known.
with releases as (
    select
        framework_id,
        released_on,
        released_on - lag(released_on) over (partition by framework_id order by released_on) as days_before
    from fct_releases
    where not is_prerelease
),

lists as (
    select max(fetched_at)::date as read_on
    from meta_responses
    where source = 'releases' and status in (200, 304)
),

final as (
    select
        frameworks.name,
        count(*) as releases,
        min(releases.released_on) as first_on,
        max(releases.released_on) as last_on,
        median(releases.days_before) as median_days,
        max(releases.days_before) as longest_days,
        lists.read_on - max(releases.released_on) as days_since_last,
        lists.read_on
    from releases
    inner join dim_frameworks as frameworks on releases.framework_id = frameworks.framework_id
    cross join lists
    group by frameworks.name, lists.read_on
)

select * from final
order by last_on desc, name
