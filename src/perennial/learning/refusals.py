"""Whatever a file that is not ours makes the libraries below raise, as one error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, PerennialError


@contextmanager
def refusals(code: Code, said: str, where: str) -> Iterator[None]:
    """Turn what is raised inside into an ArtifactError.

    The message names the kind of the error. Its text is left out: it may repeat what the file holds.

    Args:
        code: The fault's code.
        said: What could not be done: ``cannot be built``.
        where: The model.

    Raises:
        ArtifactError: *code*, or ARTIFACT_TOO_LARGE where memory ran out.
    """
    try:
        yield
    except ArtifactError:
        raise
    except PerennialError as error:
        raise ArtifactError(code, f"{said} ({error.code})", where=where) from error
    except MemoryError as error:
        message = "must fit into the memory of the process that loads it"
        raise ArtifactError(Code.ARTIFACT_TOO_LARGE, message, where=where) from error
    except Exception as error:  # a file made by hand may fail anywhere in zipfile, skops, numpy or scikit-learn
        raise ArtifactError(code, f"{said} ({type(error).__name__})", where=where) from error
