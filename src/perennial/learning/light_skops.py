"""skops, imported without the rest of scikit-learn.

To list the estimators that it would trust by itself, skops imports all of scikit-learn, and pytest with it. That is half of its
import. A model of ours is loaded with each type that it may hold (``schema_types``), so the list is left empty here.
"""

from __future__ import annotations

from typing import Any

import sklearn.utils


def _imported() -> Any:  # noqa: ANN401 - a module without types
    listed = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = list
    try:
        import skops.io  # noqa: PLC0415 - while it finds no estimators
    finally:
        sklearn.utils.all_estimators = listed
    return skops.io


skops_io = _imported()
PROTOCOL: int = skops_io._protocol.PROTOCOL  # noqa: SLF001 - the number of the format, which has no public name
