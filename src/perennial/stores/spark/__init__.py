"""The engine over Spark: the session, what runs on its executors, and the port. Only this package imports PySpark."""
