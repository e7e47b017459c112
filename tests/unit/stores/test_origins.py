"""What tables and files are called in OpenLineage: by their address alone, and as whoever made them calls them."""

from __future__ import annotations

import pytest

from perennial.core.errors import DefinitionError
from perennial.stores.origins import origin_of_files, origins_of_tables


@pytest.mark.parametrize(
    ("url", "table", "named"),
    [
        ("postgresql+psycopg://reader:p%40ss@db:6432/bikes?sslmode=require", "demand", "postgres://db:6432 bikes.public.demand"),
        ("postgresql://db/bikes", "raw.demand", "postgres://db:5432 bikes.raw.demand"),
        ("postgresql://db/bikes", "other.raw.demand", "postgres://db:5432 other.raw.demand"),
        (
            "postgresql+psycopg://postgres@/bikes?host=/run/socket&port=6000",
            "demand",
            "postgres://localhost:6000 bikes.public.demand",
        ),
        ("postgresql://[::1]/bikes", "demand", "postgres://[::1]:5432 bikes.public.demand"),
        ("mysql+pymysql://reader@db/bikes", "demand", "mysql://db:3306 bikes.demand"),
        ("mariadb://db:3307/bikes", "demand", "mysql://db:3307 bikes.demand"),
        ("mssql+pyodbc://db/bikes?driver=x", "demand", "mssql://db:1433 bikes.dbo.demand"),
        ("trino://reader@db/lake/raw", "demand", "trino://db:8080 lake.raw.demand"),
        ("snowflake://reader:secret@org-account/bikes/raw?warehouse=w", "demand", "snowflake://org-account bikes.raw.demand"),
        ("snowflake://reader:secret@org-account/bikes/raw", "mart.demand", "snowflake://org-account bikes.mart.demand"),
        ("bigquery://project/raw", "demand", "bigquery project.raw.demand"),
        ("duckdb:////var/bikes.duckdb", "demand", "duckdb:///var/bikes.duckdb bikes.main.demand"),
        ("sqlite:////var/bikes.db", "demand", "sqlite:///var/bikes.db main.demand"),
    ],
)
def test_a_table_is_called_by_its_address(url: str, table: str, named: str) -> None:
    """With port, database and schema, also where nobody said them; without login and options."""
    assert [f"{one.namespace} {one.name}" for one in origins_of_tables(url, [table])] == [named]


@pytest.mark.parametrize(
    ("url", "path", "named"),
    [
        ("file:///var/bikes", "demand.parquet", "file /var/bikes/demand.parquet"),
        ("/var/bikes/", "2024/", "file /var/bikes/2024"),
        ("s3://bikes/raw", "demand.parquet", "s3://bikes raw/demand.parquet"),
        ("s3://bikes", "demand", "s3://bikes demand"),
    ],
)
def test_a_file_is_called_by_its_place(url: str, path: str, named: str) -> None:
    """On this machine or in its bucket."""
    found = origin_of_files(url, path)
    assert found is not None
    assert f"{found.namespace} {found.name}" == named


def test_a_database_is_no_folder() -> None:
    """Its tables are asked for otherwise."""
    assert origin_of_files("postgresql://db/bikes", "") is None


@pytest.mark.parametrize("url", ["postgresql://reader:12/34@db/bikes", "postgresql://reader:12#34@db/bikes", "bikes"])
def test_an_address_that_may_be_read_otherwise_is_refused(url: str) -> None:
    """Or a part of a password would stand in the name as a port."""
    with pytest.raises(DefinitionError):
        origins_of_tables(url, ["demand"])


@pytest.mark.parametrize(
    "url", ["s3://AK:se/cret@bikes/raw", "s3://AK:secret@bikes/raw", "s3://bikes/raw?endpoint_url=http://u:p@h"]
)
def test_a_bucket_with_anything_beside_its_name_is_refused(url: str) -> None:
    """It may hold a secret, which nobody shall read in a name."""
    with pytest.raises(DefinitionError):
        origin_of_files(url, "demand")
