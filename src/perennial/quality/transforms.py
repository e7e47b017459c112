"""The units that are mixed up: what a column looks like when it comes in another one than it should."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Transform:
    """What happened to a column: ``x`` became ``factor * x + shift``.

    Attributes:
        words: What the numbers look like now, beside what they were.
        formula: The same as arithmetic.
        factor: Not 0.
        shift: In the unit that the numbers have now.
        were: Between which numbers nearly all lay before, for it to make sense.
        are: Between which numbers nearly all lie now.
    """

    words: str
    formula: str
    factor: float
    shift: float = 0.0
    were: tuple[float, float] = (-inf, inf)
    are: tuple[float, float] = (-inf, inf)

    @property
    def scales(self) -> bool:
        """Whether it only multiplies, and so acts on logarithms as a shift."""
        return self.shift == 0.0


_MILE, _POUND = 1.609344, 2.2046226
_C, _F, _K = (-60.0, 60.0), (-76.0, 140.0), (213.0, 333.0)
"""The temperatures of weather, houses and bodies."""

TRANSFORMS = (
    Transform("°F where °C was", "x·1.8+32", 1.8, 32.0, _C, _F),
    Transform("°C where °F was", "(x-32)/1.8", 1 / 1.8, -32.0 / 1.8, _F, _C),
    Transform("K where °C was", "x+273.15", 1.0, 273.15, _C, _K),
    Transform("°C where K was", "x-273.15", 1.0, -273.15, _K, _C),
    Transform("°F where K was", "x·1.8-459.67", 1.8, -459.67, _K, _F),
    Transform("K where °F was", "(x+459.67)/1.8", 1 / 1.8, 459.67 / 1.8, _F, _K),
    Transform("hundredths where whole units were, such as cents or percent", "x·100", 100.0),
    Transform("whole units where hundredths were, such as cents or percent", "x/100", 0.01),
    Transform("thousandths where whole units were", "x·1000", 1000.0),
    Transform("whole units where thousandths were", "x/1000", 0.001),
    Transform("km where miles were", "x·1.609", _MILE),
    Transform("miles where km were", "x/1.609", 1 / _MILE),
    Transform("lb where kg were", "x·2.205", _POUND),
    Transform("kg where lb were", "x/2.205", 1 / _POUND),
    Transform("the opposite sign", "-x", -1.0),
)
"""In the order in which they are believed where several fit equally well."""
