-- Claim: Theano is no longer developed; Caffe, MXNet, Chainer and CNTK are less used than Keras and PyTorch.
-- Holds: Theano: its repository was archived by the day, or no release came in the year before it; a release in that
--   year may be maintenance and does not tell. The others: fewer papers name them in title or abstract in the twelve
--   whole months up to the day than name Keras, and than name PyTorch; where these are not known, fewer observed
--   stars, all counted within half a year of the day and a quarter of each other.
-- Needs: dlpulse collect stars releases papers, which read the records, releases and papers of that time
with released as (
    select
        framework_id,
        max(released_on) as day,
        arg_max(version, (released_on, version)) as version
    from fct_releases
    where released_on <= $on and not is_prerelease
    group by framework_id
),

archived as (
    select
        repos.framework_id,
        min(days.day) as day
    from fct_repo_days as days
    inner join dim_repos as repos on days.repo_id = repos.repo_id
    where days.archived and days.day <= $on
    group by repos.framework_id
),

developed as (
    select
        theano.framework_id,
        'no longer developed' as stated,
        concat_ws(
            ', ',
            case when archived.day is not null then 'archived' end,
            case when released.day is not null then format('last release {} on {}', released.version, released.day) end
        ) as measured,
        case when archived.day is not null or $on - released.day > 365 then true end as holds,
        case
            when archived.day is not null then format('archived when it was read on {}', archived.day)
            when $on - released.day > 365 then format('the last release was {} days before', $on - released.day)
            when released.day is not null
                then format('the last release was {} days before: releases do not tell', $on - released.day)
        end as reason
    from (values ('theano')) as theano (framework_id)
    left join released using (framework_id)
    left join archived using (framework_id)
),

papers as (
    select
        framework_id,
        sum(papers) as papers
    from fct_mentions_monthly
    where
        measure = 'title_abstract'
        and base = 'ml_papers'
        and month < date_trunc('month', $on + 1)
        and month >= date_trunc('month', $on + 1) - interval 12 months
    group by framework_id
    having count(papers) = 12
),

stars as (
    select
        framework_id,
        day,
        max(stars) as stars
    from fct_stars
    where estimator = 'observed' and stars is not null and day between $on - 183 and $on + 183
    group by framework_id, day
    qualify row_number() over (partition by framework_id order by abs(day - $on), day) = 1
),

usage as (
    select
        own.framework_id,
        papers.papers,
        stars.stars,
        stars.day,
        least(keras_papers.papers, pytorch_papers.papers) as fewest_papers,
        least(keras_stars.stars, pytorch_stars.stars) as fewest_stars,
        papers.papers + keras_papers.papers + pytorch_papers.papers is not null as by_papers,
        greatest(stars.day, keras_stars.day, pytorch_stars.day)
        - least(stars.day, keras_stars.day, pytorch_stars.day) <= 92
        and stars.stars + keras_stars.stars + pytorch_stars.stars is not null as by_stars
    from (values ('caffe'), ('mxnet'), ('chainer'), ('cntk')) as own (framework_id)
    left join papers using (framework_id)
    left join stars using (framework_id)
    left join papers as keras_papers on keras_papers.framework_id = 'keras'
    left join papers as pytorch_papers on pytorch_papers.framework_id = 'pytorch'
    left join stars as keras_stars on keras_stars.framework_id = 'keras'
    left join stars as pytorch_stars on pytorch_stars.framework_id = 'pytorch'
),

used as (
    select
        framework_id,
        'less used' as stated,
        case
            when by_papers then format('{:,} papers', papers)
            when by_stars then format('{:,} observed stars', stars)
        end as measured,
        case when by_papers then papers < fewest_papers when by_stars then stars < fewest_stars end as holds,
        case
            when by_papers then format('the lesser of Keras and PyTorch has {:,} papers in these months', fewest_papers)
            when by_stars then format('the lesser of Keras and PyTorch has {:,} stars; about {}', fewest_stars, day)
        end as reason
    from usage
),

final as (
    select
        framework_id as part,
        stated,
        nullif(measured, '') as measured,
        holds,
        reason
    from developed
    union all
    select * from used
)

select * from final
order by part
