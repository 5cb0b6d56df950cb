"""What can be wrong with a configuration: a stable code per kind of mistake, and its page for `octo explain`."""

from __future__ import annotations

from octo.core.errors import Explanation

EXPLANATIONS: dict[str, Explanation] = {}


def _code(code: str, title: str, meaning: str, wrong: str = "", right: str = "") -> str:
    examples = f"\n\n  wrong: {wrong}\n  right: {right}" if wrong else ""
    EXPLANATIONS[code] = Explanation(title, meaning + examples)
    return code


PROBLEMS = _code(
    "OCTO-C100",
    "The configuration has problems",
    "At least one thing in the configuration must be changed before it can run. Each problem is listed with its own "
    "code, its place, and what to do about it.",
)

# --- files and YAML ----------------------------------------------------------------------------------------------

NOT_FOUND = _code(
    "OCTO-C101",
    "Configuration not found",
    "The path names no file that can be read, or a folder without a `*.yaml` or `*.yml` file directly in it. Files "
    "whose names end in `_test.yaml` are tests and do not count. Neither do files whose names begin with `.`, "
    "`#` or `~`: editors, version control and file systems leave them behind.",
    "octo run flows/orders.yml  (the file is orders.yaml)",
    "octo run flows/orders.yaml",
)
UNREADABLE = _code(
    "OCTO-C102",
    "Not a text file",
    "A configuration is UTF-8 text. This file is binary, has another encoding, or contains a control character that "
    "YAML does not allow. Save it as UTF-8 in your editor.",
)
SYNTAX = _code(
    "OCTO-C103",
    "Not valid YAML",
    "The text breaks the rules of YAML: a quote or a bracket is never closed, or a character needs quotes. CEL often "
    "needs them, because it may contain `: `, `{`, `#` or quotes of its own.",
    'value: {"id": vars.id',
    """value: '{"id": vars.id}'""",
)
INDENTATION = _code(
    "OCTO-C104",
    "Wrong indentation",
    "The keys of one mapping, and the items of one list, begin in the same column. Indent with spaces, not with tabs.",
    "- type: log\\n   settings: {}",
    "- type: log\\n  settings: {}",
)
TOO_LARGE = _code(
    "OCTO-C105",
    "Configuration too large",
    "A file has at most 8 MiB and 200,000 values, which nest at most 100 deep. Split a configuration into several "
    "files of one folder, and move deep branches into flows that you call with `flow-ref`.",
)
ALIAS = _code(
    "OCTO-C106",
    "Alias without a value, or with too many",
    "`*name` repeats the value marked `&name` earlier in the file. The value must be complete by then, so it cannot "
    "contain itself. All aliases of a file may repeat at most 100,000 values.",
    "retry: *defaults  (and no &defaults above)",
    "base: &defaults {level: info} ... settings: *defaults",
)
DUPLICATE_KEY = _code(
    "OCTO-C107",
    "Key written twice",
    "A mapping has the same key twice, and only one of the two values could be used. Remove or rename one.",
    "{port: 8080, host: a, port: 9090}",
    "{port: 9090, host: a}",
)
MORE_DOCUMENTS = _code(
    "OCTO-C108",
    "More than one document in a file",
    "After a line `---` a second YAML document begins. Only the first one is read. Put the second into a file of its "
    "own in the same folder, or remove the line.",
)

NO_CONTENT = _code(
    "OCTO-C109",
    "File without a configuration",
    "The file is empty or has only comments. That is allowed, but rarely meant: perhaps it was not saved, or only its "
    "beginning was copied.",
)

# --- keys and values ---------------------------------------------------------------------------------------------

WRONG_SHAPE = _code(
    "OCTO-C110",
    "Mapping, list or text expected",
    "A mapping, a list or a text is written where another kind of value belongs. A list has `- ` before each item.",
    "process: {type: log}",
    "process: [{type: log}]",
)
UNKNOWN_KEY = _code(
    "OCTO-C111",
    "Unknown key",
    "The key has no meaning here. Octo refuses it instead of ignoring it, because a misspelt key is a setting that "
    "silently does nothing. The hint lists the known keys.",
    "settings: {prot: 8080}",
    "settings: {port: 8080}",
)
MISSING = _code(
    "OCTO-C112",
    "Required key missing",
    "The component does not work without this key, or the key is there without a value.",
    "{type: set-variable, settings: {name: total}}",
    "{type: set-variable, settings: {name: total, value: body.total}}",
)
INVALID = _code(
    "OCTO-C113",
    "Value does not fit",
    "The value is of the wrong kind or out of range: a number where a text belongs, a duration without a unit, a port "
    "above 65535. A number that is meant as text needs quotes.",
    "timeout: 30",
    "timeout: 30s",
)
NOT_A_CHOICE = _code(
    "OCTO-C114",
    "Not one of the choices",
    "The key takes one of a few words, and this is not one of them. The message lists them.",
    "level: verbose",
    "level: debug",
)
KEY_TWICE = _code(
    "OCTO-C115",
    "Setting written in two places",
    "You can write a setting of a block under `settings:` or beside `type:`, but only in one of the two places.",
    "{type: log, level: info, settings: {level: warn}}",
    "{type: log, settings: {level: warn}}",
)
EMPTY = _code(
    "OCTO-C116",
    "Key without a value",
    "A key without a value counts as not written, so the default applies. Remove it, or give it a value.",
    "port:",
    "port: 8080",
)
SUB_FLOW = _code(
    "OCTO-C117",
    "Not a chain of blocks",
    "A branch is a list of blocks, or a mapping with `process` and perhaps `name`. Sources, workers and error chains "
    "belong to a flow. A processor cannot contain a chain.",
    "then: {process: [...], error: [...]}",
    "then: {process: [{type: handle-errors, process: [...], error: [...]}]}",
)

