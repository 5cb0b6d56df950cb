"""`${NAME}` in values."""

from __future__ import annotations

import pytest

from octo.config.substitute import references, replaced
from octo.core.secrets import masked

PASSWORD = "h-unter2's.password"


def test_text_stays_text_and_numbers_become_numbers(config):
    """The field decides what a placeholder becomes, not the look of the value."""
    found = config(
        """\
        env: [{name: PORT}, {name: TOKEN}]
        connectors: [{name: web, type: http, settings: {port: "${PORT}", token: "${TOKEN}"}}]
        """,
        PORT="9090",
        TOKEN="007",
    )

    settings = found.connectors["web"].settings
    assert settings.port == 9090
    assert settings.token.get_secret_value() == "007"


def test_placeholders_work_in_every_value(config):
    found = config(
        """\
        env: [{name: N}, {name: T}]
        service: {name: "${T}"}
        connectors: [{name: "${T}", type: http, settings: {headers: {"${N}": "a${N}b${T}"}}}]
        flows:
        - name: f-${T}
          workers: ${N}
          source: {connector: "${T}", type: http, settings: {path: "/${T}", timeout: "${N}s"}}
          process:
          - {type: set-payload, value: "${N} + 1"}
        """,
        N="3",
        T="text",
    )

    assert found.name == "text"
    assert found.connectors["text"].settings.headers == {"${N}": "a3btext"}
    flow = found.flows["f-text"]
    assert flow.workers == 3
    assert flow.source.settings.path == "/text"
    assert flow.process[0].settings.value.text == "3 + 1"


def test_env_and_the_escape_stay_literal(config):
    found = config(
        """\
        env: [{name: A, default: "${A}"}]
        connectors: [{name: web, type: http, settings: {headers: {x: "$${A} ${not a name} $A {A}"}}}]
        """
    )

    assert dict(found.env) == {"A": "${A}"}
    assert found.connectors["web"].settings.headers == {"x": "${A} ${not a name} $A {A}"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "h=localhost:80"), ("", "h=localhost:80"), ("db", "h=db")],
    ids=["unset", "empty", "set"],
)
def test_a_default_replaces_a_value_that_is_missing_or_empty(config, value, expected):
    text = """\
    env: [{name: A}]
    connectors: [{name: web, type: http, settings: {headers: {x: "h=${A:-localhost:80}"}}}]
    """
    found = config(text) if value is None else config(text, A=value)

    assert found.connectors["web"].settings.headers == {"x": expected}


def test_a_default_is_read_as_the_field_says(config):
    text = 'env: [{name: P}]\nconnectors: [{name: web, type: http, settings: {port: "${P:-9090}"}}]'

    assert config(text).connectors["web"].settings.port == 9090


def test_a_default_may_be_empty(config):
    text = 'env: [{name: A}]\nconnectors: [{name: web, type: http, settings: {headers: {x: "a${A:-}b"}}}]'

    assert config(text).connectors["web"].settings.headers == {"x": "ab"}


def test_the_default_of_a_secret_is_masked(config):
    config('env: [{name: API_TOKEN}]\nservice: {name: "${API_TOKEN:-hunter2-hunter2}"}')

    assert masked("it is hunter2-hunter2") == "it is «secret»"


def test_a_default_needs_the_declaration_and_satisfies_no_requirement(problems):
    (undeclared,) = problems('service: {name: "${A:-x}"}')
    (missing,) = problems('env: [{name: A, required: true}]\nservice: {name: "${A:-x}"}')

    assert undeclared.startswith("1:18 OCTO-C140 the variable `A` is not declared")
    assert missing.startswith("1:7 OCTO-C141 the required variable `A` is not set")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("${ A }", "${ A }"),
        ("${A }", "${A }"),
        ("${ A}", "${ A}"),
        ("${A-x}", "${A..."),
        ("${A:x}", "${A..."),
        ("${A:=s3cret}", "${A..."),
        ("${A:?s3cret}", "${A..."),
        ("${A+x}", "${A..."),
        ("${A:-${A}}", "${A..."),
        ("${A", "${A"),
        ("${ A", "${ A"),
        ("http://${A:8080/", "${A..."),
        ("${my-name}", "${my..."),
        ("${env.A}", "${env.A}"),
        ("${1}", "${1}"),
        ("${}", "${}"),
        ("${{ A }}", "${{ A }"),
    ],
)
def test_what_nearly_looks_like_a_reference_is_refused(problems, text, shown):
    """As text it would never be noticed. What follows the name may be a secret, so it is not shown."""
    (found,) = problems(f"env: [{{name: A}}]\nservice: {{name: 'x {text}'}}", A="a")

    column = 20 + text.index("$")
    assert found.startswith(f"2:{column} OCTO-C140 `{shown}` is no reference to a variable | write `${{")
    assert "s3cret" not in found


