-- Observed counts: our own readings of the repository record, those that others published, and the daily rankings.
{{ config(materialized="ephemeral") }}
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

-- A repository's name of the time: that of the registry until GitHub told one.
eras as (
    select
        repo_id,
        lower(full_name) as repo_name,
        known_from,
        known_to
    from {{ ref('hist_repos') }}
    union all
    select
        names.repo_id,
        lower(names.repo_id) as repo_name,
        timestamp '-infinity' as known_from,
        min(repos.known_from) as known_to
    from (select distinct repo_id from {{ ref('dim_repo_names') }}) as names
    left join {{ ref('hist_repos') }} as repos on names.repo_id = repos.repo_id
    group by names.repo_id
),

names as (
    select
        repo_id,
        lower(repo_name) as repo_name,
        min(coalesce(known_from, timestamp '-infinity')) as known_from
    from {{ ref('dim_repo_names') }}
    group by repo_id, lower(repo_name)
),

-- Under every name told by then. Who moved a repository may start another one under its old name: the name of the time
-- tells which one is meant. So a ranking is read again when GitHub tells another name.
ranked as (
    select
        names.repo_id,
        ranking.day,
        'EvanLi' as source,
        ranking.stars,
        null::bigint as rounded_to,
        greatest(ranking.fetched_at, eras.known_from) as known_from,
        ranking.response_id
    from {{ ref('stg_ranking__repos') }} as ranking
    inner join names on lower(ranking.full_name) = names.repo_name
    inner join eras
        on
            names.repo_id = eras.repo_id
            and names.known_from <= eras.known_from
            and (eras.known_to is null or ranking.fetched_at < eras.known_to)
    qualify
        row_number() over (
            partition by names.repo_id, ranking.day, ranking.response_id, eras.known_from
            order by names.repo_name = eras.repo_name desc, ranking.stars desc
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
