-- Claim: Keras has more than 31,000 stars on GitHub, PyTorch nearly 17,000.
-- Holds: More than 31,000; and from 5 % below 17,000 to 3 % above it. Between two counts at most 62 days apart lies a
--   straight line; else the newest of the half year before counts. Retained stars hold only those who still star it
--   today: they stand beside the observed ones and were never what the page showed.
-- Needs: dlpulse collect ranking stars, which read counts of that time and the star history
with stated as (
    select *
    from (
        values
            ('keras', 'more than 31,000', 31001.0, null),
            ('pytorch', 'nearly 17,000', 0.95 * 17000, 1.03 * 17000)
    ) as claimed (framework_id, stated, least, most)
    cross join (values ('observed'), ('retained')) as kinds (estimator)
),

-- The largest repository of a framework; of several counts of a day the exact one, then the highest.
counts as (
    select
        framework_id,
        estimator,
        day,
        arg_max(stars, (rounded_to is null, stars)) as stars
    from fct_stars
    where stars is not null and not coalesce(is_partial, false)
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
        case
            when day_before = $on or (day_after - day_before > 62 and $on - day_before <= 183) then stars_before
            when day_after - day_before <= 62
                then stars_before + (stars_after - stars_before) * ($on - day_before) / (day_after - day_before)
            when day_after is null and $on - day_before <= 183 then stars_before
        end as stars
    from around
),

final as (
    select
        stated.framework_id || '.' || stated.estimator as part,
        stated.stated,
        format('{:,}', round(measured.stars)::bigint) as measured,
        measured.stars between stated.least and coalesce(stated.most, measured.stars) as holds,
        case
            when measured.stars is null then null
            when stated.estimator = 'retained'
                then 'by the people who star it today, by the day they did: who took the star back is missing'
            when measured.day_before = $on
                then 'counted that day'
            when measured.day_after - measured.day_before <= 62
                then format(
                    'between {:,} on {} and {:,} on {}',
                    measured.stars_before, measured.day_before, measured.stars_after, measured.day_after
                )
            else format('counted on {}', measured.day_before)
        end as reason
    from stated
    left join measured using (framework_id, estimator)
)

select * from final
order by part