# --- names -------------------------------------------------------------------------------------------------------

DUPLICATE_NAME = _code(
    "OCTO-C120",
    "Name used twice",
    "Two connectors, processors, flows or variables of one configuration have the same name, perhaps in two files of "
    "the folder. Rename one of them.",
    "connectors: [{name: db, ...}, {name: db, ...}]",
    "connectors: [{name: orders-db, ...}, {name: audit-db, ...}]",
)
SERVICE_TWICE = _code(
    "OCTO-C121",
    "Service described twice",
    "A folder is one service, so only one of its files may have `service:`. Remove the others, even if they are equal.",
)
UNUSED = _code(
    "OCTO-C122",
    "Processor never used",
    "No block refers to this processor with `ref:`. Remove it or use it.",
)

# --- references --------------------------------------------------------------------------------------------------

UNKNOWN_BLOCK = _code(
    "OCTO-C130",
    "Unknown block type",
    "No block has this `type`. The hint names the nearest one; `octo schema --kind catalogue` lists all. The blocks "
    "of another package are known once the package is installed.",
    "{type: set-paylod, value: body}",
    "{type: set-payload, value: body}",
)
UNKNOWN_CONNECTOR_TYPE = _code(
    "OCTO-C131",
    "Unknown connector type",
    "No connector has this `type`. The hint names the nearest one.",
    "{name: db, type: postgres}",
    "{name: db, type: database, settings: {driver: postgres, ...}}",
)
UNKNOWN_SOURCE = _code(
    "OCTO-C132",
    "Unknown source",
    "The connector has no source of this `type`, or has no sources at all.",
    "source: {connector: web, type: htp}",
    "source: {connector: web, type: http}",
)
UNKNOWN_CONNECTOR = _code(
    "OCTO-C133",
    "Unknown connector",
    "`connector:` names no instance under `connectors:`. A source may also name a connector type. Octo tries nothing "
    "else, so that a typing error never selects another connector.",
    "{type: sql, connector: ordersdb}",
    "{type: sql, connector: orders-db}",
)
WRONG_CONNECTOR = _code(
    "OCTO-C134",
    "Connector of another type",
    "The block works with connectors of one type, and the named connector is of another type.",
    "{type: sql, connector: web}",
    "{type: sql, connector: orders-db}",
)
NO_CONNECTOR = _code(
    "OCTO-C135",
    "Connector not named",
    "The block needs a connector and does not say which one. Name it even if there is only one: adding a second one "
    "must not change what the block does.",
    "{type: sql, query: select 1}",
    "{type: sql, connector: orders-db, query: select 1}",
)
AMBIGUOUS_CONNECTOR = _code(
    "OCTO-C136",
    "Source fits several connectors",
    "A source without `connector:` uses the only connector of its type. Here there are several, so name one.",
    "source: {type: http, settings: {path: /a}}",
    "source: {connector: web, type: http, settings: {path: /a}}",
)
UNKNOWN_FLOW = _code(
    "OCTO-C137",
    "Unknown flow",
    "A block calls a flow that does not exist in this configuration.",
    "{type: flow-ref, flow: chekout}",
    "{type: flow-ref, flow: checkout}",
)
UNKNOWN_PROCESSOR = _code(
    "OCTO-C138",
    "Unknown processor",
    "`ref:` names nothing under `processors:`. For an ordinary block write `type:`.",
    "{ref: audti}",
    "{ref: audit}",
)
PROCESSOR_TYPE = _code(
    "OCTO-C139",
    "Processor of another type",
    "A block with `ref` takes its type from the processor. It may have a `type` too, but only the same one.",
    "{ref: audit, type: rest}",
    "{ref: audit}",
)

