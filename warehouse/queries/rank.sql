-- Rank over time: the repositories by stars at each year's end
-- Question: Which repository had the most stars at the end of each year, and who overtook whom?
-- Read: The count nearest to 31 December, at most a month away; the newest year by its newest counts, marked
--   is_partial. ranked says how many have a count that year: a place among six is not a place among eleven.
--   Observed counts, as read off on that day; change `setting` to 'retained' for another quantity, never mix them.
-- Cannot tell: Who stands between those without a count. A repository that has none near a year's end has no row.
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

newest as (
    select max(day) as day
    from counts
),

year_ends as (
    select
        year,
        least(make_date(year, 12, 31), newest.day) as day,
        make_date(year, 12, 31) > newest.day as is_partial
    from (select distinct year(day) as year from counts)
    cross join newest
),

nearest as (
    select
        year_ends.year,
        year_ends.is_partial,
        counts.framework_id,
        counts.repo_id,
        counts.stars,
        counts.day as counted_on
    from year_ends
    inner join counts on abs(counts.day - year_ends.day) <= 31
    qualify
        row_number() over (
            partition by year_ends.year, counts.repo_id
            order by abs(counts.day - year_ends.day), counts.day
        ) = 1
),

final as (
    select
        nearest.year,
        rank() over (partition by nearest.year order by nearest.stars desc) as place,
        count(*) over (partition by nearest.year) as ranked,
        frameworks.name,
        nearest.repo_id,
        nearest.stars,
        nearest.counted_on,
        nearest.is_partial
    from nearest
    inner join dim_frameworks as frameworks on nearest.framework_id = frameworks.framework_id
)

select * from final
order by year desc, place, repo_id
