"""How a call ends: the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, RejectedError, TransientError

TERMINAL, TRANSIENT, BUG, NOBODY_READS = 3, 4, 5, 141


class Verbs(TyperGroup):
    """The group of all verbs. Whatever a verb raises ends here."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override] # Typer's own subclass of its vendored Context
        """Run the verb that *ctx* asks for.

        Raises:
            typer.Exit: It failed; what there is to say has been said.
        """
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException):
            raise  # a verb's own exit code, or words of the call that are off
        except Exception as error:
            raise typer.Exit(_end(error)) from error


def _end(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has nowhere to go
        return NOBODY_READS
    if isinstance(error, PerennialError):
        return _complain(error)
    log = _logged(error)
    if isinstance(error, OSError) and isinstance(error.filename, str):
        return _complain(_of_file(error, error.filename))
    where = f"where it happened is in {log}" if log else "where it happened could not be written anywhere"
    typer.echo(f"perennial: a fault of its own, {type(error).__name__}; {where}", err=True)
    return BUG


def _complain(error: PerennialError) -> int:
    typer.echo(str(error), err=True)
    if error.fix:
        typer.echo(f"  fix: {error.fix}", err=True)
    return TRANSIENT if isinstance(error, TransientError) else TERMINAL


def _of_file(error: OSError, name: str) -> PerennialError:
    from perennial.core.file_errors import file_errors  # noqa: PLC0415 - only when it is needed

    if isinstance(error, FileExistsError | FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return RejectedError(Code.STORE_REJECTED, f"could not be used ({error.strerror})", where=name)
    try:
        with file_errors(name):
            raise error
    except PerennialError as translated:
        return translated


def _logged(error: Exception) -> Path | None:
    from perennial.cli.mishap import log_mishap  # noqa: PLC0415 - only when it is needed

    try:
        return log_mishap(error)
    except OSError:
        return None
