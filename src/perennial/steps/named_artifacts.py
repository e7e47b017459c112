"""Whether the artifacts that rows name, and those that these name in turn, are what was stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, PerennialError, RejectedError
from perennial.core.receipts import Fault, Holds, Named
from perennial.ports import Stores
from perennial.steps.snapshots.parts import named_parts

CHAMPION, REACHABLE = 1, 17
"""The promises that a damaged artifact breaks: of a version that reigns, and of any other row."""

THREADS = 4
"""How many artifacts are read at once: most of the time goes by waiting for the store."""

_AT_ONCE = 50


class NamedArtifacts:
    """Looks at each artifact once, whoever names it, and in bounded memory: a model at most, never a part of a snapshot."""

    def __init__(self, stores: Stores, *, deep: bool) -> None:
        """Look into *stores*. Unless *deep*, files that name nothing only have to be there."""
        self._stores = stores
        self._there = None if deep else frozenset(digest for digest, _ in stores.artifacts.digests())
        self._seen: dict[str, object] = {}

    @property
    def seen(self) -> int:
        """How many artifacts were looked at."""
        return len(self._seen)

    def faults(self, named: Sequence[Named]) -> Iterator[Fault]:
        """Yield what is wrong with the artifacts that rows name, and with those that they lead to, in the order of *named*.

        Raises:
            RejectedError: SETTING_MISSING, STORE_DENIED.
            UnavailableError: STORE_UNAVAILABLE.
        """
        for row in named:
            if row.reigns:  # one at a time: a model is held in memory while it is opened
                yield from self._looked(row)
        others = [row for row in named if not row.reigns]
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="audit")
        try:
            for found in pool.map(self._all, (others[at : at + _AT_ONCE] for at in range(0, len(others), _AT_ONCE))):
                yield from found
        finally:
            pool.shutdown(cancel_futures=True)

    def _all(self, named: Sequence[Named]) -> list[Fault]:
        return [fault for row in named for fault in self._looked(row)]

    def _looked(self, named: Named) -> Iterator[Fault]:
        if self._is_new(named.digest):
            where = f"{named.model}/{named.segment}/{named.interval}: {named.holds}"
            promise = CHAMPION if named.reigns else REACHABLE
            yield from (Fault(promise=promise, where=where, found=str(error)) for error in self._errors(named))

    def _is_new(self, digest: str) -> bool:
        mine = object()
        return self._seen.setdefault(digest, mine) is mine  # one step, so that of two threads one gets it

    def _errors(self, named: Named) -> Iterator[PerennialError]:
        try:
            if named.holds is Holds.SNAPSHOT:
                yield from self._parts(named.digest)
            elif named.holds in (Holds.MODEL, Holds.BASELINE):
                self._model(named)
            else:
                self._file(named.digest)
        except (ArtifactError, RejectedError) as error:
            yield _of_artifact(error)

    def _parts(self, manifest: str) -> Iterator[PerennialError]:
        content = self._stores.artifacts.get(manifest)
        try:
            parts = named_parts(content)
        except (ValueError, KeyError, TypeError):
            yield ArtifactError(Code.ARTIFACT_FORMAT, "must be the manifest of a snapshot", where=f"artifact {manifest}")
            return
        for part in (*parts.rows, *parts.labels):
            if self._is_new(part.digest):
                try:
                    self._file(part.digest)
                except (ArtifactError, RejectedError) as error:
                    yield _of_artifact(error)

    def _model(self, named: Named) -> None:
        """Open a reigning model as a night would, but build nothing; of another one compare the digests only.

        The key may have been another one before the model was last retired.
        """
        from perennial.learning.codec import artifact_of, open_model  # noqa: PLC0415 - skops takes a second to import

        get = self._stores.artifacts.get
        if named.reigns:
            opened = open_model(named.digest, key=self._stores.signing_key, get=get)
            self._is_new(opened.body["artifact"])
        elif self._is_new(file := artifact_of(get(named.digest))):
            self._file(file)

    def _file(self, digest: str) -> None:
        """Read a file of any size, or, where that is enough, only see that it is there."""
        if self._there is None or digest not in self._there:
            with self._stores.artifacts.fetch(digest):
                pass


def _of_artifact(error: ArtifactError | RejectedError) -> PerennialError:
    """Return *error* where it is of one artifact, and raise it where the store as a whole is not to be used.

    Raises:
        RejectedError: STORE_DENIED, SETTING_MISSING.
    """
    if isinstance(error, RejectedError) and error.code is not Code.STORE_ESCAPE:
        raise error
    return error
