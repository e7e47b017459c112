"""The JSON Schema is current, and what we ship and load conforms to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs are a distribution of their own

from perennial.definition.schema import schema_json
from perennial.definition.yaml_nodes import read_document

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "config" / "models").glob("*.yml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema as data."""
    data: dict[str, Any] = json.loads(schema_json())
    return data


def faults(schema: dict[str, Any], value: object) -> list[str]:
    """Return where *value* does not conform."""
    return [error.json_path for error in Draft202012Validator(schema).iter_errors(value)]


def test_the_written_schema_is_current() -> None:
    """``perennial schema`` was run after the last change."""
    assert (ROOT / "config" / "model.schema.json").read_text(encoding="utf-8") == schema_json()


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    """It keeps its own rules."""
    Draft202012Validator.check_schema(schema)


def test_every_field_is_described_and_nothing_else_is_allowed(schema: dict[str, Any]) -> None:
    """An editor shows the docstring of every key, and marks a key that does not exist."""
    sections = [schema, *(part for part in schema["$defs"].values() if part.get("type") == "object")]
    assert [section["title"] for section in sections if section["additionalProperties"] is not False] == []
    fields = [(f"{section['title']}.{key}", value) for section in sections for key, value in section["properties"].items()]
    # What has the same words as the section that it refers to is not described twice.
    assert [name for name, value in fields if "description" not in value and "$ref" not in value] == []


def test_a_good_definition_conforms(schema: dict[str, Any], tmp_path: Path, good: str) -> None:
    """What the loader takes, an editor does not mark."""
    path = tmp_path / "bike_demand.yml"
    path.write_text(good)
    assert faults(schema, read_document(path).value) == []


def test_a_faulty_definition_does_not(schema: dict[str, Any], tmp_path: Path, good: str) -> None:
    """What the loader refuses in a field, an editor marks."""
    path = tmp_path / "bike_demand.yml"
    path.write_text(good.replace("metric: mae", "metric: mea").replace("24h", "1 day").replace("table:", "tabel:"))
    assert sorted(faults(schema, read_document(path).value)) == ["$.evaluation.metric", "$.label.delay", "$.source"]


def test_what_is_shipped_conforms_and_names_the_schema(schema: dict[str, Any]) -> None:
    """Every shipped definition conforms, and tells editors where the schema is."""
    for path in SHIPPED:
        assert faults(schema, read_document(path).value) == [], path.name
        assert "# yaml-language-server: $schema=../model.schema.json" in path.read_text(encoding="utf-8").splitlines(), path.name
