"""Sources in files: Parquet and CSV, on disk and on S3, read with care and put in order."""
