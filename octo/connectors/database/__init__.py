"""SQL databases: PostgreSQL, SQLite, MySQL, and all others that SQLAlchemy supports."""

from octo.connectors.database.codes import EXPLANATIONS
from octo.connectors.database.connector import Database
from octo.connectors.database.settings import Connection, Query

__all__ = ["EXPLANATIONS", "Connection", "Database", "Query"]
