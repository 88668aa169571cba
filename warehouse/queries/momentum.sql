-- Momentum: who gains stars faster than twelve weeks ago
-- Question: How many stars a week did each repository gain in its newest twelve weeks, and in the twelve before?
-- Read: momentum 1.2 is 20 % more a week than before. All rows are of one estimator, the one that covers most
--   repositories. The three days say which counts were compared: each is the nearest within 16 days of 12 and 24
--   weeks before the newest.
-- Cannot tell: Whether a rise lasts. Retained stars lean upwards: the youngest have had the least time to be taken
--   back. Momentum is NULL where the weeks before gained nothing.
with counts as (
    select
        framework_id,
        repo_id,
        estimator,
        day,
        arg_max(stars, (source = 'github', stars)) as stars
    from fct_stars
    -- Star events end with their archive in 2025: their newest weeks are those of another year.
    where estimator <> 'gross' and stars is not null and not is_partial and rounded_to is null
    group by all
),

newest as (
    select
        framework_id,
        repo_id,
        estimator,
        max(day) as newest_on
    from counts
    group by framework_id, repo_id, estimator
    qualify max(day) > max(max(day)) over (partition by estimator) - 32
),

nearest as (
    select
        newest.framework_id,
        newest.repo_id,
        newest.estimator,
        ago.weeks,
        counts.day,
        counts.stars
    from newest
    cross join (values (0), (12), (24)) as ago (weeks)
    inner join counts
        on
            newest.repo_id = counts.repo_id
            and newest.estimator = counts.estimator
            and abs(counts.day - (newest.newest_on - 7 * ago.weeks)) <= 16
    qualify
        row_number() over (
            partition by newest.repo_id, newest.estimator, ago.weeks
            order by abs(counts.day - (newest.newest_on - 7 * ago.weeks)), counts.day
        ) = 1
),

spans as (
    select
        framework_id,
        repo_id,
        estimator,
        weeks,
        day,
        7 * (stars - lead(stars) over back) / (day - lead(day) over back) as stars_a_week
    from nearest
    window back as (partition by repo_id, estimator order by weeks)
),

rates as (
    select
        framework_id,
        repo_id,
        estimator,
        max(day) filter (where weeks = 24) as before_from,
        max(day) filter (where weeks = 12) as newest_from,
        max(day) filter (where weeks = 0) as newest_to,
        max(stars_a_week) filter (where weeks = 12) as a_week_before,
        max(stars_a_week) filter (where weeks = 0) as a_week
    from spans
    group by framework_id, repo_id, estimator
    having count(*) = 3
),

chosen as (
    select estimator
    from rates
    group by estimator
    order by count(*) desc, estimator desc
    limit 1
),

final as (
    select
        frameworks.name,
        rates.repo_id,
        rates.estimator,
        rates.before_from,
        rates.newest_from,
        rates.newest_to,
        round(rates.a_week_before, 1) as stars_a_week_before,
        round(rates.a_week, 1) as stars_a_week,
        case when rates.a_week_before > 0 then round(rates.a_week / rates.a_week_before, 2) end as momentum
    from rates
    inner join dim_frameworks as frameworks on rates.framework_id = frameworks.framework_id
    where rates.estimator in (select chosen.estimator from chosen)
)

select * from final
order by momentum desc nulls last, repo_id
