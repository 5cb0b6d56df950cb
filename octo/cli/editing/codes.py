"""What the server of the editor refuses, for `octo explain`."""

from __future__ import annotations

from octo.core.errors import Explanation

UNBUILT = "OCTO-X160"
FOREIGN = "OCTO-X161"
LINK = "OCTO-X162"
UNCONDITIONAL = "OCTO-X163"
UNWRITTEN = "OCTO-X164"
REQUEST = "OCTO-X165"
BROKE = "OCTO-X166"
GONE = "OCTO-X167"
SUPERSEDED = "OCTO-X168"

EXPLANATIONS = {
    UNBUILT: Explanation(
        "The editor is not built",
        "`octo edit` serves a page that is built from `editor/`. Installed packages have it; a checkout builds it with "
        "`make edit`, or `scripts/editor.sh build`, which need what `scripts/setup.sh dev` installs.",
    ),
    FOREIGN: Explanation(
        "The request does not come from the page of the editor",
        "The server of `octo edit` answers its own page only: the host that a request names must be this machine, and "
        "no page of another address may ask. Open the link that `octo edit` prints. A proxy that changes the `Host` "
        "or the `Origin` of requests cannot stand between.",
    ),
    LINK: Explanation(
        "The link has been used, or the server was started anew",
        "The link that `octo edit` prints opens one browser, once. It prints another one after each use: take that "
        "one. A page from before a restart of `octo edit` needs a new link too; what it has not saved stays in it.",
    ),
    UNCONDITIONAL: Explanation(
        "A save that does not say what it replaces",
        "Who saves a file names the version that he has changed, in `If-Match`, or says with `If-None-Match: *` that "
        "there is none yet. So nobody's save replaces that of another unseen.",
    ),
    UNWRITTEN: Explanation(
        "The file could not be written",
        "The disk is full, or the file or its folder may not be written by the user who started `octo edit`. What was "
        "there before is unchanged. Make room or allow it, and save again: the editor keeps the text until then.",
    ),
    REQUEST: Explanation(
        "A request that the editor's server does not take",
        "The path, the method or the body of a request is none of its API. This is a fault of the page, or of whoever "
        "else asks; reload the page after an upgrade of Octo.",
    ),
    BROKE: Explanation(
        "The server of the editor broke",
        "Something went wrong that nobody thought of. The terminal in which `octo edit` runs says more. Files that "
        "were saved are whole; what was not is still in the page.",
    ),
    GONE: Explanation(
        "The folder is gone",
        "The folder that `octo edit` was started with has been moved or removed. Put it back, and the editor goes on; "
        "or stop it and open the folder at its new place.",
    ),
    SUPERSEDED: Explanation(
        "A newer question has taken the place of this one",
        "While somebody types, each state of the text is checked. When a newer one comes, the check of the older one "
        "ends without an answer: nobody waits for it.",
    ),
}
