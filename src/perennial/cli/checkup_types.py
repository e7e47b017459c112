"""What ``perennial doctor`` says of the classes that settings trust."""

from __future__ import annotations

from collections.abc import Iterator

from perennial import wiring
from perennial.cli.finding import Finding, State


def trusted_types(settings: wiring.Settings) -> Iterator[Finding]:
    """Yield a finding for each name of PERENNIAL_TRUSTED_TYPES: unsafe, as its code runs unseen, or wrong."""
    if not settings.trusted:
        return
    from perennial.learning.listed import listed_fault  # noqa: PLC0415 - scikit-learn, for this finding only

    for name in sorted(settings.trusted):
        what = f"trusted type {name}"
        if fault := listed_fault(name):
            yield Finding(what=what, state=State.WRONG, found=f"PERENNIAL_TRUSTED_TYPES: {fault}")
        else:
            found = "PERENNIAL_TRUSTED_TYPES: its own code runs when a model that holds it is loaded"
            yield Finding(what=what, state=State.UNSAFE, found=found)
