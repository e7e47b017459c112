"""A mapping that holds what was used last, and lets go of the rest."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any


class Recent(OrderedDict[str, Any]):
    """At most *most* values, those that were read or written last.

    Examples:
        >>> recent = Recent(2)
        >>> recent["a"], recent["b"] = 1, 2
        >>> recent["a"]
        1
        >>> recent["c"] = 3
        >>> list(recent)
        ['a', 'c']
    """

    def __init__(self, most: int) -> None:
        """Hold nothing yet."""
        super().__init__()
        self._most = most

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - whatever is held
        """Return a value, which is now the last one used."""
        value = super().__getitem__(key)
        self.move_to_end(key)
        return value

    def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401 - whatever is held
        """Hold a value, in place of the one that was used longest ago."""
        super().__setitem__(key, value)
        while len(self) > self._most:
            self.popitem(last=False)
