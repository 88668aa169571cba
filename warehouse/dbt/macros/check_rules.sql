{#
    Try every data test of the models that were made, and note in `intermediate.broken_rules` which of them do not hold,
    by how many rows, and the first of these. dbt would run each as a step of its own, which costs more than the queries
    themselves. In the order of the models, so that the first one noted is the nearest to the cause.
#}
{% macro check_rules(results) %}
    {% if execute and results | rejectattr('status', 'equalto', 'success') | list == [] %}
        {% set tests = graph.nodes.values() | selectattr('resource_type', 'equalto', 'test') | sort(attribute='name') | list %}
        {% set ordered = [] %}
        {% for result in results %}
            {% do ordered.extend(tests | selectattr('attached_node', 'equalto', result.node.unique_id)) %}
        {% endfor %}
        {% do ordered.extend(tests | rejectattr('attached_node')) %}
        {# What this does not know of dbt's tests must not pass for tried. #}
        {% for test in tests if test not in ordered or test.config.where or test.config.severity | lower != 'error' %}
            {{ exceptions.raise_compiler_error('check_rules cannot try ' ~ test.name) }}
        {% endfor %}
        create table intermediate.broken_rules (rule varchar, broken_by bigint, first_row varchar);
        {% for test in ordered %}
            insert into intermediate.broken_rules
            select '{{ test.name | replace("'", "''") }}', count(*), first(broken_row)
            from ({{ rule_sql(test) }}
            ) as broken_row
            having count(*) > 0;
        {% endfor %}
    {% endif %}
{% endmacro %}


{# The SQL of a data test: of one in a model's YAML by its macro, of one in a file of its own as it stands there. #}
{% macro rule_sql(test) %}
    {% if not test.test_metadata %}
        {{- return(plain_sql(test)) -}}
    {% endif %}
    {% set given = {} %}
    {% for name, value in test.test_metadata.kwargs.items() if name != 'model' %}
        {% set other = 'model.dlpulse.' ~ value[5:-2] if name == 'to' %}
        {% do given.update({name: table_of(graph.nodes[other]) if name == 'to' else value}) %}
    {% endfor %}
    {{- return(context['test_' ~ test.test_metadata.name](table_of(graph.nodes[test.attached_node]), **given)) -}}
{% endmacro %}


{# The SQL of a model or test with the tables' own names: `ref` is not to be had after a run. #}
{% macro plain_sql(node) %}
    {% set text = namespace(sql=node.raw_code) %}
    {% for id in node.depends_on.nodes if id in graph.nodes %}
        {% set read = graph.nodes[id] %}
        {% set text.sql = text.sql | replace("{{ ref('" ~ read.name ~ "') }}", table_of(read)) %}
    {% endfor %}
    {{- return(render(text.sql)) -}}
{% endmacro %}


{% macro table_of(node) %}
    {{- return(node.relation_name or '(' ~ plain_sql(node) ~ ')') -}}
{% endmacro %}
