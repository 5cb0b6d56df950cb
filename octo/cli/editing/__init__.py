"""`octo edit`: the server of the editor, for the page that is built from `editor/`.

A request goes `app.py` (headers, `entrance.py`) → a handler of `calls.py`, `files.py`, `runs.py` or `variables.py` →
the `Editor`. `tree.py` and `watching.py` are the files of the project; `shadow.py` is a copy of it with what the pages
have not saved, which `checking.py` asks about in forks (`work.py`, `completing.py`, `trying.py`), and which
`running.py` runs as a child. `messages.py` reads what that has recorded, `debugging.py` sets its breakpoints,
`sending.py` asks it. `feed.py` tells all pages what happens.

All calls are below /api, take and give JSON, and need the cookie and the header `Octo-Key`; but for the first one. In
all that take `files` these are the unsaved texts by path, null for a file that is removed. `path` says of which
configuration (`units.py`), `page` is any word that tells one page from others: a newer question of it ends the older.
The types of what is given are those of `editor/src/client/types.ts`.

    POST   /session              {token} → Entrance; sets the cookie, once per token
    GET    /session              Session
    POST   /link                 Link: for another browser
    GET    /catalogue            the catalogue of components; ETag
    GET    /events               text/event-stream; Last-Event-ID. files, folder, run, log, messages, debug, tests; and
                                 resync, first and whenever events were missed: read everything anew

    GET    /files                FileList
    GET    /files/PATH           FileText; ETag
    PUT    /files/PATH           {text}, If-Match, or If-None-Match: * → Saved. 412 has `current`: what is there now
    DELETE /files/PATH           If-Match
    POST   /rename               {from, to}, If-Match → Moved

    POST   /check                {files, path, page, tests} → Checked
    POST   /complete             {files, path, page, address, expression, offset, message, names} → Completions
    POST   /evaluate             {files, path, page, expression, message, names, why} → Evaluated

    POST   /run                  {files, path, env} → Run
    GET    /run                  RunWithLog
    PUT    /run/files            {files} → Run
    DELETE /run                  Run
    POST   /send                 {url, method, headers, body, timeout} → Reply

    GET    /messages             ?flow= &outcome= &limit= &before= → MessageList
    GET    /messages/ID          MessageDetail
    POST   /messages/ID/values   {files, path} → StepValues
    POST   /messages/ID/why      {files, path, span, expression} → Evaluated
    POST   /messages/ID/again    {files, path, span, message, calls, timeout} → Again
    POST   /messages/ID/test     {files, path} → RecordedTest
    GET    /spies/ADDRESS        Crossings

    GET    /debug                Debug
    PUT    /debug                {breakpoints: [{address, when}], mocks} → Debug
    POST   /debug/ID             {do: continue | step | drop | fail, message} → Ordered

    POST   /tests                {files, path, only} → Tested
    GET    /env                  ?path= &reveal=1 → Env
    PUT    /env                  {path, values}, If-Match, or If-None-Match: * → Saved
    GET    /resources            ?path= → Resources

A refusal is `{code, message, hint?}` with a status that says the same (`app.STATUS`); `octo explain CODE` tells more.
"""
