-- Releases: how many days lie between them
-- Question: How often does each framework publish a release, and how long ago was the last one?
-- Read: median_days is the median of the days between one release and the next, longest_days the longest wait so
--   far. days_since_last counts to read_on, the day up to which the framework's own lists were read; with several
--   repositories the one read least lately. Prereleases are left out.
-- Cannot tell: What a release holds. Repairs of older versions count like new ones, so several may fall on one day.
--   What was only tagged, or published elsewhere than on GitHub, is missing. A framework without a row has no
--   release known. What came out after read_on is not known either: days_since_last ends there.
with releases as (
    select
        framework_id,
        released_on,
        released_on - lag(released_on) over (partition by framework_id order by released_on) as days_before
    from fct_releases
    where not is_prerelease
),

readings as (
    select
        repos.framework_id,
        repos.repo_id,
        max(coverage.period_end) as read_on
    from dim_repos as repos
    left join fct_coverage as coverage
        on
            repos.repo_id = coverage.subject
            and coverage.source = 'releases'
            and coverage.state in ('observed', 'zero')
    group by all
),

lists as (
    select
        framework_id,
        -- One that was never read makes it unknown.
        if(count(*) = count(read_on), min(read_on), null) as read_on
    from readings
    group by framework_id
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
    inner join lists on releases.framework_id = lists.framework_id
    group by frameworks.name, lists.read_on
)

select * from final
order by last_on desc, name
