"""The classes that an installation's settings trust beside the list of ``trusted.py``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sklearn.base import BaseEstimator


def listed_fault(name: str) -> str:
    """Return why a listed *name* cannot be trusted, or an empty text.

    Only estimators and transformers can be listed: classes derived from scikit-learn's ``BaseEstimator``, by the name under which
    files know them. A function, a builtin or a class such as ``subprocess.Popen`` is none of them, so that a list that names one
    by mistake opens nothing.

    Args:
        name: As ``module.Class``. Its module is imported.

    Examples:
        >>> listed_fault("sklearn.svm._classes.SVR")
        ''
        >>> listed_fault("builtins.eval")
        'is no estimator class'
        >>> listed_fault("sklearn.svm.SVR")
        'is sklearn.svm._classes.SVR in files'
    """
    module, _, attribute = name.rpartition(".")
    try:
        found: Any = getattr(import_module(module), attribute)
    except Exception as error:  # noqa: BLE001 - importing somebody's module may raise anything
        return f"cannot be imported ({type(error).__name__})"
    if not isinstance(found, type) or not issubclass(found, BaseEstimator):
        return "is no estimator class"
    known = f"{found.__module__}.{found.__qualname__}"
    if known != name:
        return f"is {known} in files"
    return "is of a script, which no other process can import" if module == "__main__" else ""
