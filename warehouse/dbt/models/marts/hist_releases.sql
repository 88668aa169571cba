-- Every telling of a release, and its end where a whole reading of the list, begun later, no longer told it: known once
-- that reading was done.
with whole as (
    select
        repo_id,
        read_from,
        min(fetched_at) over (partition by repo_id order by read_from desc) as done_at
    from {{ ref('stg_github__release_lists') }}
    where is_whole
),

tellings as (
    select
        *,
        lead(fetched_at) over (partition by repo_id, version order by fetched_at, response_id) as told_again_at
    from {{ ref('stg_github__releases') }}
),

readings as (
    select
        repo_id,
        version,
        released_on,
        is_prerelease,
        false as is_withdrawn,
        fetched_at as known_from,
        response_id
    from tellings
    union all
    select
        tellings.repo_id,
        tellings.version,
        null as released_on,
        null as is_prerelease,
        true as is_withdrawn,
        whole.done_at as known_from,
        tellings.response_id
    from tellings
    asof inner join whole on tellings.repo_id = whole.repo_id and tellings.fetched_at < whole.read_from
    where tellings.told_again_at is null or tellings.told_again_at > whole.done_at
),

history as (
    {{ change_history('readings', ['repo_id', 'version'], ['released_on', 'is_prerelease', 'is_withdrawn']) }}
)

select
    repo_id,
    version,
    released_on,
    is_prerelease,
    known_from,
    known_to,
    response_id
from history
where not is_withdrawn
