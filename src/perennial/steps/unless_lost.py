"""Reading an artifact that may have been collected, or lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError

T = TypeVar("T")


def unless_lost(read: Callable[[], T]) -> T | None:
    """Return what *read* returns; None where the artifact that it reads is not in the store.

    Raises:
        ArtifactError: Whatever else is wrong with it.
    """
    try:
        return read()
    except ArtifactError as error:
        if error.code is not Code.ARTIFACT_MISSING:
            raise
        return None
