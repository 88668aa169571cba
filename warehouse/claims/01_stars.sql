-- Claim: Keras has more than 31,000 stars on GitHub, PyTorch nearly 17,000.
-- Holds: More than 31,000; 17,000 or up to 5 % less. Between two counts at most 62 days apart lies a straight line;
--   else the newest of the half year before counts, but says nothing where it is still below. Retained stars hold only
--   those who still star it today: they stand beside the observed ones and were never what the page showed.
-- Needs: dlpulse collect ranking stars, which read counts of that time and the star history
with stated as (
    select *
    from (
        values
            ('keras', 'more than 31,000', 31001.0, null),
            ('pytorch', 'nearly 17,000', 0.95 * 17000, 17000.0)
    ) as claimed (framework_id, stated, least, most)
    cross join (values ('observed'), ('retained')) as kinds (estimator)
),

-- A framework's largest repository speaks for it.
largest as (
    select
        framework_id,
        arg_max(repo_id, (stars, repo_id)) as repo_id
    from fct_stars
    where stars is not null
    group by framework_id
),

-- Of several counts of a day the exact one, then the highest.
counts as (
    select
        framework_id,
        estimator,
        day,
        arg_max(stars, (rounded_to is null, stars)) as stars
    from fct_stars
    where stars is not null and not coalesce(is_partial, false) and repo_id in (select repo_id from largest)
    group by all
),

around as (
    select
        framework_id,
        estimator,
        max(day) filter (where day <= $on) as day_before,
        arg_max(stars, day) filter (where day <= $on) as stars_before,
        min(day) filter (where day >= $on) as day_after,
        arg_min(stars, day) filter (where day >= $on) as stars_after
    from counts
    group by framework_id, estimator
),

measured as (
    select
        *,
        day_before < $on and (day_after is null or day_after - day_before > 62) as stale,
        case
            when day_before = $on then stars_before
            when day_after - day_before <= 62
                then stars_before + (stars_after - stars_before) * ($on - day_before) / (day_after - day_before)
            when $on - day_before <= 183 then stars_before
        end as stars
    from around
),

final as (
    select
        stated.framework_id || '.' || stated.estimator as part,
        stated.stated,
        format('{:,}', round(measured.stars)::bigint) as measured,
        case
            when not (measured.stale and measured.stars < stated.least)
                then measured.stars between stated.least and coalesce(stated.most, measured.stars)
        end as holds,
        case
            when measured.stars is null then null
            when stated.estimator = 'retained'
                then 'by the people who star it today, by the day they did: who took the star back is missing'
            when measured.day_before = $on then 'counted that day'
            when measured.stale and measured.stars < stated.least
                then format('counted on {}, too long before to tell', measured.day_before)
            when measured.stale then format('counted on {}', measured.day_before)
            else format(
                'between {:,} on {} and {:,} on {}',
                measured.stars_before, measured.day_before, measured.stars_after, measured.day_after
            )
        end as reason
    from stated
    left join measured using (framework_id, estimator)
)

select * from final
order by part
