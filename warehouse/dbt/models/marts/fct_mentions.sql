select
    arxiv_id,
    framework_id,
    submitted_on,
    in_title,
    in_abstract,
    rule_version,
    response_id
from {{ ref('hist_mentions') }}
where known_to is null
