"""From an import path in a definition to an unfitted estimator."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_regressor

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError
from perennial.learning.features import Columns

_NEEDED = ("fit", "predict", "get_params", "set_params")


def load_estimator(
    path: str, *, columns: Columns, seed: int, parameters: Mapping[str, Any], task: str | None = None
) -> BaseEstimator:
    """Call the function at *path* and return the estimator that it makes.

    *columns* and *seed* are passed only where the function names them. Whatever ``random_state`` is then still None, in the
    estimator or in a part of it, is set to *seed*, so that a fit can be repeated.

    Args:
        path: ``package.module:function``.
        columns: The features that the estimator will see.
        seed: Seed of everything random.
        parameters: Further keyword arguments.
        task: ``regression`` or ``binary``; where given, the estimator must be of that kind.

    Raises:
        DefinitionError: DEFINITION_ESTIMATOR, the path leads to no such function, or the function to no such estimator.
    """
    function = _function(path)
    estimator = _call(function, path, {**_offered(function, columns, seed), **parameters})
    _check(estimator, path, task)
    unset = [name for name, value in estimator.get_params().items() if name.rpartition("__")[2] == "random_state" and value is None]
    return estimator.set_params(**dict.fromkeys(unset, seed))


def _function(path: str) -> Callable[..., Any]:
    module_name, colon, name = path.partition(":")
    if not (module_name and colon and name):
        raise _fault("must be package.module:function", path)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # importing somebody's module may raise anything
        raise _fault(f"cannot import {module_name} ({type(error).__name__}: {error})", path) from error
    function = getattr(module, name, None)
    if function is None:
        raise _fault(f"{module_name} has no function {name}", path)
    if not callable(function):
        raise _fault(f"{name} must be a function, got {type(function).__name__}", path)
    return function  # type: ignore[no-any-return]  # what a module holds is not known before


def _offered(function: Callable[..., Any], columns: Columns, seed: int) -> dict[str, Any]:
    named = inspect.signature(function).parameters
    offered = {"columns": columns, "seed": seed}
    return {name: value for name, value in offered.items() if name in named and named[name].kind in _BY_NAME}


_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _call(function: Callable[..., Any], path: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - checked by the caller
    try:
        return function(**arguments)
    except Exception as error:  # somebody's function may raise anything
        raise _fault(f"cannot be called with its parameters ({type(error).__name__}: {error})", path) from error


def _check(estimator: Any, path: str, task: str | None) -> None:  # noqa: ANN401 - anything may have been returned
    lacking = [name for name in _NEEDED if not callable(getattr(estimator, name, None))]
    if isinstance(estimator, type) or lacking:
        kind = f"the class {estimator.__name__}" if isinstance(estimator, type) else type(estimator).__name__
        raise _fault(f"must return a scikit-learn estimator (with {', '.join(_NEEDED)}), got {kind}", path)
    if task == "regression" and is_classifier(estimator):
        raise _fault(f"must return a regressor for the task regression, got the classifier {_title(estimator)}", path)
    if task == "binary" and is_regressor(estimator):
        raise _fault(f"must return a classifier for the task binary, got the regressor {_title(estimator)}", path)


def _title(estimator: BaseEstimator) -> str:
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    return type(last).__name__


def _fault(message: str, path: str) -> DefinitionError:
    return DefinitionError(Code.DEFINITION_ESTIMATOR, message, where=path)
