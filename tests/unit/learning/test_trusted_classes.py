"""Classes of a user's own, which the installation's settings list."""

from __future__ import annotations

import io
import json
from typing import Any, ClassVar, Protocol, Self
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVR

from perennial.core.errors import ArtifactError
from perennial.learning import archive, manifest
from perennial.learning.codec import dump_model, load_model
from perennial.learning.features import Columns
from perennial.learning.listed import listed_fault
from perennial.learning.predict import predict

KEY = b"k" * 32
COLUMNS = Columns(numeric=("a", "b"), categorical=(), time=(), event_at="at", timezone="UTC")
FRAME = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 5.0]})
TARGET = np.array([1.0, 2.0, 3.0])


class Shelf(Protocol):
    """Bytes by digest."""

    def put(self, content: bytes) -> str:
        """Keep *content*."""

    def get_bytes(self, digest: str) -> bytes:
        """Return what is under *digest*."""


class Doubled(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A transformer of a user's own."""

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Learn how many columns there are."""
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> Any:  # noqa: N803 - scikit-learn's name
        """Return *X* twice beside itself."""
        return np.hstack([X.to_numpy(), X.to_numpy()])


class Median(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator of a user's own, which notes what is called."""

    calls: ClassVar[list[str]] = []

    def __init__(self, share: float = 0.5) -> None:
        """Note it."""
        self.calls.append("__init__")
        self.share = share

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Note it."""
        self.calls.append("__setstate__")
        self.__dict__.update(state)

    def fit(self, X: Any, y: Any) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Learn the figure."""
        self.figure_ = float(np.quantile(y, self.share))
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Return the figure for each row."""
        return np.full(len(X), self.figure_)


class Reduced(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator that would be made by a call with arguments."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Name the call."""
        return type(self), (True,)


def Made() -> BaseEstimator:  # noqa: N802 - looks like a class
    """Return an estimator: a function, no class."""
    return LinearRegression()


def _name(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


OWN = frozenset(map(_name, (Doubled, Median)))


def _dumped(model: BaseEstimator, shelf: Shelf, trusted: frozenset[str]) -> str:
    return dump_model(
        model,
        frame=FRAME,
        task="regression",
        columns=COLUMNS,
        key=KEY,
        code_version="1",
        put=shelf.put,
        trusted=trusted,
    )


def _refusal(shelf: Shelf, digest: str, trusted: frozenset[str]) -> str:
    with pytest.raises(ArtifactError) as caught:
        load_model(digest, key=KEY, get=shelf.get_bytes, trusted=trusted)
    return str(caught.value).removeprefix(f"model {digest[:12]}: ")


def _resigned(shelf: Shelf, digest: str, **schema: Any) -> str:
    """Change what the outermost object of a file says it is, and sign it."""
    body = manifest.opened(shelf.get_bytes(digest), KEY, "test")
    with ZipFile(io.BytesIO(shelf.get_bytes(body["artifact"]))) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members[archive.SCHEMA] = json.dumps({**json.loads(members[archive.SCHEMA]), **schema}).encode()
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    content = buffer.getvalue()
    forged = {**body, "artifact": shelf.put(content), "bytes": len(content), "trusted": sorted(OWN)}
    return shelf.put(manifest.sealed(forged, KEY))


@pytest.mark.parametrize("model", [make_pipeline(Doubled(), LinearRegression()), Median(0.3), make_pipeline(Doubled(), Median())])
def test_classes_that_settings_list_come_back(model: BaseEstimator, shelf: Shelf) -> None:
    """An estimator, a transformer, and both in one pipeline."""
    model.fit(FRAME, TARGET)
    loaded = load_model(_dumped(model, shelf, OWN), key=KEY, get=shelf.get_bytes, trusted=OWN)
    found = predict(loaded.model, FRAME, task="regression")
    assert found.tobytes() == predict(model, FRAME, task="regression").tobytes()


def test_promise_16_a_class_that_is_listed_no_more_is_refused(shelf: Shelf) -> None:
    """What counts is the list of the installation that loads."""
    digest = _dumped(make_pipeline(Doubled(), Median()).fit(FRAME, TARGET), shelf, OWN)
    said = f"must be made of trusted types only, got {', '.join(sorted(OWN))} [ARTIFACT_UNTRUSTED_TYPE]"
    assert _refusal(shelf, digest, frozenset()) == said


def test_promise_16_the_list_cannot_come_out_of_a_file(shelf: Shelf) -> None:
    """Neither out of the signed manifest nor out of the schema."""
    digest = _dumped(Median().fit(FRAME, TARGET), shelf, OWN)
    forged = _resigned(shelf, digest, trusted=sorted(OWN))
    said = f"must be made of trusted types only, got {_name(Median)} [ARTIFACT_UNTRUSTED_TYPE]"
    assert _refusal(shelf, forged, frozenset()) == said


def test_promise_16_no_constructor_is_called(shelf: Shelf) -> None:
    """An instance is made without one, and gets its state."""
    digest = _dumped(Median(0.3).fit(FRAME, TARGET), shelf, OWN)
    Median.calls.clear()
    loaded = load_model(digest, key=KEY, get=shelf.get_bytes, trusted=OWN)
    assert (Median.calls, loaded.model.share) == (["__setstate__"], 0.3)


def test_promise_16_a_call_that_a_class_asks_for_is_not_made(shelf: Shelf) -> None:
    """A class that is listed, but would be called with arguments out of the file, is refused when it is stored."""
    with pytest.raises(ArtifactError) as caught:
        _dumped(Reduced().fit(FRAME, TARGET), shelf, frozenset([_name(Reduced)]))
    assert str(caught.value) == (f"Reduced: must be made of trusted types only, got {_name(Reduced)} [ARTIFACT_UNTRUSTED_TYPE]")


@pytest.mark.parametrize(
    "loader",
    ["ConstructorFromReduceNode", "FunctionNode", "MethodNode", "OperatorFuncNode", "PartialNode", "LossNode", "TypeNode"],
)
def test_promise_16_a_listed_class_is_loaded_as_an_instance_only(loader: str, shelf: Shelf) -> None:
    """Whatever else the file would have done with it."""
    forged = _resigned(shelf, _dumped(Median().fit(FRAME, TARGET), shelf, OWN), __loader__=loader)
    assert _refusal(shelf, forged, OWN) == (f"must be made of trusted types only, got {_name(Median)} [ARTIFACT_UNTRUSTED_TYPE]")


@pytest.mark.parametrize("loader", ["ObjectNode", "FunctionNode", "MethodNode", "ConstructorFromReduceNode", "TypeNode"])
@pytest.mark.parametrize("name", ["builtins.eval", "os.system", "subprocess.Popen", "builtins.dict", _name(Made)])
def test_promise_16_a_listed_name_that_is_no_estimator_opens_nothing(name: str, loader: str, shelf: Shelf) -> None:
    """A function, a builtin, a class that starts programs: listed by mistake, and refused all the same."""
    module, _, attribute = name.rpartition(".")
    digest = _dumped(LinearRegression().fit(FRAME, TARGET), shelf, frozenset())
    forged = _resigned(shelf, digest, __module__=module, __class__=attribute, __loader__=loader)
    found = f", and {name} is no estimator class" if loader == "ObjectNode" else f", got {name}"
    assert _refusal(shelf, forged, frozenset([name])) == (f"must be made of trusted types only{found} [ARTIFACT_UNTRUSTED_TYPE]")


def test_a_class_of_scikit_learn_that_is_not_ours_can_be_listed(shelf: Shelf) -> None:
    """Whoever lists it vouches for its compiled code."""
    model = SVR().fit(FRAME, TARGET)
    trusted = frozenset([_name(SVR)])
    loaded = load_model(_dumped(model, shelf, trusted), key=KEY, get=shelf.get_bytes, trusted=trusted)
    assert predict(loaded.model, FRAME, task="regression").tobytes() == predict(model, FRAME, task="regression").tobytes()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (_name(Doubled), ""),
        (_name(Made), "is no estimator class"),
        ("builtins.eval", "is no estimator class"),
        ("subprocess.Popen", "is no estimator class"),
        ("perennial", "cannot be imported (ValueError)"),
        ("no_such_module.Class", "cannot be imported (ModuleNotFoundError)"),
        ("sklearn.svm.NoSuchClass", "cannot be imported (AttributeError)"),
        ("sklearn.svm.SVR", "is sklearn.svm._classes.SVR in files"),
    ],
)
def test_a_listed_name_is_told_from_an_estimator_class(name: str, fault: str) -> None:
    """By the name under which files know it."""
    assert listed_fault(name) == fault
