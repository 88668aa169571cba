-- Observed counts: our own readings of the repository record, those that others published, and the daily rankings.
with own as (
    select
        repo_id,
        fetched_at::date as day,
        'github' as source,
        stars,
        null::bigint as rounded_to,
        fetched_at as known_from,
        response_id
    from {{ ref('stg_github__repo_records') }}
),

names as (
    select
        repo_id,
        lower(repo_name) as repo_name,
        false as is_current
    from {{ ref('dim_repo_names') }}
    union
    select
        repo_id,
        lower(full_name) as repo_name,
        true as is_current
    from {{ ref('dim_repos') }}
),

-- Who moved a repository may start another one under its old name: the name of today tells which one is meant.
ranked as (
    select
        names.repo_id,
        ranking.day,
        'EvanLi' as source,
        ranking.stars,
        null::bigint as rounded_to,
        ranking.fetched_at as known_from,
        ranking.response_id
    from {{ ref('stg_ranking__repos') }} as ranking
    inner join names on lower(ranking.full_name) = names.repo_name
    qualify
        row_number() over (
            partition by names.repo_id, ranking.day, ranking.response_id
            order by names.is_current desc, ranking.stars desc
        ) = 1
),

-- A figure that we have read ourselves needs no citation any more.
cited as (
    select
        cited.repo_id,
        cited.day,
        cited.source,
        cited.stars,
        cited.rounded_to,
        cited.read_on::timestamp as known_from,
        cited.response_id
    from {{ ref('stg_cited__stars') }} as cited
    anti join ranked
        on
            cited.repo_id = ranked.repo_id
            and cited.day = ranked.day
            and cited.source = ranked.source
            and cited.read_on::timestamp >= ranked.known_from
),

final as (
    select * from own
    union all
    select * from ranked
    union all
    select * from cited
)

select * from final
