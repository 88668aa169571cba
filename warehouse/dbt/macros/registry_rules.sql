{#
    The registry's mention rules, one a row, as SQL literals to be written into a query. Without any, one that finds
    nothing. Quoted by DuckDB, so that no text is taken for a number or a date on its way.
#}
{% macro registry_rules() %}
    {% set quoted = "'''' || replace({0}, '''', '''''') || '''' as {0}" %}
    {% set texts = ['framework_id', 'rule_version', 'match', 'beside', 'unless'] %}
    {% set columns = [] %}
    {% for text in texts %}
        {% do columns.append(quoted.format(text)) %}
    {% endfor %}
    {% set nothing = {
        'framework_id': "''", 'rule_version': "''", 'match': "'$.'", 'beside': none, 'unless': none,
        'beside_framework': 'false', 'is_plain': 'true'
    } %}
    {% if not execute %}
        {{ return([nothing]) }}
    {% endif %}
    {% set found = run_query(
        'select ' ~ columns | join(', ')
        ~ ", if(beside_framework, 'true', 'false') as beside_framework"
        ~ ", if(beside is null and not beside_framework, 'true', 'false') as is_plain"
        ~ ' from ' ~ source('inputs', 'arxiv_rules')
    ) %}
    {{ return(found.rows if found.rows | length else [nothing]) }}
{% endmacro %}