EMPTIED = _code(
    "OCTO-C154",
    "New version without what runs",
    "Flows run, and the new version of the configuration has none in their place: it was saved as empty, or cut before "
    "its first flow or source, or a file in the folder is empty, or a `.env` file that gave variables. Octo refuses "
    "it, and what runs goes on. To remove the flows of a file, remove the file. To run without any flow, start Octo "
    "with `--allow-empty`.",
    "octo run flows --watch  (and flows/orders.yaml saved as empty)",
    "octo run flows --watch --allow-empty",
)

NOT_LOADABLE = _code(
    "OCTO-C153",
    "Component that cannot be loaded",
    "The type exists, but its Python package could not be imported: something it needs is not installed, or it is "
    "broken. The message contains Python's own error.",
    "pip install octo-flows",
    "pip install 'octo-flows[all]'",
)

# --- environment -------------------------------------------------------------------------------------------------

UNDECLARED_VARIABLE = _code(
    "OCTO-C140",
    "Undeclared variable",
    "`${NAME}` works only for variables that are declared under `env:`, so that a configuration says what it needs. "
    "`${NAME:-default}` inserts the default if the variable has no value or an empty one; it is declared too. What "
    "nearly looks like a reference, such as `${ NAME }`, `${NAME-default}` or `${NAME` without its brace, is "
    "refused as well. For a literal `${` write `$${`.",
    'port: "${PORT}"  (and no env)',
    'env: [{name: PORT, default: "8080"}] ... port: "${PORT}"',
)
VARIABLE_NOT_SET = _code(
    "OCTO-C141",
    "Variable without a value",
    "The variable is declared, but neither the process environment nor a `.env` file sets it, and it has no default "
    "or is required: a default never satisfies `required`.",
    "env: [{name: KEY, required: true}]  (and KEY unset)",
    "KEY=... octo run orders.yaml",
)
DOTENV = _code(
    "OCTO-C142",
    "Malformed .env file",
    "Each line of a `.env` file is `NAME=value`, perhaps after `export `, or empty, or a comment that begins with `#`. "
    "Quotes around the whole value are removed, and between them it may have several lines; nothing else is "
    "interpreted. The line is not shown: it may be part of a secret.",
    "export KEY secret",
    "export KEY=secret",
)
VARIABLE_CONFLICT = _code(
    "OCTO-C143",
    "Variable declared differently in two files",
    "Files of one folder may declare the same variable, but with the same `default`, `required` and `secret`. "
    "Otherwise the order of the files would decide which declaration is used.",
)
VARIABLE_NAME = _code(
    "OCTO-C144",
    "Not a name for a variable",
    "The name of a variable consists of letters, digits and `_`, and does not begin with a digit.",
    "env: [{name: api-key}]",
    "env: [{name: API_KEY}]",
)
ENV_FILE_MISSING = _code(
    "OCTO-C145",
    "OCTO_ENV_FILE names no file",
    "The variable `OCTO_ENV_FILE` of the process names a file that does not exist, so it adds no values.",
)

READS_NOTHING = _code(
    "OCTO-C146",
    "Expression reads a variable without a value",
    "The variable is declared, but has neither a value nor a default here, so the expression fails for every message. "
    "Give it a default, or check it with `has()` first.",
    "env.STAGE",
    'has(env.STAGE) ? env.STAGE : "test"',
)

# --- shapes ------------------------------------------------------------------------------------------------------

NO_SUCH_FIELD = _code(
    "OCTO-C160",
    "Field that cannot be there",
    "The flow declares its `input:`, and what follows from it shows that the value has no field of this name. Correct "
    "the name, or add the field to `properties:`. If there may be other fields too, allow them with "
    "`additionalProperties: true`, or check for the field with `has()`.",
    "body.custmer  (and input: {properties: {customer: {type: string}}})",
    "body.customer",
)
INPUT_SCHEMA = _code(
    "OCTO-C161",
    "No JSON Schema",
    "`input:` of a flow and `schema` of a `validate` block are JSON Schemas of a body; `schema` may also name a file "
    "beside the configuration, which must be there. A reference points to a place in the same schema, "
    "`#/$defs/NAME`. A `pattern` is a regular expression of ECMA-262 without look-around and back-references, because "
    "these may take for ever; often `not: {pattern: ...}` says the same. At most 50 schemas may lie one inside the "
    "other, or refer to one another in a row, and at most 10,000 may be tried on one value.",
    "input: {type: objekt}",
    "input: {type: object, properties: {id: {type: string}}}",
)

# --- the whole ---------------------------------------------------------------------------------------------------

