"""The traceback of what should not have happened, in a file instead of on the terminal."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from perennial import __version__, wiring

NAME = "perennial.log"
HIDDEN = "***"


def log_mishap(error: BaseException) -> Path:
    """Append the traceback of *error*, without the secrets of the environment, to a file that only its owner reads.

    Returns:
        The file.

    Raises:
        OSError: It cannot be written.
    """
    settings = wiring.settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / NAME
    text = f"{wiring.now():%Y-%m-%d %H:%M:%SZ} perennial {__version__}\n{''.join(traceback.format_exception(error))}\n"
    for secret in _secrets(settings):
        text = text.replace(secret, HIDDEN)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(text)
    return path


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
