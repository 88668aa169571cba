-- Claim: In KDnuggets' poll Keras and PyTorch are the fastest-growing data-science tools.
-- Holds: Among the first two of all tools whose figures of the newest poll and of the one a year before are known, by
--   growth of their share of voters, of their votes where no number of voters was published. The poll is of the day's
--   year or of the year before it. Only the tools in the table are compared: the deep-learning ones, scikit-learn and
--   Python.
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
    where year <= year($on) and year >= year($on) - 1
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
            when newer.share is not null and older.share is not null then newer.share / older.share - 1
            else newer.votes / older.votes - 1
        end as growth
    from polls as newer
    inner join polls as older on newer.label = older.label and newer.year = older.year + 1
    where newer.year = (select newest.year from newest)
),

ranked as (
    select
        *,
        rank() over (order by growth desc) as place,
        count(*) over () as tools
    from growth
),

final as (
    select
        stated.framework_id as part,
        'among the fastest-growing' as stated,
        format('{:+.0f} %, place {} of {}', 100 * ranked.growth, ranked.place, ranked.tools) as measured,
        ranked.place <= 2 as holds,
        format(
            '{} to {}: {:,} votes after {:,}, by {}',
            ranked.year - 1, ranked.year, ranked.votes, ranked.votes_before,
            case when ranked.by_share then 'share of voters' else 'votes, as the number of voters was not published' end
        ) as reason
    from (values ('keras'), ('pytorch')) as stated (framework_id)
    left join ranked using (framework_id)
)

select * from final
order by part
