-- Claim: Keras and PyTorch are both growing on GitHub.
-- Holds: More observed stars at the count nearest to the day (half a year before it to two months after) than at the
--   one nearest to a year before that, two weeks to two years apart. Retained stars cannot tell: of them no day loses
--   any.
-- Needs: dlpulse collect ranking stars, which read counts of that time
with largest as (
    select
        framework_id,
        arg_max(repo_id, (stars, repo_id)) as repo_id
    from fct_stars
    where stars is not null
    group by framework_id
),

counts as (
    select
        framework_id,
        day,
        arg_max(stars, (rounded_to is null, stars)) as stars
    from fct_stars
    where estimator = 'observed' and stars is not null and repo_id in (select repo_id from largest)
    group by all
),

ends as (
    select *
    from counts
    where day between $on - 183 and $on + 62
    qualify row_number() over (partition by framework_id order by abs(day - $on), day) = 1
),

pairs as (
    select
        ends.framework_id,
        ends.day,
        ends.stars,
        starts.day as since,
        starts.stars as stars_before,
        ends.day - starts.day as days,
        ends.stars / nullif(starts.stars, 0) - 1 as growth
    from ends
    inner join counts as starts
        on ends.framework_id = starts.framework_id and ends.day - starts.day between 14 and 730
    qualify
        row_number() over (partition by ends.framework_id order by abs(ends.day - starts.day - 365), starts.day) = 1
),

-- Growth over other spans does not compare.
ranked as (
    select
        *,
        case
            when days between 300 and 430
                then rank() over (partition by days between 300 and 430 order by growth desc)
        end as place,
        count(*) filter (where days between 300 and 430) over () as known
    from pairs
),

final as (
    select
        stated.framework_id as part,
        'growing' as stated,
        format('{:+.1f} % in {} days', 100 * ranked.growth, ranked.days) as measured,
        ranked.stars > ranked.stars_before as holds,
        format(
            '{:,} observed on {} and {:,} on {}{}',
            ranked.stars_before, ranked.since, ranked.stars, ranked.day,
            case
                when ranked.place is not null
                    then format('; place {} of {} by growth in about a year', ranked.place, ranked.known)
                else ''
            end
        ) as reason
    from (values ('keras'), ('pytorch')) as stated (framework_id)
    left join ranked using (framework_id)
)

select * from final
order by part
