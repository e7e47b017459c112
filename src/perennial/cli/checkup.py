"""What ``perennial doctor`` looks at, each as one finding. Nothing here stops at the first fault."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from perennial import wiring
from perennial.cli.checkup_software import software
from perennial.cli.checkup_spark import spark
from perennial.cli.checkup_stores import stores
from perennial.cli.checkup_types import trusted_types
from perennial.cli.finding import Finding, State
from perennial.core.errors import PerennialError
from perennial.definition.loader import load_folder

OTHERS = 0o077
LITTLE_BYTES, TOO_LITTLE_BYTES = 5 * 2**30, 2**28


def checkup(settings: wiring.Settings) -> list[Finding]:
    """Return everything that can be said of this installation."""
    loaded = load_folder(settings.definitions)
    state = State.WRONG if loaded.errors or not loaded.definitions else State.RIGHT
    found = f"{len(loaded.definitions)} right, {len(loaded.errors)} wrong in {settings.definitions}"
    return [
        *software(settings),
        _home(settings.home),
        _signing_key(settings),
        *trusted_types(settings),
        Finding(what="definitions", state=state, found=found if state is State.RIGHT else f"{found}; see perennial check"),
        *stores(settings, loaded.definitions),
        *spark(settings),
        *_local_airflow(settings),
    ]


def _home(home: Path) -> Finding:
    """Say how much space the data folder has, or, before it is made, the folder that it will be in."""
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    found = f"{home}, {free / 2**30:.1f} GiB free"
    if not there.is_dir():
        return Finding(what="home", state=State.WRONG, found=f"{there} is not a folder; set PERENNIAL_HOME")
    if free < TOO_LITTLE_BYTES:
        return Finding(what="home", state=State.WRONG, found=found)
    return Finding(what="home", state=State.UNSAFE if free < LITTLE_BYTES else State.RIGHT, found=found)


def _signing_key(settings: wiring.Settings) -> Finding:
    path = settings.home / "signing.key"
    if not settings.signing_key and not path.exists():
        return Finding(what="signing key", state=State.UNSAFE, found=f"PERENNIAL_SIGNING_KEY is not set; {path} will be made")
    try:
        wiring.signing_key(settings)
    except (PerennialError, OSError) as error:
        return Finding(what="signing key", state=State.WRONG, found=str(error))
    if settings.signing_key:
        return Finding(what="signing key", state=State.RIGHT, found="PERENNIAL_SIGNING_KEY")
    if path.stat().st_mode & OTHERS:
        return Finding(what="signing key", state=State.WRONG, found=f"others may read {path}: chmod 600")
    found = f"PERENNIAL_SIGNING_KEY is not set; {path} serves this installation only: keep a copy"
    return Finding(what="signing key", state=State.UNSAFE, found=found)


def _local_airflow(settings: wiring.Settings) -> Iterator[Finding]:
    from perennial.orchestration.background import running  # noqa: PLC0415 - for this finding only

    found = running(settings)
    if found is None:
        yield Finding(what="local Airflow", state=State.RIGHT, found="does not run")
    else:
        told = f"runs at {found.address} with SimpleAuthManager, which is for development: never on a public address"
        yield Finding(what="local Airflow", state=State.UNSAFE, found=told)
