-- Claim: In KDnuggets' poll Keras and PyTorch are the fastest-growing data-science tools.
-- Holds: They grew, and are among the first two of the tools whose figures are recorded for the newest poll of the
--   year before the day (it is held each May) and for the one before it, by growth of their share of voters, or of
--   their votes where no number of voters was published; beside it of each older poll. Recorded are the deep-learning
--   tools, scikit-learn and Python.
-- Needs: nothing can: the poll was not held after 2019
with polls as (
    select
        label,
        any_value(framework_id) as framework_id,
        year,
        any_value(respondents) as votes,
        any_value(share) as share
    from fct_survey_shares
    where survey = 'kdnuggets' and asked and label not like 'Other%'
    group by label, year
),

newest as (
    select max(year) as year
    from polls
    where year between year($on - interval 5 months) - 1 and year($on - interval 5 months)
),

growth as (
    select
        newer.label,
        newer.framework_id,
        newer.year,
        newer.votes,
        older.votes as votes_before,
        newer.share is not null and older.share is not null as by_share,
        case
            when newer.share is not null and older.share is not null then newer.share / nullif(older.share, 0) - 1
            else newer.votes / nullif(older.votes, 0) - 1
        end as growth
    from polls as newer
    inner join polls as older on newer.label = older.label and newer.year = older.year + 1
    where newer.year <= year($on - interval 5 months)
),

ranked as (
    select
        *,
        rank() over (partition by year order by growth desc nulls last) as place,
        count(*) over (partition by year) as tools
    from growth
),

-- A framework of several labels is told by the one that grew most.
best as (
    select *
    from ranked
    qualify row_number() over (partition by framework_id, year order by place, label) = 1
),

stated as (
    select
        named.framework_id as part,
        named.framework_id,
        newest.year
    from (values ('keras'), ('pytorch')) as named (framework_id)
    cross join newest
    union all
    select
        concat(framework_id, '.in_', year) as part,
        framework_id,
        year
    from best
    where framework_id in ('keras', 'pytorch') and year is distinct from (select newest.year from newest)
),

final as (
    select
        stated.part,
        'among the fastest-growing' as stated,
        format('{:+.0f} %, place {} of {} recorded', 100 * best.growth, best.place, best.tools) as measured,
        best.place <= 2 and best.growth > 0 as holds,
        format(
            '{} to {}: {:,} votes after {:,}, by {}',
            best.year - 1, best.year, best.votes, best.votes_before,
            case when best.by_share then 'share of voters' else 'votes, as the number of voters was not published' end
        ) as reason
    from stated
    left join best using (framework_id, year)
)

select * from final
order by part
