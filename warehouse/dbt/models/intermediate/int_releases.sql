-- The newest telling of each release of a repository. What a whole reading of the list no longer told is withdrawn.
with whole as (
    select
        repo_id,
        max(read_from) as read_from
    from {{ ref('stg_github__release_lists') }}
    where is_whole
    group by repo_id
),

final as (
    select releases.*
    from {{ ref('stg_github__releases') }} as releases
    left join whole on releases.repo_id = whole.repo_id
    where whole.read_from is null or releases.fetched_at >= whole.read_from
    qualify
        row_number() over (
            partition by releases.repo_id, releases.version
            order by releases.fetched_at desc, releases.response_id desc
        ) = 1
)

select * from final
