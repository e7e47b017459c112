"""What an estimator raises, as an error of ours."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError, PerennialError


@contextmanager
def estimator_faults(where: str, action: str) -> Iterator[None]:
    """Turn whatever is raised inside into DEFINITION_ESTIMATOR.

    The message names the exception and the line that raised it. Its text and its traceback are left out, as libraries put a row's
    value into them; only what scikit-learn says about a parameter is repeated.

    Args:
        where: The estimator's import path or type.
        action: What failed: ``fit``, ``predict``.
    """
    try:
        yield
    except PerennialError:
        raise
    except Exception as error:  # noqa: BLE001 - somebody's estimator may raise anything
        message = f"cannot {action}: {_told(error)}"
        raise DefinitionError(Code.DEFINITION_ESTIMATOR, message, where=where) from None


def _told(error: Exception) -> str:
    if type(error).__name__ == "InvalidParameterError":
        return f"InvalidParameterError: {error}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
