"""Bytes under their SHA-256, on disk and on S3."""
