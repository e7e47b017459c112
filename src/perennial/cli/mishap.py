"""Where it happened, when something happens that should not: in a file instead of on the terminal."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from perennial import __version__, wiring
from perennial.core.errors import PerennialError

NAME = "perennial.log"
HIDDEN = "***"
_OURS = Path(__file__).parents[1]


def log_mishap(error: BaseException) -> Path:
    """Append where *error* comes from to a file that only its owner reads.

    Told are the kinds of the error and of its causes, and the lines of our own code on the way. The message of an error that is
    not ours is left out, as it may quote a row's value or a secret.

    Returns:
        The file.

    Raises:
        OSError: It cannot be written.
    """
    settings = wiring.settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / NAME
    text = "\n".join([f"{wiring.now():%Y-%m-%d %H:%M:%SZ} perennial {__version__}", *_told(error), "\n"])
    for secret in _secrets(settings):
        text = text.replace(secret, HIDDEN)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(text)
    return path


def _told(error: BaseException) -> Iterator[str]:
    """Yield the lines of *error* and of what it came from, the last first."""
    yield _name(error) + (f": {error}" if isinstance(error, PerennialError) else "")
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(_OURS):
            yield f"  {Path(frame.filename).relative_to(_OURS)}:{frame.lineno} {frame.name}"
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield "which came from"
        yield from _told(earlier)


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _secrets(settings: wiring.Settings) -> Iterator[str]:
    if settings.signing_key:
        yield settings.signing_key
    for url in (settings.database_url, *settings.connections.values()):
        if url and (password := _password(url)):
            yield from (url, password, unquote(password))


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return url
