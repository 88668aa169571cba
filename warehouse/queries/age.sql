-- Age: stars by years since the first release
-- Question: How many stars did each framework have at the same age?
-- Read: Rows at each 52 weeks since the first release: the count nearest to that day, at most a month away. An age
--   without a known count stays NULL; it is not zero. Observed counts; change `setting` to 'retained' for another
--   quantity, never mix them.
-- Cannot tell: Merit. GitHub itself grew, so who came later found more people to give stars; and some repositories
--   are younger than the first release.
with setting as (
    select 'observed' as estimator
),

counts as (
    select
        stars.framework_id,
        stars.repo_id,
        stars.day,
        arg_max(stars.stars, (stars.source = 'github', stars.stars)) as stars
    from fct_stars as stars
    inner join setting on stars.estimator = setting.estimator
    where stars.stars is not null and not stars.is_partial and stars.rounded_to is null
    group by all
),

repositories as (
    select
        counts.framework_id,
        counts.repo_id,
        frameworks.name,
        frameworks.first_released_on,
        max(counts.day) as newest_on
    from counts
    inner join dim_frameworks as frameworks on counts.framework_id = frameworks.framework_id
    group by all
),

ages as (
    select
        *,
        unnest(range(52, (newest_on - first_released_on) // 7 + 1, 52)) as weeks
    from repositories
),

final as (
    select
        ages.weeks,
        ages.name,
        ages.repo_id,
        (ages.first_released_on + 7 * ages.weeks::integer) as wanted_on,
        counts.day as counted_on,
        counts.stars
    from ages
    left join counts
        on ages.repo_id = counts.repo_id and abs(counts.day - (ages.first_released_on + 7 * ages.weeks::integer)) <= 31
    qualify
        row_number() over (
            partition by ages.repo_id, ages.weeks
            order by abs(counts.day - (ages.first_released_on + 7 * ages.weeks::integer)) nulls last, counts.day
        ) = 1
)

select * from final
order by weeks, stars desc nulls last, repo_id
