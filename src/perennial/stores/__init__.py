"""One implementation of a port per file, and the only rooms that know SQLAlchemy, psycopg and boto3."""
