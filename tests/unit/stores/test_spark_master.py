"""Which master a connection of Airflow's means."""

from __future__ import annotations

import pytest
from airflow.sdk import Connection

from perennial.stores.spark.master import is_master, master_of


@pytest.mark.parametrize(
    ("host", "port", "master"),
    [
        ("spark://host", 7077, "spark://host:7077"),
        ("spark://host:7077", None, "spark://host:7077"),
        ("spark://one:7077,two:7077", None, "spark://one:7077,two:7077"),
        ("host", 7077, "spark://host:7077"),
        ("k8s://https://host", 6443, "k8s://https://host:6443"),
        ("k8s://https://host:6443", None, "k8s://https://host:6443"),
        ("k8s://host", 6443, "k8s://host:6443"),
        ("yarn", None, "yarn"),
        ("local", None, "local"),
        ("local[2]", None, "local[2]"),
        ("local[*]", None, "local[*]"),
    ],
)
@pytest.mark.parametrize(
    "beside", [{}, {"extra": '{"queue": "night", "deploy-mode": "client"}'}, {"login": "a person", "password": "p:w/?@#word"}]
)
def test_a_connection_means_its_host_with_its_port(host: str, port: int | None, master: str, beside: dict[str, str]) -> None:
    """As Airflow itself writes it, with whatever else stands in its form."""
    url = Connection(conn_id="spark_default", conn_type="spark", host=host, port=port, **beside).get_uri()
    assert master_of(url) == master
    assert is_master(master)


@pytest.mark.parametrize("name", ["yarn_night", "yarn-night", "local_spark", "spark", "k8s"])
def test_the_name_of_a_connection_is_no_master(name: str) -> None:
    """Also where it begins as one does."""
    assert not is_master(name)
