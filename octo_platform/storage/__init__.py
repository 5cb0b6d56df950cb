"""What the platform keeps, in SQLite or PostgreSQL: tables, migrations, sealed values."""
