select *
from {{ source('parsed', 'package_downloads') }}