ENDLESS_CALLS = _code(
    "OCTO-C150",
    "Flows call one another without end",
    "Each of these flows calls the next for every message, and the last one calls the first again. A recursion needs a "
    "branch that ends it, such as `if` or `filter`.",
    "flow a calls b, flow b calls a",
    "flow a calls b, flow b calls a inside `if`",
)
SENT_IN_CIRCLES = _code(
    "OCTO-C156",
    "Flows send messages in a circle",
    "A warning: a flow sends a message to itself with `oneWay: true`, or to a flow that leads back to it, perhaps from "
    "its `error:` chain. Nothing waits for such a message and nothing limits how often it goes round. If each message "
    "sends several, there are more and more, until calls are refused with OCTO-R112; one that fails and is sent again "
    "goes round without a pause. It is right for the next page of a list, if the last page sends none. To try again "
    "later, let the message fail, so that its source brings it again, or use `retry`.",
    "flow: crawl with two blocks {type: flow-ref, flow: crawl, oneWay: true} inside `if`",
    "send the next page only, inside `if` with a condition that becomes false: vars.page < vars.pages",
)
EMPTY_HANDLER = _code(
    "OCTO-C157",
    "Handling errors with no block",
    "The `error:` chain of a flow, or `error` of a `handle-errors` block, is an empty list. Every error would vanish: "
    "the flow goes on, or ends well, as if nothing had happened. Write what is to happen, if only a `log` block; or "
    "remove the chain, and the flow fails.",
    "error: []",
    "error: [{type: log, message: vars.error.message}]",
)
REMAINDER = _code(
    "OCTO-C158",
    "An integer division drops the remainder",
    "A warning: both sides of `/` are integers that the expression makes, such as `size(...)`, `int(...)` or literals, "
    "so 5 / 2 is 2. Numbers of a message divide exactly: `body.n / 2` of 5 is 2.5. If a whole number is wanted, write "
    "`int(...)` around the division; if not, divide doubles.",
    "size(body.items) / 2",
    "double(size(body.items)) / 2.0, or int(size(body.items) / 2)",
)
REPEATED = _code(
    "OCTO-C159",
    "A call that must happen once stands in a chain that is repeated",
    "A warning: the block is inside a `retry`, perhaps in a flow that is called there. When its answer is lost, nobody "
    "knows whether the other system has carried out the call, and the next attempt makes it again: two orders, two "
    "payments. Give the request a key that stays the same over all attempts, made before the `retry`, if the other "
    "system recognises it; write the statement so that a second time changes nothing; or repeat only what never "
    "reached the other system (`on: [NotConnected]`).",
    "{type: rest, method: POST, path: /orders}",
    "{type: rest, method: POST, path: /orders, headers: {Idempotency-Key: eventID}}",
)
NOT_AT_ROOT = _code(
    "OCTO-C163",
    "A block that takes the rest of the flow is not at its root",
    "`split` and `aggregate` take the rest of their flow and run it for other messages than the one that came. So they "
    "stand directly under `process:` of a flow: not inside another block, and not in an `error:` chain. To split in a "
    "branch, call a flow there that begins with `split`.",
    "{type: if, condition: C, then: [{type: split, items: body}]}",
    "{type: if, condition: C, then: [{type: flow-ref, flow: each, oneWay: true}]}, and split in the flow `each`",
)
ADVICE = _code(
    "OCTO-C162",
    "A setting could be written better",
    "A warning: the setting works, but another way of writing it is safer or clearer. The hint says which.",
    "baseURL: https://user:password@api.example.com",
    "baseURL: https://api.example.com, and auth: {type: basic, username: user, password: ${PASSWORD}}",
)
QUOTED = _code(
    "OCTO-C164",
    "Quotes where no expression is",
    "A warning: this setting is a plain text, not an expression, so quotes inside of it are a part of it. A source "
    'that takes the queue `"orders"` gets nothing of what is sent to `orders`. Names that a block computes for each '
    "message are expressions; those that are known from the start are not: `octo doc NAME` tells which is which.",
    "settings: {subject: '\"orders\"'}",
    "settings: {subject: orders}",
)
SOURCES_CLASH = _code(
    "OCTO-C151",
    "Sources that cannot both exist",
    "Two flows want the same thing from one connector, for example the same HTTP path. Change one of them, or give it "
    "a connector of its own.",
    "two sources with path: /orders/{id}",
    "path: /orders/{id} and path: /orders/{id}/items",
)
RESOURCE = _code(
    "OCTO-C152",
    "Resource missing or out of reach",
    "A template under `resources:` does not exist, or a resource is outside the configuration's folder. Paths are "
    "relative to that folder and may not leave it, not even through a link.",
    "resources: {env: [../secrets.env]}",
    "resources: {env: [secrets.env]}",
)
NO_PORT = _code(
    "OCTO-C195",
    "No single port to choose",
    "`octo run --port` replaces the port of the only `http` connector of a configuration. There is none, or there are "
    "several. With several, declare a variable for each under `env:` and write it as `port: ${NAME}`.",
    "octo run --port 9000  (and two connectors of type http)",
    'env: [{name: WEB_PORT, default: "8080"}] ... port: ${WEB_PORT}',
)
