"""The definition whose policies are tried."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.definition.models import Definition


@pytest.fixture(scope="session")
def definition(small: dict[str, Any]) -> Definition:
    """The small definition."""
    return Definition.model_validate(small)
