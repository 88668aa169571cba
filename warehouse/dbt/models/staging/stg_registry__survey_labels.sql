select *
from {{ source('inputs', 'survey_labels') }}
