select
    response_id,
    run_id,
    source,
    subject,
    url,
    fetched_at,
    status,
    bytes,
    body_sha256,
    part,
    revalidates,
    rejected
from {{ ref('stg_raw__responses') }}
union all by name
select
    *,
    null::varchar as run_id,
    null::integer as status,
    null::varchar as revalidates,
    null::varchar as rejected
from {{ ref('stg_cited__responses') }}
