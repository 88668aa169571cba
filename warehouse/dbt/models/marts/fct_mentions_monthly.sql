select
    framework_id,
    month,
    'title_abstract' as measure,
    base,
    papers,
    denominator,
    share,
    response_id
from {{ ref('int_paper_shares') }}
union all
select
    cited.framework_id,
    cited.month,
    cited.measure,
    'ml_papers' as base,
    null as papers,
    null as denominator,
    cited.share,
    cited.response_id
from {{ ref('stg_cited__mentions') }} as cited
inner join {{ ref('dim_frameworks') }} as frameworks on cited.framework_id = frameworks.framework_id
