"""Jobs in a database: tables, and plain functions of a SQLAlchemy connection by subject."""
