"""The seconds that the bare calls of an estimator take, inside a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import perennial.steps.fitted as fitted_module
import perennial.steps.scoring.models as models_module
import perennial.steps.scoring.scored_rows as scored_module


@contextmanager
def timed(bare: dict[str, float]) -> Iterator[None]:
    """Add up the seconds of CPU of the bare calls that fit and predict, where they are made in this process."""

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes and gives
            began = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                bare[name] = bare.get(name, 0.0) + time.process_time() - began

        return call

    places = [(fitted_module, "fit", "fit"), *((module, "raw_predictions", "predict") for module in (scored_module, models_module))]
    own = [(module, attribute, getattr(module, attribute)) for module, attribute, _ in places]
    for module, attribute, name in places:
        setattr(module, attribute, counted(name, getattr(module, attribute)))
    try:
        yield
    finally:
        for module, attribute, function in own:
            setattr(module, attribute, function)
