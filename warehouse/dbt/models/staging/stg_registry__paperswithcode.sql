select *
from {{ source('inputs', 'paperswithcode_labels') }}
