select
    arxiv_id,
    framework_id,
    submitted_on,
    in_title,
    in_abstract,
    rule_version
from {{ ref('int_mentions') }}
