-- Half-life: how fast the frameworks of the past faded
-- Question: After its best quarter, how long did a framework that is no longer active take to fall to half of it
--   for good?
-- Read: One row a framework and measure: stars a week by estimator and source, or papers a quarter.
--   quarters_to_half runs from the best quarter to the first after which no known one is above half again; NULL
--   while the newest still is. half_life_years fits an exponential to the quarters from the peak on; it is given
--   only where at least eight are known, each gained something, and the fit explains half of the variance of the
--   logarithm (r2).
-- Cannot tell: A peak before known_since, the first whole quarter known. Retained stars lower the old peaks, since
--   of old stars more were taken back. Peaks of a handful are chance.
with frameworks as (
    select *
    from dim_frameworks
    where status <> 'active'
),

added as (
    select
        framework_id,
        repo_id as subject,
        concat_ws(' ', estimator, 'stars a week,', source) as measure,
        date_trunc('quarter', day)::date as quarter,
        7 * avg(stars_added) as value,
        count(*) as days
    from fct_stars
    where stars_added is not null and not is_partial
    group by all
),

observed as (
    select
        framework_id,
        repo_id,
        day,
        arg_max(stars, (source = 'github', stars)) as stars
    from fct_stars
    where estimator = 'observed' and rounded_to is null
    group by all
),

-- The count nearest to each quarter's first day, at most ten days away.
edges as (
    select
        *,
        date_trunc('quarter', day + 10)::date as quarter
    from observed
    where day between quarter - 10 and quarter + 10
    qualify row_number() over (partition by repo_id, quarter order by abs(day - quarter), day) = 1
),

gained as (
    select
        framework_id,
        repo_id as subject,
        'observed stars a week' as measure,
        quarter,
        lead(quarter) over onward as next_quarter,
        7 * (lead(stars) over onward - stars) / (lead(day) over onward - day) as value
    from edges
    window onward as (partition by repo_id order by quarter)
),

papers as (
    select
        framework_id,
        framework_id as subject,
        'papers a quarter' as measure,
        date_trunc('quarter', month)::date as quarter,
        sum(papers)::double as value,
        count(*) as months
    from fct_mentions_monthly
    where measure = 'title_abstract' and base = 'any_framework'
    group by all
),

-- Whole quarters only: every day, both ends, or all three months known.
quarters as (
    select * exclude (days)
    from added
    where days = (quarter + interval 3 months)::date - quarter
    union all
    select * exclude (next_quarter)
    from gained
    where next_quarter = quarter + interval 3 months
    union all
    select * exclude (months)
    from papers
    where months = 3
),

peaks as (
    select
        *,
        min(quarter) over (partition by subject, measure) as first_quarter,
        max(quarter) over (partition by subject, measure) as last_quarter
    from quarters
    where framework_id in (select frameworks.framework_id from frameworks)
    qualify value > 0 and row_number() over (partition by subject, measure order by value desc, quarter) = 1
),

afterwards as (
    select
        quarters.*,
        datediff('quarter', peaks.quarter, quarters.quarter) as age,
        ln(nullif(greatest(quarters.value, 0), 0)) as log_value,
        max(quarters.quarter) filter (where quarters.value > peaks.value / 2)
            over (partition by quarters.subject, quarters.measure) as last_above
    from quarters
    inner join peaks on quarters.subject = peaks.subject and quarters.measure = peaks.measure
    where quarters.quarter >= peaks.quarter
),

falls as (
    select
        subject,
        measure,
        min(age) filter (where quarter > last_above) as quarters_to_half,
        count(*) as quarters_known,
        count(*) filter (where value <= 0) as quarters_without_gain,
        regr_slope(log_value, age / 4) as slope,
        regr_r2(log_value, age / 4) as r2
    from afterwards
    group by subject, measure
),

final as (
    select
        frameworks.name,
        frameworks.status,
        falls.measure,
        peaks.first_quarter as known_since,
        peaks.quarter as peak_quarter,
        round(peaks.value, 1) as peak,
        falls.quarters_to_half,
        peaks.last_quarter,
        falls.quarters_known,
        falls.quarters_without_gain,
        case
            when falls.quarters_known >= 8 and falls.quarters_without_gain = 0 and falls.slope < 0 and falls.r2 >= 0.5
                then round(-ln(2) / falls.slope, 2)
        end as half_life_years,
        round(falls.r2, 2) as r2
    from falls
    inner join peaks on falls.subject = peaks.subject and falls.measure = peaks.measure
    inner join frameworks on peaks.framework_id = frameworks.framework_id
)

select * from final
order by name, measure
