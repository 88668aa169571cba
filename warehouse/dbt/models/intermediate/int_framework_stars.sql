-- Stars of a framework: the sum over its repositories, on days when every one of them is known. Of several counts of one
-- day our own is taken, then the highest: others round or read an archive with holes.
with best as (
    select
        framework_id,
        repo_id,
        estimator,
        day,
        arg_max(stars, (rounded_to is null, source = 'github', stars, source)) as stars,
        arg_max(source, (rounded_to is null, source = 'github', stars, source)) as source,
        case when bool_and(rounded_to is not null) then max(rounded_to) end as rounded_to,
        arg_max(response_id, (rounded_to is null, source = 'github', stars, source)) as response_id
    from {{ ref('fct_stars') }}
    where stars is not null and not is_partial and repo_id in (select repo_id from {{ ref('int_counted_repos') }})
    group by all
),

repositories as (
    select
        framework_id,
        count(*) as repos
    from {{ ref('int_counted_repos') }}
    group by framework_id
),

final as (
    select
        best.framework_id,
        best.estimator,
        best.day,
        sum(best.stars)::bigint as stars,
        max(best.rounded_to) as rounded_to,
        string_agg(distinct best.source, ', ' order by best.source) as source,
        min(best.response_id) as response_id
    from best
    inner join repositories on best.framework_id = repositories.framework_id
    group by best.framework_id, best.estimator, best.day, repositories.repos
    having count(*) = repositories.repos
)

select * from final
