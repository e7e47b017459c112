"""URLs of databases: what is read, what is refused, and that nothing of one is repeated."""

from __future__ import annotations

import traceback

import pytest

from perennial.core.errors import DefinitionError, UnavailableError
from perennial.stores.database import open_engine, postgres_url, read_url
from perennial.stores.driver_errors import driver_errors

SECRET = "s3cret"
UNREADABLE = (
    "connection warehouse: must be dialect://user:password@host:port/database, "
    "with what is special in the password percent-encoded [DEFINITION_URL]"
)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ana:{SECRET}@word@db.example/perennial",
        f"postgresql://ana:@{SECRET}@db.example/perennial",
        f"postgresql://ana:{SECRET}/word@db.example/perennial",
        f"postgresql://ana:12/{SECRET}@db.example/perennial",
        f"postgresql://ana:{SECRET}?word@db.example/perennial",
        f"postgresql://ana:12?{SECRET}@db.example/perennial",
        f"postgresql://ana:{SECRET}#word@db.example/perennial",
        f"postgresql://ana:word@db.example:{SECRET}/perennial",
        f"postgresql:ana:{SECRET}@db.example/perennial",
        f"ana:{SECRET}@db.example/perennial",
        SECRET,
        "",
    ],
)
def test_a_url_that_would_be_misread_is_refused_and_not_repeated(url: str) -> None:
    """Neither in the message nor in the traceback."""
    with pytest.raises(DefinitionError) as caught:
        read_url(url, where="connection warehouse")
    assert str(caught.value) == UNREADABLE
    assert SECRET not in "".join(line for line in traceback.format_exception(caught.value) if "read_url(url" not in line)


def test_an_encoded_password_is_decoded() -> None:
    """What is special in it is percent-encoded."""
    url = read_url("postgresql://ana:p%40ss%2Fw%3Ard@db.example:5433/perennial?sslmode=require", where="x")
    assert (url.username, url.password, url.host, url.port, url.database) == ("ana", "p@ss/w:rd", "db.example", 5433, "perennial")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_ledger_takes_every_name_of_postgresql(scheme: str) -> None:
    """With one driver."""
    assert postgres_url(f"{scheme}://ana@db/x", where="ledger").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://ana@db/x", "postgresql+asyncpg://ana@db/x"])
def test_the_ledger_takes_no_other_database(url: str) -> None:
    """There is one dialect."""
    with pytest.raises(DefinitionError) as caught:
        postgres_url(url, where="ledger")
    assert str(caught.value) == "ledger: must start with postgresql://, the only database of the ledger [DEFINITION_URL]"


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    """The message says where it was looked for, without the password."""
    engine = open_engine(f"postgresql://ana:{SECRET}@127.0.0.1:1/x", where="ledger")
    with pytest.raises(UnavailableError) as caught, driver_errors("ledger"), engine.connect():
        raise AssertionError
    shown = "".join(traceback.format_exception(caught.value))
    assert str(caught.value).startswith('ledger: connection failed: connection to server at "127.0.0.1", port 1 failed')
    assert SECRET not in shown
