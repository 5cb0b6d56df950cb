"""What `octo new` writes: for each template a flow, its tests, and the commands that try it.

In the texts, `@NAME@` is the name of the service, `@FILE@` is ` flow.yaml` where other files lie beside the flow.
"""

from __future__ import annotations

from typing import NamedTuple


class Template(NamedTuple):
    """about: a line for the help. tries: commands, with `@PATH@` for the folder and `@PORT@` for the HTTP port."""

    about: str
    flow: str
    tests: str
    env: str
    tries: tuple[str, ...]


HTTP = Template(
    about="an HTTP endpoint that answers with JSON",
    flow="""\
# yaml-language-server: $schema=./octo.schema.json
#
# A first flow: an HTTP endpoint.
#
#   $ octo run --watch@FILE@
#   $ curl localhost:8080/hello/Ada
#   $ octo test@FILE@

service:
  name: @NAME@

env:
  - name: HTTP_PORT # set it in .env or in the environment
    default: "8080"

connectors:
  - name: web
    type: http
    settings:
      port: ${HTTP_PORT}

flows:
  - name: hello
    source:
      connector: web
      type: http
      settings:
        path: /hello/{name}
        methods: [GET]
    process:
      - type: set-payload
        settings:
          # CEL. Path parameters are variables.
          value: '{"greeting": "hello, " + vars.name + "!"}'
""",
    tests="""\
# yaml-language-server: $schema=./octo_test.schema.json

flow: hello

cases:
  - name: the flow greets by name
    input: {vars: {name: Ada}}
    expect:
      body: {greeting: "hello, Ada!"}

  - name: its callers get JSON
    trigger: {path: /hello/Grace}
    expect:
      reply:
        status: 200
        body: {greeting: "hello, Grace!"}
""",
    env="# HTTP_PORT=8080\n",
    tries=("octo run --watch@PATH@", "curl localhost:@PORT@/hello/Ada", "octo test@PATH@"),
)

CRON = Template(
    about="a flow that runs every ten seconds",
    flow="""\
# yaml-language-server: $schema=./octo.schema.json
#
# A first flow: it runs every ten seconds.
#
#   $ octo run --watch@FILE@
#   $ octo invoke@FILE@ tick
#   $ octo test@FILE@

service:
  name: @NAME@

flows:
  - name: tick
    source:
      type: cron
      settings:
        schedule: "@every 10s" # or five fields: "0 9 * * 1-5"
    process:
      - type: set-payload
        settings:
          # CEL. `now` is the time at which the message came.
          value: '{"at": string(now)}'
      - type: log
        settings:
          message: '"tick at " + body.at'
""",
    tests="""\
# yaml-language-server: $schema=./octo_test.schema.json

flow: tick
clock: 2026-01-01T00:00:00Z # time is virtual: a minute takes no time

cases:
  - name: a tick says when it is
    trigger: {}
    expect:
      body: {at: "2026-01-01T00:00:00Z"}

  - name: six ticks a minute
    sources: true
    calls:
      - after: 1m
    spies:
      tick.log: {count: 6}
""",
    env="",
    tries=("octo run --watch@PATH@", "octo invoke@PATH@ tick", "octo test@PATH@"),
)

CALL = Template(
    about="a flow without a source, called by name",
    flow="""\
# yaml-language-server: $schema=./octo.schema.json
#
# A first flow: called by name, from the command line or from another flow.
#
#   $ octo invoke@FILE@ greet --data '{"name": "Ada"}'
#   $ octo test@FILE@

service:
  name: @NAME@

flows:
  - name: greet
    input: # JSON Schema: what the flow is made for
      type: object
      required: [name]
      properties:
        name: {type: string}
    process:
      - type: set-payload
        settings:
          # CEL. `body` is what the caller gave.
          value: '{"greeting": "hello, " + body.name + "!"}'
""",
    tests="""\
# yaml-language-server: $schema=./octo_test.schema.json

flow: greet

cases:
  - name: it greets by name
    input: {data: {name: Ada}}
    expect:
      body: {greeting: "hello, Ada!"}
""",
    env="",
    tries=("""octo invoke@PATH@ greet --data '{"name": "Ada"}'""", "octo test@PATH@"),
)

QUEUE = Template(
    about="two flows with a queue between them",
    flow="""\
# yaml-language-server: $schema=./octo.schema.json
#
# Two flows with a queue between them: the first answers at once, the second works.
#
#   $ octo run --watch@FILE@
#   $ curl localhost:8080/jobs -d '{"name": "Ada"}'
#   $ octo test@FILE@

service:
  name: @NAME@

env:
  - name: HTTP_PORT # set it in .env or in the environment
    default: "8080"

connectors:
  - name: web
    type: http
    settings:
      port: ${HTTP_PORT}
  - name: jobs
    type: queue # kept in octo-store/, so that no job is lost when Octo ends

flows:
  - name: accept
    source:
      connector: web
      type: http
      settings:
        path: /jobs
        methods: [POST]
    process:
      - type: queue-dispatch
        settings:
          connector: jobs
          subject: '"greetings"'
      - type: set-variable
        settings: {name: httpStatus, value: 202}
      - type: set-payload
        settings:
          value: '{"accepted": true}'

  - name: work
    source:
      connector: jobs
      type: queue
      settings:
        subject: greetings
    process:
      - type: set-payload
        settings:
          # CEL. `body` is what the other flow has sent.
          value: '{"greeting": "hello, " + body.name + "!"}'
      - type: log
        settings:
          message: body.greeting
""",
    tests="""\
# yaml-language-server: $schema=./octo_test.schema.json

flow: work
clock: virtual # a second takes no time

cases:
  - name: a job is worked on
    trigger: {body: {name: Ada}}
    expect:
      body: {greeting: "hello, Ada!"}

  - name: what a caller sends comes there through the queue
    sources: true
    calls:
      - flow: accept
        trigger: {json: {name: Ada}}
        expect:
          reply: {status: 202, body: {accepted: true}}
      - after: 1s
    spies:
      work.log: {count: 1}
""",
    env="# HTTP_PORT=8080\n",
    tries=(
        "octo run --watch@PATH@",
        """curl localhost:@PORT@/jobs -d '{"name": "Ada"}'""",
        "octo test@PATH@",
    ),
)

TEMPLATES = {"http": HTTP, "cron": CRON, "call": CALL, "queue": QUEUE}

ENV = "# NAME=value, one per line, for this machine only: keep it out of version control.\n"

IGNORED = (".env", ".octo/", "octo-store/", "__pycache__/", "*.pyc", ".venv/")
"""What version control should not see: secrets, kept traces, queues, what Python leaves behind."""
