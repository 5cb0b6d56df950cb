"""`octo edit`: the server of the editor, for the page that is built from `editor/`.

A request goes `app.py` (headers, `entrance.py`) → a handler of `calls.py` → the `Editor`. `tree.py`, `files.py` and
`watching.py` are the files of the project; `shadow.py` is a copy of it with what the pages have not saved, which
`checking.py` asks about in forks (`work.py`). `feed.py` tells all pages what happens.

    POST   /api/session           {token} → {key, name, folder, only, octo}; sets the cookie, once per token
    GET    /api/session           {name, folder, only, octo}
    POST   /api/link              → {link}: for another browser
    GET    /api/catalogue         the catalogue of components; ETag
    GET    /api/events            text/event-stream; Last-Event-ID
    GET    /api/files             {files: [{path, kind, size, etag}], isWhole}
    GET    /api/files/PATH        {path, text, etag}; ETag
    PUT    /api/files/PATH        {text}, If-Match or If-None-Match: * → {path, etag}; 412 has `current`
    DELETE /api/files/PATH        If-Match
    POST   /api/rename            {from, to}, If-Match → {path}
    POST   /api/check             {files, path, page, tests} → {configuration, ok, entries, problems, warnings}

All but `POST /api/session` need the cookie and the header `Octo-Key`. A refusal is `{code, message, hint?}` with a
status that says the same; `octo explain CODE` tells more.
"""
