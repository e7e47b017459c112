"""Snapshots: from a source's rows to Parquet parts, and back."""
