select
    cited.source,
    cited.program,
    frameworks.framework_id,
    cited.network,
    cited.dataset,
    cited.device,
    cited.year,
    cited.seconds,
    cited.verified,
    cited.source_url,
    cited.read_on,
    cited.response_id
from {{ ref('stg_cited__benchmarks') }} as cited
left join {{ ref('dim_frameworks') }} as frameworks on cited.framework_id = frameworks.framework_id