@pytest.mark.parametrize("text", ["$A", "{A}", "$ {A}", "a$", "a${", "$${ A }", "$${A", "${not a name}"])
def test_what_does_not_look_like_one_is_text(config, text):
    found = config(f"env: [{{name: A}}]\nservice: {{name: '{text}'}}", A="a")

    assert found.name == text.replace("$$", "$")


def test_only_the_top_level_env_and_resources_stay_literal(config):
    """A setting that has such a name is a value like any other."""
    found = config(
        """\
        env: [{name: A}]
        connectors: [{name: web, type: http, settings: {headers: {env: "${A}", resources: "${A}"}}}]
        """,
        A="x",
    )

    assert found.connectors["web"].settings.headers == {"env": "x", "resources": "x"}


def test_an_undeclared_variable_is_reported_at_its_place(problems):
    text = """\
    env: [{name: PORT, default: "1"}]
    connectors:
    - {name: web, type: http, settings: {port: "x${PROT}"}}
    """

    (found,) = problems(text)
    assert found.startswith(
        "3:46 OCTO-C140 the variable `PROT` is not declared | did you mean `PORT`?; declare it under"
    )


def test_a_declared_variable_without_a_value_is_reported_where_it_is_used(problems):
    text = """\
    env: [{name: PORT}]
    connectors:
    - {name: web, type: http, settings: {port: "${PORT}"}}
    """

    (found,) = problems(text)
    assert found.startswith("3:45 OCTO-C141 `${PORT}` is used here, but `PORT` has neither a value nor a default | set")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("port: '${A}'", "`port`: expected a whole number, found text in the value of `${A}`"),
        ("tls: '${A}'", "`tls`: expected a mapping, found text in the value of `${A}`"),
        ("port: '${A}', nope: 1", "`port`: expected a whole number, found text in the value of `${A}`"),
    ],
)
def test_a_bad_value_is_named_but_not_shown(problems, where: str, expected: str):
    found = problems(f"env: [{{name: A}}]\nconnectors: [{{name: w, type: http, settings: {{{where}}}}}]\n", A=PASSWORD)

    assert expected in found[0]
    assert "unter2" not in str(found)


def test_a_bad_choice_is_not_shown(problems):
    text = "env: [{name: A}]\nflows: [{name: f, process: [{type: log, level: '${A}'}]}]\n"

    assert problems(text, A=PASSWORD) == [
        "2:48 OCTO-C114 `level`: must be `debug` or `info` or `warn` or `error` in the value of `${A}`"
    ]


def test_a_component_that_quotes_a_value_is_not_heard(problems):
    text = """\
    env: [{name: A}]
    flows:
    - {name: f, source: {type: cron, settings: {schedule: "${A}"}}}
    """

    assert problems(text, A=PASSWORD) == ["3:55 OCTO-C113 `schedule`: the value does not fit in the value of `${A}`"]


def test_a_secret_is_not_shown_even_when_written_out(problems):
    text = f'connectors: [{{name: d, type: database, settings: {{dsn: "{PASSWORD}"}}}}]'

    assert problems(text) == ["1:56 OCTO-C113 `dsn`: the value does not fit"]


def test_an_expression_with_a_value_inside_is_not_shown(problems):
    text = "env: [{name: A}]\nflows: [{name: f, process: [{type: set-payload, value: '${A}'}]}]\n"

    (found,) = problems(text, A="hunter2 +")

    assert found.startswith(
        "2:56 OCTO-E101 `value`: syntax error once `${A}` is replaced by its value | use `env.A` in expressions"
    )
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "text",
    [
        "flows: [{name: f, process: [{type: flow-ref, flow: '${A}'}]}]",
        "flows: [{name: f, process: [{type: '${A}'}]}]",
        "flows: [{name: f, process: [{ref: '${A}'}]}]",
        "flows: [{name: f, process: [{type: log, logger: '${A}'}]}]",
        "flows: [{name: f, source: {type: '${A}'}}]",
        "flows: [{name: f, source: {type: http, connector: '${A}'}}]",
        "flows: [{name: '${A}'}, {name: '${A}'}]",
        "connectors: [{name: '${A}', type: http}, {name: '${A}', type: http}]",
        "connectors: [{name: a, type: '${A}'}]",
        "processors: [{name: '${A}', type: log}, {name: '${A}', type: log}]",
    ],
)
def test_a_name_from_a_variable_is_not_shown(problems, text: str):
    (found,) = problems(f"env: [{{name: A}}]\n{text}\n", A=PASSWORD)

    assert "`${A}`" in found
    assert "unter2" not in found


def test_references_of_a_text():
    assert [*references("${A} $${B} ${C:-d} ${E:-}")] == [("A", None), ("C", "d"), ("E", "")]


def test_references_are_replaced():
    assert replaced("a ${A} $${B} ${C:-d}", lambda name, default: f"<{name}={default}>") == "a <A=None> ${B} <C=d>"
