"""From a URL to an engine of the ledger's PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 30
_DRIVER = "postgresql+psycopg"
_SCHEMES = ("postgres", "postgresql", _DRIVER)
_FIX = "Percent-encode what is special in a password: @ is %40, / is %2F, : is %3A, # is %23, ? is %3F."


def read_url(text: str, *, where: str) -> URL:
    """Return *text* as a URL of any database.

    A raw ``@``, ``/`` or ``?`` in a password makes a parser take part of the password for the host, so at most one ``@`` may
    stand in a URL, and only before the first ``/``. The URL is never repeated in a message.

    Raises:
        DefinitionError: DEFINITION_URL.
    """
    scheme, found, rest = text.partition("://")
    authority = rest.replace("?", "/").replace("#", "/").partition("/")[0]
    if not found or rest.count("@") > 1 or rest.count("@") != authority.count("@"):
        raise _unreadable(where)
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError):
        url = None
    if url is None or not scheme:
        raise _unreadable(where)  # outside of the handler: the parser's own message repeats the URL
    return url


def postgres_url(text: str, *, where: str) -> URL:
    """Return *text* as a URL of a PostgreSQL database, with our driver.

    Raises:
        DefinitionError: DEFINITION_URL.
    """
    url = read_url(text, where=where)
    if url.drivername not in _SCHEMES:
        raise DefinitionError(Code.DEFINITION_URL, "must start with postgresql://, the only database of the ledger", where=where)
    return url.set(drivername=_DRIVER)


def open_engine(text: str, *, where: str, options: str = "") -> Engine:
    """Return an engine of the PostgreSQL database behind the URL *text*. Nothing is connected yet.

    Args:
        text: The URL.
        where: What the database is called in messages.
        options: Settings that every connection begins with, as libpq's ``options`` takes them, beside those of the URL.

    Raises:
        DefinitionError: DEFINITION_URL.
    """
    url = postgres_url(text, where=where)
    settings = f"{url.query.get('options', '')} {options}".strip()
    return create_engine(
        url,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "perennial",
            **({"options": settings} if settings else {}),
        },
        hide_parameters=True,
        pool_pre_ping=True,
        max_overflow=20,
    )


def _unreadable(where: str) -> DefinitionError:
    message = "must be dialect://user:password@host:port/database, with what is special in the password percent-encoded"
    return DefinitionError(Code.DEFINITION_URL, message, where=where, fix=_FIX)
