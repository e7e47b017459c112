"""Which champion a rollback goes back to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from perennial.core.receipts import Promotion, PromotionKind
from perennial.steps.former import former

START = datetime(2024, 3, 1, tzinfo=UTC)


def promotions(*versions: str | None) -> list[Promotion]:
    """Return a record of promotions; None is a retirement."""
    return [
        Promotion(
            model="bikes",
            epoch=number,
            version=version,
            kind=PromotionKind.PROMOTE if version else PromotionKind.RETIRE,
            effective_from=START,
            reason="test",
            actor="ana",
        )
        for number, version in enumerate(versions, start=1)
    ]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (("v1", "v2"), "v1"),
        (("v1", "v2", "v3", "v2"), "v1"),
        (("v1", None), "v1"),
        (("v1", "v2", None), "v2"),
        (("v1", None, "v2", None), "v2"),
        (("v1", None, "v2"), "v1"),
    ],
)
def test_by_default_it_is_the_one_that_was_replaced_and_under_a_retirement_the_last_one(
    versions: tuple[str | None, ...], expected: str
) -> None:
    """Given twice, it goes back twice."""
    assert former("bikes", promotions(*versions), None) == expected
