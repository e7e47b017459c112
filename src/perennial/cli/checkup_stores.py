"""What ``perennial doctor`` says of databases and artifacts: reachable, at which version, and over which wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from perennial import wiring
from perennial.cli.finding import Finding, State
from perennial.core.errors import PerennialError
from perennial.core.interval import Interval
from perennial.definition.models import Definition, Relation
from perennial.ports import Among, Selection, Source
from perennial.steps.columns import label_columns, row_columns
from perennial.steps.of_segment import of_no_segment
from perennial.stores.server_version import OLDEST, server_version

_ANY_DAY = Interval.parse("2000-01-01/2000-01-02")  # any day will do: the question is whether the columns can be read
_ENCRYPTED = ("require", "verify-ca", "verify-full")


def stores(settings: wiring.Settings, definitions: Iterable[Definition]) -> Iterator[Finding]:
    """Yield what can be said of the ledger, the artifacts and the sources, each by itself."""
    try:
        with wiring.databases(settings) as running:
            yield _server(running.ledger, settings)
            yield _ledger(running.ledger)
            for definition in definitions:
                yield _source(definition, settings, running)
    except (PerennialError, OSError) as error:
        yield Finding(what="database", state=State.WRONG, found=str(error))
    yield _artifacts(settings)
    yield from wires(settings)


def wires(settings: wiring.Settings) -> Iterator[Finding]:
    """Yield a finding for each address that is reached over a network without encryption being asked for."""
    named = {"PERENNIAL_DATABASE_URL": settings.database_url}
    named |= {f"PERENNIAL_CONN_{name.upper()}": url for name, url in settings.connections.items()}
    for name, url in named.items():
        if url and url.startswith("postgres") and _is_far(url) and _sslmode(url) not in _ENCRYPTED:
            found = f"does not insist on TLS: add sslmode=verify-full (or {', '.join(_ENCRYPTED[:-1])})"
            yield Finding(what=name, state=State.UNSAFE, found=found)
    endpoint = settings.s3_endpoint or ""
    if endpoint.startswith("http://") and _is_far(endpoint):
        yield Finding(what="PERENNIAL_S3_ENDPOINT", state=State.UNSAFE, found="is not encrypted: use https://")


def _server(url: str, settings: wiring.Settings) -> Finding:
    where = "PERENNIAL_DATABASE_URL" if settings.database_url else f"embedded in {settings.home}"
    try:
        found = server_version(url, where="ledger")
    except PerennialError as error:
        return Finding(what="database", state=State.WRONG, found=str(error))
    if int(found.partition(".")[0]) < OLDEST:
        return Finding(what="database", state=State.WRONG, found=f"PostgreSQL {found}, must be {OLDEST} or later")
    return Finding(what="database", state=State.RIGHT, found=f"PostgreSQL {found}, {where}")


def _ledger(url: str) -> Finding:
    from perennial.stores.migrations import head  # noqa: PLC0415 - Alembic, for this finding only

    try:
        with wiring.open_ledger(url) as ledger:
            orphans = ledger.orphans()
    except PerennialError as error:
        return Finding(what="ledger", state=State.WRONG, found=str(error))
    if orphans:
        return Finding(what="ledger", state=State.WRONG, found=f"{orphans} batches that are not there have predictions")
    return Finding(what="ledger", state=State.RIGHT, found=f"schema version {head()}")


def _artifacts(settings: wiring.Settings) -> Finding:
    probe = f"perennial doctor {uuid4()}".encode()
    try:
        artifacts = wiring.open_artifacts(settings)
        digest = artifacts.put(probe)
        intact = artifacts.get(digest) == probe
        artifacts.delete(digest)
    except PerennialError as error:
        return Finding(what="artifacts", state=State.WRONG, found=str(error))
    found = f"{settings.artifacts}, written and read"
    return Finding(what="artifacts", state=State.RIGHT if intact else State.WRONG, found=found)


def _source(definition: Definition, settings: wiring.Settings, running: wiring.Databases) -> Finding:
    what = f"source of {definition.name}"
    relations = ((definition.source, row_columns(definition)), (definition.labels, label_columns(definition)))
    try:
        among = of_no_segment(definition.segments) if definition.segments else None  # says whether the types fit
        for relation, columns in relations:
            with wiring.open_source(relation.connection, settings, None, running.beside) as source:
                _read_nothing(source, relation, columns, among)
    except PerennialError as error:
        return Finding(what=what, state=State.WRONG, found=str(error))
    names = " and ".join(dict.fromkeys(_shown(relation) for relation, _ in relations))
    return Finding(what=what, state=State.RIGHT, found=f"{names} can be read")


def _read_nothing(source: Source, relation: Relation, columns: tuple[str, ...], among: Among | None) -> None:
    selection = Selection(
        relation=relation.relation,
        columns=columns,
        entity=relation.entity,
        event_at=relation.event_at,
        available_at=relation.available_at,
        interval=_ANY_DAY,
        as_of=_ANY_DAY.end,
        among=among,
    )
    next(iter(source.read(selection)))


def _shown(relation: Relation) -> str:
    return relation.table or f"the query of {relation.connection}"


def _is_far(url: str) -> bool:
    """Return whether *url* leads off this machine. A Unix socket does not; a name that is no address may.

    A URL that cannot be read leads nowhere; that it cannot be is what the finding of its store tells.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or parse_qs(parts.query).get("host", [""])[0]
    if not host or host.startswith("/") or host == "localhost":
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True


def _sslmode(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("sslmode", [""])[0]
