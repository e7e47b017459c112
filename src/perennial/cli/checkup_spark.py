"""What ``perennial doctor`` says of the Spark that settings name: it starts, and its executors have what work on rows needs."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from uuid import uuid4

from perennial import __version__, wiring
from perennial.cli.finding import Finding, State
from perennial.core.errors import PerennialError
from perennial.ports import Tools

PARTS = 8
"""So many pieces of work are given out; with a few executors each of them gets one."""
PATIENCE_S = 90.0
"""A master that does not answer is given up by Spark itself after 60 s; then it says so."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Reads an artifact on an executor, and tells who is there with what. It runs on Spark's machines."""

    digest: str

    def __call__(self, part: int, tools: Tools) -> bytes:
        """Return the host, the versions, and a proof that the signing key is the same, which is not the key."""
        del part
        return json.dumps({"host": socket.gethostname(), **_known(tools.artifacts.get(self.digest), tools.signing_key)}).encode()


def spark(settings: wiring.Settings) -> Iterator[Finding]:
    """Yield what can be said of Spark; nothing where the settings name none."""
    if settings.spark is None:
        return
    probe = f"perennial doctor {uuid4()}".encode()  # another doctor's is not this one's to delete
    try:
        told = _told(settings, probe)
        expected = _known(probe, wiring.signing_key(settings))
    except PerennialError as error:
        yield Finding(what="spark", state=State.WRONG, found=str(error))
        return
    hosts = {one.pop("host") for one in told}
    others = sorted({name for one in told for name, value in one.items() if value != expected[name]})
    if others:
        yield Finding(what="spark", state=State.WRONG, found=f"executors have another {', '.join(others)} than this machine")
    else:
        yield Finding(
            what="spark", state=State.RIGHT, found=f"{settings.spark}: executors on {len(hosts)} host(s), as set up as this"
        )


def _told(settings: wiring.Settings, probe: bytes) -> list[dict[str, str]]:
    """Return what executors tell of themselves. The *probe* that they read is there for no longer."""
    artifacts = wiring.open_artifacts(settings)
    digest = artifacts.put(probe)
    try:
        with closing(wiring.open_engine(settings, patience_s=PATIENCE_S)) as engine:
            return [json.loads(answer) for answer in engine.map(Probe(digest), range(PARTS))]
    finally:
        artifacts.delete(digest)


def _known(probe: bytes, key: bytes) -> dict[str, str]:
    from perennial.learning.manifest import versions  # noqa: PLC0415 - scikit-learn, for this finding only

    proof = hmac.new(key, probe, hashlib.sha256).hexdigest()
    return {"signing key": proof, "perennial": __version__, **versions()}
