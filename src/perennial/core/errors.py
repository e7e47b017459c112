"""Every error that Perennial raises, and every code that it can carry.

PerennialError
├── TerminalError        a retry cannot help
│   ├── DefinitionError  the definition's author must act
│   ├── DataError        the data's owner must act
│   ├── ArtifactError    bytes are not what was signed
│   ├── ConflictError    somebody else got there first
│   └── RejectedError    the store refuses: schema, permission, version
└── TransientError       a retry may help
    └── UnavailableError network, lock, timeout

An error carries one or more faults, so that everything that is wrong is said at once. A fault says where it is, what was
found and what is allowed. It never holds a secret or a value out of a data row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from perennial.core.codes import Code


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: its code, what to say about it, and where it is (file, line and field, or a step's key)."""

    code: Code
    message: str
    where: str = ""

    def __str__(self) -> str:
        """Return the line that a person reads: ``where: message [CODE]``."""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} [{self.code}]"


class PerennialError(Exception):
    """What could not be done. An outcome (a refused model, a bad night) is a value, never one of these."""

    def __init__(self, code: Code, message: str, *, where: str = "", fix: str = "") -> None:
        """Carry one fault.

        Args:
            code: The stable code of the fault, as listed in ``docs/errors.md``.
            message: What was found and what is allowed.
            where: The place: ``file:line: field``, a table, a step's key.
            fix: What the reader can do about it, where that is not obvious. Never part of ``str(error)``.
        """
        self.faults: tuple[Fault, ...] = (Fault(code, message, where),)
        self.fix = fix
        super().__init__(str(self))

    @classmethod
    def of(cls, faults: Iterable[Fault], *, fix: str = "") -> Self:
        """Return one error that carries all of *faults*, of which there is at least one."""
        first, *others = faults
        error = cls(first.code, first.message, where=first.where, fix=fix)
        error.faults = (first, *others)
        error.args = (str(error),)
        return error

    @property
    def code(self) -> Code:
        """The code of the first fault."""
        return self.faults[0].code

    @property
    def where(self) -> str:
        """The place of the first fault."""
        return self.faults[0].where

    def __str__(self) -> str:
        """Return one line per fault."""
        return "\n".join(str(fault) for fault in self.faults)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep all faults when the error crosses a process border."""
        return _restore, (type(self), self.faults, self.fix)


class TerminalError(PerennialError):
    """A retry cannot help."""


class DefinitionError(TerminalError):
    """The definition's author must act."""


class DataError(TerminalError):
    """The data's owner must act."""


class ArtifactError(TerminalError):
    """Bytes are not what was signed."""


class ConflictError(TerminalError):
    """Somebody else got there first."""


class RejectedError(TerminalError):
    """A store refuses: schema, permission, version."""


class TransientError(PerennialError):
    """A retry may help."""


class UnavailableError(TransientError):
    """Network, lock or timeout."""


def _restore(kind: type[PerennialError], faults: tuple[Fault, ...], fix: str) -> PerennialError:
    return kind.of(faults, fix=fix)
