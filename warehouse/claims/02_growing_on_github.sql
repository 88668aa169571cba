-- Claim: Keras and PyTorch are both growing on GitHub.
-- Holds: More observed stars at the newest count up to two months after the day than at the one nearest to a year
--   before it, two weeks to two years apart; where none were observed, retained stars.
-- Needs: dlpulse collect ranking stars, which read counts of that time and the star history
with counts as (
    select
        framework_id,
        estimator,
        day,
        arg_max(stars, (rounded_to is null, stars)) as stars
    from fct_stars
    where stars is not null and not coalesce(is_partial, false) and estimator in ('observed', 'retained')
    group by all
),

ends as (
    select *
    from counts
    where day between $on - 183 and $on + 62
    qualify row_number() over (partition by framework_id, estimator order by abs(day - $on), day) = 1
),

pairs as (
    select
        ends.*,
        starts.day as since,
        starts.stars as stars_before,
        (ends.stars - starts.stars) / (ends.day - starts.day) as a_day
    from ends
    inner join counts as starts
        on
            ends.framework_id = starts.framework_id
            and ends.estimator = starts.estimator
            and ends.day - starts.day between 14 and 730
    qualify
        row_number() over (
            partition by ends.framework_id, ends.estimator
            order by abs(ends.day - starts.day - 365), starts.day
        ) = 1
),

-- Observed where there is such a pair; ranks compare one kind of count.
ranked as (
    select
        *,
        rank() over (partition by estimator order by a_day desc) as place,
        count(*) over (partition by estimator) as known
    from pairs
    qualify row_number() over (partition by framework_id order by estimator) = 1
),

final as (
    select
        stated.framework_id as part,
        'growing' as stated,
        format(
            '{}{:,} {} stars, {:+.1f} a day',
            if(ranked.stars < ranked.stars_before, '-', '+'), abs(ranked.stars - ranked.stars_before), ranked.estimator,
            ranked.a_day
        ) as measured,
        ranked.stars > ranked.stars_before as holds,
        format(
            '{:,} on {} and {:,} on {}; place {} of {} by stars a day',
            ranked.stars_before, ranked.since, ranked.stars, ranked.day, ranked.place, ranked.known
        ) as reason
    from (values ('keras'), ('pytorch')) as stated (framework_id)
    left join ranked using (framework_id)
)

select * from final
order by part
