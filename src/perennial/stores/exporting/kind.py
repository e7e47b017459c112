"""What a file of predictions can be."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """What a file of predictions is written as."""

    CSV = "csv"
    PARQUET = "parquet"
