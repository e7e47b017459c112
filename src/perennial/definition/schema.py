"""The JSON Schema of a definition, with which an editor completes and checks ``config/models/*.yml`` as they are written."""

from __future__ import annotations

import json

from perennial.definition.models import Definition

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_json() -> str:
    """Return the JSON Schema of a definition as text that ends with a newline, the same for the same code."""
    schema = {"$schema": DIALECT, **Definition.model_json_schema(mode="validation")}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
