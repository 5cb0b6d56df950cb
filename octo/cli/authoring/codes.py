"""What the authoring server refuses, for `octo explain`."""

from __future__ import annotations

from octo.core.errors import Explanation

OUTSIDE = "OCTO-X140"
STALE = "OCTO-X141"
KIND = "OCTO-X142"
SIZE = "OCTO-X143"
NOT_ONCE = "OCTO-X144"
READ_ONLY = "OCTO-X145"
LATE = "OCTO-X146"
BROKE = "OCTO-X147"
MISSING = "OCTO-X148"
ARGUMENT = "OCTO-X149"
RUN = "OCTO-X150"
EFFECTS = "OCTO-X151"
HIDDEN = "OCTO-X152"

EXPLANATIONS = {
    OUTSIDE: Explanation(
        "A path that leads out of the project",
        "`octo mcp author` and the editor take paths relative to the project folder, such as `flow.yaml` or "
        "`orders/flow_test.yaml`. A path that begins with `/`, has `..` in it, goes through a link, or through a name "
        "that begins with `.` is refused, whether it exists or not.",
    ),
    STALE: Explanation(
        "The file is not as it was read",
        "An edit names the hash of the text that it changes. The file has another one now: somebody else has saved it, "
        "or it was not read yet. Read it again, and make the edit on what it says now. A new file has the hash ''.",
    ),
    KIND: Explanation(
        "Not a file that is edited here",
        "`octo mcp author` writes flow files, test files, templates and other text that flows read: .yaml, .json, "
        ".csv, .txt, .md, .html, .xml, .sql and the like. It reads Python modules too, but never writes them, as they "
        "can do anything. `.env` files, keys and files that are no text are neither read nor written. The editor opens "
        "any file that is text in UTF-8.",
    ),
    SIZE: Explanation(
        "Too large",
        "A file has at most 1 MiB where an assistant reads or writes it, and 8 MiB in the editor; a folder that is "
        "listed has at most 50,000 files in it and below. Name a part of it.",
    ),
    NOT_ONCE: Explanation(
        "The text to replace is not there exactly once",
        "Each `find` of an edit must be in the file once, with its line breaks and blanks. If it is there several "
        "times, write more of the lines around it; if it is not there, read the file again. Nothing was written.",
    ),
    READ_ONLY: Explanation(
        "The server is read-only",
        "`octo mcp author` changes nothing unless it is started with `--allow-mutations`. Only the person who starts "
        "it can allow that. Until then show the change as a text.",
    ),
    LATE: Explanation(
        "It took too long",
        "What a tool asked for did not end in time, and was ended. Ask for less at a time, or give it more time with "
        "`timeout`. A flow that never ends may have a loop, or wait for a system that does not answer.",
    ),
    BROKE: Explanation(
        "The process that did it broke",
        "Each question to the engine is a process of its own. This one ended without an answer, for example because a "
        "Python module of the project ended it, or because it ran out of memory. The server itself goes on.",
    ),
    MISSING: Explanation(
        "There is no such thing",
        "No file, flow, page, sample or trace has this name. The hint says which there are.",
    ),
    ARGUMENT: Explanation(
        "Arguments that the tool does not take",
        "The arguments of a call do not fit the input schema of the tool. The hint says where and why.",
    ),
    RUN: Explanation(
        "Nothing runs, or something runs already",
        "`octo mcp author` has at most one `octo run` at a time, and so has an editor. `run` starts it, `stop` ends "
        "it, `status` tells how it is and shows its log, `request` calls it.",
    ),
    EFFECTS: Explanation(
        "It would have effects",
        "A read-only server runs flows only where nothing outside can notice: every connector that the flow calls has "
        "a stub, and no `python` block runs. Name a test file under `stubs`, give the case stubs or mocks, or start "
        "the server with `--allow-mutations`.",
    ),
    HIDDEN: Explanation(
        "The text has the mark of a hidden secret",
        "Secrets read `«secret»`. To write that back would replace the secret by its mark. Change the file with "
        "`edits` that leave that line alone, and let flows take secrets from variables, not from texts.",
    ),
}
