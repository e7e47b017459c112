"""Predictions out of the ledger into one file, on disk or S3."""
