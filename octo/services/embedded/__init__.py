"""Services in a SQLite file: they need no server, survive `kill -9`, and serve all processes of one machine."""
