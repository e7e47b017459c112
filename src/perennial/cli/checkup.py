"""What ``perennial doctor`` looks at, each as one finding. Nothing here stops at the first fault."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from perennial import __version__, wiring
from perennial.core.digest import digest_bytes
from perennial.core.errors import PerennialError
from perennial.core.interval import Interval
from perennial.core.receipts import Receipt
from perennial.definition.loader import load_folder
from perennial.ports import Stores
from perennial.steps import extract

AIRFLOW_FIXED = (3, 4, 0)
ADVISORIES = "CVE-2026-82337 and CVE-2026-101031, fixed in 3.4.0"
OTHERS_MAY_READ = 0o077
_ANY_DAY = Interval.parse("2000-01-01/2000-01-02")  # any day will do: the question is whether the columns can be read


class Finding(Receipt):
    """One thing that was looked at: *state* is ``right``, ``unsafe`` or ``wrong``."""

    what: str
    state: str
    found: str


def checkup(settings: wiring.Settings) -> list[Finding]:
    """Return everything that can be said of this installation."""
    return [*_versions(), *_definitions(settings), *_secrets(settings), *_stores(settings)]


def _versions() -> Iterator[Finding]:
    yield Finding(what="perennial", state="right", found=f"{__version__}, Python {platform.python_version()}")
    for package in ("scikit-learn", "great-expectations", "sqlalchemy"):
        yield Finding(what=package, state="right", found=version(package))
    try:
        found = version("apache-airflow-core")
    except PackageNotFoundError:
        yield Finding(what="apache-airflow", state="wrong", found="is not installed")
        return
    old = tuple(int(part) for part in found.split(".")[:3] if part.isdigit()) < AIRFLOW_FIXED
    yield Finding(
        what="apache-airflow", state="unsafe" if old else "right", found=f"{found}, affected by {ADVISORIES}" if old else found
    )


def _definitions(settings: wiring.Settings) -> Iterator[Finding]:
    loaded = load_folder(settings.definitions)
    state = "wrong" if loaded.errors or not loaded.definitions else "right"
    found = f"{len(loaded.definitions)} right, {len(loaded.errors)} wrong in {settings.definitions}; see perennial check"
    yield Finding(what="definitions", state=state, found=found)


def _secrets(settings: wiring.Settings) -> Iterator[Finding]:
    if settings.signing_key:
        yield Finding(what="signing key", state="right", found="PERENNIAL_SIGNING_KEY")
        return
    path = settings.home / "signing.key"
    if path.exists() and path.stat().st_mode & OTHERS_MAY_READ:
        yield Finding(what="signing key", state="wrong", found=f"{path} can be read by others: chmod 600")
        return
    yield Finding(
        what="signing key", state="unsafe", found=f"PERENNIAL_SIGNING_KEY is not set; {path} serves this installation only"
    )


def _stores(settings: wiring.Settings) -> Iterator[Finding]:
    where = "PERENNIAL_DATABASE_URL" if settings.database_url else f"embedded PostgreSQL in {settings.home}"
    try:
        with wiring.open_stores(settings) as stores:
            yield Finding(what="ledger", state="right", found=f"{where}, schema is current")
            yield _artifacts(stores, settings)
            yield from _sources(stores, settings)
    except PerennialError as error:
        yield Finding(what="stores", state="wrong", found=str(error))


def _artifacts(stores: Stores, settings: wiring.Settings) -> Finding:
    probe = b"perennial doctor"
    try:
        digest = stores.artifacts.put(probe)
        intact = digest == digest_bytes(probe) and stores.artifacts.get(digest) == probe
    except PerennialError as error:
        return Finding(what="artifacts", state="wrong", found=str(error))
    return Finding(what="artifacts", state="right" if intact else "wrong", found=_place(settings.artifacts))


def _sources(stores: Stores, settings: wiring.Settings) -> Iterator[Finding]:
    for definition in load_folder(settings.definitions).definitions:
        what = f"source of {definition.name}"
        try:
            rows = extract.read_rows(definition, _ANY_DAY, stores, as_of=_ANY_DAY.end)
            labels = extract.read_labels(definition, _ANY_DAY, stores, as_of=_ANY_DAY.end)
            next(rows)
            next(labels)
        except PerennialError as error:
            yield Finding(what=what, state="wrong", found=str(error))
        else:
            yield Finding(
                what=what, state="right", found=f"{definition.source.relation} and {definition.labels.relation} can be read"
            )


def _place(artifacts: str) -> str:
    return artifacts if artifacts.startswith("s3://") else f"{Path(artifacts)} on disk"
