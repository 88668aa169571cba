-- A 304 says that the record still stands: it counts as a reading of that moment, under its own response. The first
-- record tells which repository is meant: another GitHub id under the same name is another repository.
with source as (
    select *
    from {{ source('parsed', 'repo_records') }}
    qualify github_id = first_value(github_id) over (partition by repo_id order by fetched_at, response_id)
),

confirmed as (
    select source.* replace (responses.response_id as response_id, responses.fetched_at as fetched_at)
    from {{ source('parsed', 'responses') }} as responses
    inner join source on responses.revalidates = source.response_id
    where responses.status = 304
),

final as (
    select * from source
    union all by name
    select * from confirmed
)

select * from final
