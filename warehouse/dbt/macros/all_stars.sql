{# The three kinds of star count one under another, as known under the condition `known`; they share no row. #}
{% macro all_stars(days, counts, events, names, repos, known) %}
    select * from ({{ known_stars(days, counts, repos, known) }})
    union all by name
    select * from ({{ known_gross(events, names, repos, known) }})
{% endmacro %}


{# Unqualified names: the build file's catalog is gone once the file has been published under its own name. #}
{% macro create_as_of_macros() %}
    {% if execute %}
        create or replace macro stars_as_of(ts) as table (
            {{ all_stars(
                'hist_star_days', 'hist_star_counts', 'hist_star_events', 'dim_repo_names', 'dim_repos',
                'known_from <= ts::timestamp and (known_to is null or known_to > ts::timestamp)'
            ) }}
        )
    {% endif %}
{% endmacro %}
