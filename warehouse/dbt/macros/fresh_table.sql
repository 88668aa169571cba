{#
    A table in a database that each build makes anew. dbt's own `table` makes it beside an older one, changes their names
    and drops the older, and asks for its columns before it describes them: ten statements for what is two here. Hooks,
    grants and indexes, which no model of ours has, are left out. A description of a column that is not there is an error.
#}
{% materialization fresh_table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {% set relation = this.incorporate(type='table') %}
    {% call statement('main', language=model['language']) %}
        {{ create_table_as(False, relation, compiled_code, model['language']) }}
    {% endcall %}
    {% if config.persist_relation_docs() %}
        {% call statement('comments') %}
            {% if model.description %}{{ duckdb__alter_relation_comment(relation, model.description) }}{% endif %}
            {% for name, column in model.columns.items() %}
                comment on column {{ relation }}.{{ name }} is {{ duckdb_escape_comment(column.description) }};
            {% endfor %}
        {% endcall %}
    {% endif %}
    {% do adapter.commit() %}
    {% do return({'relations': [relation]}) %}
{% endmaterialization %}
