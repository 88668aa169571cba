-- A share is respondents over base, or the share as published when the page gives no numbers; otherwise unknown.
select
    cited.survey,
    cited.year,
    cited.population,
    cited.label,
    labels.framework_id,
    cited.respondents,
    cited.base,
    coalesce(cited.respondents / cited.base, cited.share) as share,
    cited.asked,
    cited.verified,
    cited.source_url,
    cited.read_on,
    cited.response_id
from {{ ref('stg_cited__surveys') }} as cited
left join {{ ref('stg_registry__survey_labels') }} as labels on cited.label = labels.label
