"""Errors of several things that were tried one after another, in one."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.core.errors import Fault, PerennialError, TerminalError, TransientError


def told_of(name: str, error: PerennialError) -> PerennialError:
    """Return *error* with *name* in front of each place, so that it says whose it is.

    Examples:
        >>> from perennial.core.codes import Code
        >>> str(told_of("north", TerminalError(Code.DATA_EMPTY, "there are no rows", where="rides")))
        'north: rides: there are no rows [DATA_EMPTY]'
    """
    faults = [Fault(fault.code, fault.message, f"{name}: {fault.where}" if fault.where else name) for fault in error.faults]
    return type(error).of(faults, fix=error.fix)


def gathered(errors: Sequence[PerennialError]) -> PerennialError:
    """Return one error with the faults of all *errors*, of which there is at least one. A retry may help where it may help one."""
    if len(errors) == 1:
        return errors[0]
    kind = TransientError if any(isinstance(error, TransientError) for error in errors) else TerminalError
    return kind.of(fault for error in errors for fault in error.faults)
