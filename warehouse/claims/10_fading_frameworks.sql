-- Claim: Theano is no longer developed; Caffe, MXNet, Chainer and CNTK are less used than Keras and PyTorch.
-- Holds: Theano: by the day its repository was archived, or a year had passed since the last release or the last push;
--   a release in that year may be maintenance and does not tell. The others: fewer papers name them in title or
--   abstract in the twelve whole months up to the day than name Keras, and than name PyTorch; where these are not
--   known, fewer observed stars, all counted within half a year of the day and a quarter of each other. Over time: fewer
--   such papers than in the twelve months before.
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

pushed as (
    select
        repos.framework_id,
        max(days.pushed_at)::date as day,
        max(days.day) as read_on
    from fct_repo_days as days
    inner join dim_repos as repos on days.repo_id = repos.repo_id
    where days.day <= $on
    group by repos.framework_id
),

activity as (
    select
        own.framework_id,
        archived.day as archived_on,
        released.day as released_on,
        pushed.day as pushed_on,
        pushed.read_on - pushed.day as days_without_push,
        pushed.read_on,
        concat_ws(
            ', ',
            case when archived.day is not null then 'archived' end,
            case when released.day is not null then format('last release {} on {}', released.version, released.day) end,
            case when pushed.day is not null then format('last push on {}', pushed.day) end
        ) as said
    from (values ('theano'), ('caffe'), ('mxnet'), ('chainer'), ('cntk')) as own (framework_id)
    left join archived using (framework_id)
    left join released using (framework_id)
    left join pushed using (framework_id)
),

developed as (
    select
        framework_id,
        'no longer developed' as stated,
        said as measured,
        case
            when archived_on is not null or $on - released_on > 365 or days_without_push > 365 then true
        end as holds,
        case
            when archived_on is not null then format('archived when it was read on {}', archived_on)
            when days_without_push > 365
                then format('the last push was {} days before it was read on {}', days_without_push, read_on)
            when $on - released_on > 365 then format('the last release was {} days before', $on - released_on)
            when released_on is not null
                then format('the last release was {} days before: releases do not tell', $on - released_on)
        end as reason
    from activity
    where framework_id = 'theano'
),

months as (
    select
        framework_id,
        papers,
        month >= date_trunc('month', $on + 1) - interval 12 months as is_newer
    from fct_mentions_monthly
    where
        measure = 'title_abstract'
        and base = 'ml_papers'
        and month < date_trunc('month', $on + 1)
        and month >= date_trunc('month', $on + 1) - interval 24 months
),

papers as (
    select
        framework_id,
        sum(papers) as papers
    from months
    where is_newer
    group by framework_id
    having count(papers) = 12
),

papers_before as (
    select
        framework_id,
        sum(papers) as papers
    from months
    where not is_newer
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
        concat_ws(
            '; ',
            case
                when by_papers
                    then format('the lesser of Keras and PyTorch has {:,} papers in these months', fewest_papers)
                when by_stars then format('the lesser of Keras and PyTorch has {:,} stars; about {}', fewest_stars, day)
            end,
            case when by_papers or by_stars then nullif(activity.said, '') end
        ) as reason
    from usage
    inner join activity using (framework_id)
),

trends as (
    select
        activity.framework_id || '.over_time' as part,
        'less used' as stated,
        format('{:,} papers after {:,}', papers.papers, papers_before.papers) as measured,
        case when papers.papers <> papers_before.papers then papers.papers < papers_before.papers end as holds,
        case
            when papers.papers + papers_before.papers is not null
                then 'named in title or abstract in the twelve whole months up to the day, and in the twelve before'
        end as reason
    from activity
    left join papers using (framework_id)
    left join papers_before using (framework_id)
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
    select
        framework_id as part,
        stated,
        measured,
        holds,
        nullif(reason, '') as reason
    from used
    union all
    select * from trends
)

select * from final
order by part
