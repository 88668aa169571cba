-- Claim: Keras and PyTorch are both growing on arXiv.
-- Holds: A larger share of machine-learning papers in the twelve whole months up to the day than in the twelve before,
--   by title and abstract; and by full text in a month up to half a year before the day than a year earlier. The two
--   measures are different things and are told apart.
-- Needs: dlpulse collect papers, which counts the papers of these months
with years as (
    select
        framework_id,
        (date_diff('month', month, date_trunc('month', $on + 1)) - 1) // 12 as years_ago,
        sum(papers) as papers,
        sum(denominator) as denominator,
        count(share) as months
    from fct_mentions_monthly
    where
        measure = 'title_abstract'
        and base = 'ml_papers'
        and month < date_trunc('month', $on + 1)
        and month >= date_trunc('month', $on + 1) - interval 24 months
    group by all
    having count(share) = 12
),

titles as (
    select
        framework_id,
        'title_abstract' as measure,
        any_value(papers / denominator) filter (where years_ago = 0) as share,
        any_value(papers / denominator) filter (where years_ago = 1) as share_before,
        'title or abstract, twelve months and the twelve before' as told
    from years
    group by framework_id
),

texts as (
    select
        newer.framework_id,
        'full_text' as measure,
        newer.share,
        older.share as share_before,
        format(
            'full text as published, {} and {}', strftime(newer.month, '%b %Y'), strftime(older.month, '%b %Y')
        ) as told
    from fct_mentions_monthly as newer
    inner join fct_mentions_monthly as older
        on
            newer.framework_id = older.framework_id
            and newer.measure = older.measure
            and newer.base = older.base
            and newer.month = older.month + interval 1 year
    where newer.measure = 'full_text' and newer.month between $on - 183 and $on
    qualify row_number() over (partition by newer.framework_id order by newer.month desc) = 1
),

measured as (
    select * from titles
    union all
    select * from texts
),

final as (
    select
        stated.framework_id || '.' || kinds.measure as part,
        'growing' as stated,
        format('{:.2f} % after {:.2f} %', 100 * measured.share, 100 * measured.share_before) as measured,
        measured.share > measured.share_before as holds,
        coalesce(
            measured.told,
            if(kinds.measure = 'full_text', 'no full-text shares of two months a year apart are in the tables', null)
        ) as reason
    from (values ('keras'), ('pytorch')) as stated (framework_id)
    cross join (values ('title_abstract'), ('full_text')) as kinds (measure)
    left join measured
        on
            stated.framework_id = measured.framework_id
            and kinds.measure = measured.measure
            and measured.share is not null
            and measured.share_before is not null
)

select * from final
order by part
