"""Artifacts that are not what was signed, or that should never have been signed."""

from __future__ import annotations

import copy
import io
import json
import pickle
from typing import Any, Protocol
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from perennial.core.errors import ArtifactError
from perennial.learning import archive, manifest
from perennial.learning.codec import artifact_of, dump_model, load_model
from perennial.learning.features import Columns

KEY = b"k" * 32
COLUMNS = Columns(numeric=("a", "b"), categorical=(), time=(), event_at="at", timezone="UTC")
FRAME = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 5.0]})


class Shelf(Protocol):
    """Bytes by digest."""

    def put(self, content: bytes) -> str:
        """Keep *content*."""

    def get_bytes(self, digest: str) -> bytes:
        """Return what is under *digest*."""

    def __setitem__(self, digest: str, content: bytes) -> None:
        """Replace what is under *digest*."""


@pytest.fixture
def digest(shelf: Shelf) -> str:
    """A stored linear model."""
    model = LinearRegression().fit(FRAME, [1.0, 2.0, 3.0])
    return dump_model(model, frame=FRAME, task="regression", columns=COLUMNS, key=KEY, code_version="1.0", put=shelf.put)


def _body(shelf: Shelf, digest: str) -> dict[str, Any]:
    return manifest.opened(shelf.get_bytes(digest), KEY, "test")


def _resigned(shelf: Shelf, digest: str, **changed: Any) -> str:
    """Sign the manifest again with other contents, as only somebody with the key can."""
    return shelf.put(manifest.sealed({**_body(shelf, digest), **changed}, KEY))


def _with_file(shelf: Shelf, digest: str, content: bytes) -> str:
    return _resigned(shelf, digest, artifact=shelf.put(content), bytes=len(content))


def _members(shelf: Shelf, digest: str) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(shelf.get_bytes(_body(shelf, digest)["artifact"]))) as file:
        return {name: file.read(name) for name in file.namelist()}


def _packed(members: dict[str, bytes], compression: int = ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def _changed_schema(shelf: Shelf, digest: str, change: Any) -> str:
    members = _members(shelf, digest)
    schema = json.loads(members[archive.SCHEMA])
    change(schema)
    return _with_file(shelf, digest, _packed({**members, archive.SCHEMA: json.dumps(schema).encode()}))


def _refusal(shelf: Shelf, digest: str, key: bytes = KEY) -> str:
    with pytest.raises(ArtifactError) as caught:
        load_model(digest, key=key, get=shelf.get_bytes)
    return str(caught.value).removeprefix(f"model {digest[:12]}: ")


def test_promise_10_another_key_is_refused(shelf: Shelf, digest: str) -> None:
    """A model that another installation signed is not ours."""
    assert _refusal(shelf, digest, b"x" * 32) == "must be signed with this installation's key [ARTIFACT_SIGNATURE]"


@pytest.mark.parametrize("place", [-2, len(manifest.TITLE) + 3])
def test_promise_10_a_flipped_byte_in_the_manifest_is_refused(place: int, shelf: Shelf, digest: str) -> None:
    """Whether in the signature or in what it signs."""
    content = bytearray(shelf.get_bytes(digest))
    content[place] ^= 1
    shelf[digest] = bytes(content)
    assert _refusal(shelf, digest) == "must be signed with this installation's key [ARTIFACT_SIGNATURE]"


def test_promise_10_a_signed_manifest_under_another_name_is_refused(shelf: Shelf, digest: str) -> None:
    """Two good models were swapped in the store."""
    other = _resigned(shelf, digest, code_version="2.0")
    shelf[digest] = shelf.get_bytes(other)
    assert _refusal(shelf, digest) == "must have the bytes that were signed, got others [ARTIFACT_CHECKSUM]"


def test_promise_10_a_flipped_byte_in_the_file_is_refused(shelf: Shelf, digest: str) -> None:
    """Before a byte of it is parsed."""
    name = _body(shelf, digest)["artifact"]
    content = bytearray(shelf.get_bytes(name))
    content[len(content) // 2] ^= 1
    shelf[name] = bytes(content)
    assert _refusal(shelf, digest) == "must have the bytes that were signed, got others [ARTIFACT_CHECKSUM]"


def test_promise_16_a_pickle_as_manifest_is_refused(shelf: Shelf) -> None:
    """And not run."""
    digest = shelf.put(pickle.dumps(LinearRegression()))
    assert _refusal(shelf, digest) == "must be the manifest of a Perennial model [ARTIFACT_FORMAT]"


def test_promise_16_a_pickle_under_a_signed_manifest_is_refused(shelf: Shelf, digest: str) -> None:
    """Not even the key makes a pickle a model."""
    forged = _with_file(shelf, digest, pickle.dumps(LinearRegression()))
    assert _refusal(shelf, forged) == "must be a skops file, got none (BadZipFile) [ARTIFACT_FORMAT]"


def test_promise_16_a_manifest_that_is_too_large_is_refused(shelf: Shelf) -> None:
    """Before its signature is computed."""
    digest = shelf.put(manifest.TITLE + b"0" * manifest.MAX_BYTES)
    found = _refusal(shelf, digest)
    assert found == f"must be a manifest of at most 1048576 bytes, got {manifest.MAX_BYTES + 18} [ARTIFACT_TOO_LARGE]"


def test_promise_16_a_file_that_says_it_is_too_large_is_not_fetched(shelf: Shelf, digest: str) -> None:
    """The size in the manifest is looked at first."""
    forged = _resigned(shelf, digest, bytes=1 << 40, artifact="never fetched")
    assert _refusal(shelf, forged) == f"must be at most {archive.MAX_BYTES} bytes, got {1 << 40} [ARTIFACT_TOO_LARGE]"


def test_promise_16_a_zip_bomb_is_refused(shelf: Shelf, digest: str) -> None:
    """A megabyte of zeros in a kilobyte is told by the zip's directory."""
    bomb = _packed({**_members(shelf, digest), "0" * 64 + ".npy": bytes(1 << 20)}, ZIP_DEFLATED)
    found = _refusal(shelf, _with_file(shelf, digest, bomb))
    assert found.startswith(f"must not unpack to more than its {len(bomb)} bytes, got ")
    assert found.endswith(" [ARTIFACT_TOO_LARGE]")


def test_a_compressed_file_is_refused(shelf: Shelf, digest: str) -> None:
    """Ours never is."""
    packed = _packed({archive.SCHEMA: np.random.default_rng(1).bytes(2000)}, ZIP_DEFLATED)
    assert _refusal(shelf, _with_file(shelf, digest, packed)) == "must not be compressed [ARTIFACT_FORMAT]"


def test_promise_16_too_many_members_are_refused(shelf: Shelf, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is a number of files, whatever their size."""
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1)
    assert _refusal(shelf, digest) == "must hold at most 1 members, got 4 [ARTIFACT_TOO_LARGE]"


def test_a_member_with_a_strange_name_is_refused(shelf: Shelf, digest: str) -> None:
    """Only arrays named by their digests are read."""
    packed = _packed({**_members(shelf, digest), "../escape.npy": b""})
    found = _refusal(shelf, _with_file(shelf, digest, packed))
    assert found == "must hold a schema and arrays named by their digests, once each [ARTIFACT_FORMAT]"


def test_promise_16_an_array_that_says_it_is_larger_than_it_is_is_refused(shelf: Shelf, digest: str) -> None:
    """An eager reader would reserve what the header says: here 8 terabytes."""
    members = _members(shelf, digest)
    name = next(name for name in members if name != archive.SCHEMA)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    found = _refusal(shelf, _with_file(shelf, digest, _packed({**members, name: header.getvalue()})))
    assert found == "must hold arrays of the size that they say [ARTIFACT_FORMAT]"


def _as(kind: str) -> Any:
    module, _, name = kind.rpartition(".")

    def change(schema: dict[str, Any]) -> None:
        schema.update({"__module__": module, "__class__": name})

    return change


@pytest.mark.parametrize("kind", ["os.system", "subprocess.Popen", "sklearn.svm._classes.SVR", "perennial.cli.main"])
def test_promise_16_a_type_that_is_not_on_the_list_is_refused(kind: str, shelf: Shelf, digest: str) -> None:
    """Also one that skops itself would trust."""
    found = _refusal(shelf, _changed_schema(shelf, digest, _as(kind)))
    assert found == f"must be made of trusted types only, got {kind} [ARTIFACT_UNTRUSTED_TYPE]"


@pytest.mark.parametrize("loader", ["FunctionNode", "MethodNode", "OperatorFuncNode", "ReduceNode", "SparseMatrixNode"])
def test_promise_16_a_trusted_type_under_another_loader_is_refused(loader: str, shelf: Shelf, digest: str) -> None:
    """A class may not be loaded as a function, and what we never write is never loaded."""
    found = _refusal(shelf, _changed_schema(shelf, digest, lambda schema: schema.update({"__loader__": loader})))
    assert found == (
        "must be made of trusted types only, got sklearn.linear_model._base.LinearRegression [ARTIFACT_UNTRUSTED_TYPE]"
    )


def test_a_strange_type_deep_inside_is_found(shelf: Shelf, digest: str) -> None:
    """Wherever a node hides, also where skops would look last."""

    def change(schema: dict[str, Any]) -> None:
        evil = {"__module__": "builtins", "__class__": "eval", "__loader__": "FunctionNode"}
        schema["content"]["content"]["fit_intercept"] = {"a": [{"b": evil}]}

    found = _refusal(shelf, _changed_schema(shelf, digest, change))
    assert found == "must be made of trusted types only, got builtins.eval [ARTIFACT_UNTRUSTED_TYPE]"


def test_a_schema_nested_without_end_is_refused(shelf: Shelf, digest: str) -> None:
    """It does not exhaust the stack."""
    deep = b"[" * 200_000 + b"]" * 200_000
    found = _refusal(shelf, _with_file(shelf, digest, _packed({archive.SCHEMA: deep})))
    assert found == "must be a skops file, got none (RecursionError) [ARTIFACT_FORMAT]"


def test_a_model_with_a_part_missing_is_refused(shelf: Shelf, digest: str) -> None:
    """It is built of trusted types, and is no model all the same."""
    found = _refusal(shelf, _changed_schema(shelf, digest, lambda schema: schema.pop("content")))
    assert found == "cannot predict its golden rows (DEFINITION_ESTIMATOR) [MODEL_CORRUPT]"


def test_a_file_that_cannot_be_built_is_refused(shelf: Shelf, digest: str) -> None:
    """Whatever it makes the libraries raise: here a type that loses its constructor's arguments."""
    found = _refusal(shelf, _changed_schema(shelf, digest, lambda schema: schema["content"].pop("key_types")))
    assert found == "cannot be built (KeyError) [ARTIFACT_FORMAT]"


def test_other_versions_are_told_at_once(shelf: Shelf, digest: str) -> None:
    """What it was fitted with, and what is here."""
    here = manifest.versions()
    forged = _resigned(shelf, digest, versions={**here, "numpy": "1.0.0", "scikit-learn": "0.1"})
    assert _refusal(shelf, forged) == (
        f"was fitted with numpy 1.0.0, here is {here['numpy']}; scikit-learn 0.1, here is {here['scikit-learn']} "
        "[ENVIRONMENT_MISMATCH]"
    )


def test_an_older_protocol_of_skops_is_refused(shelf: Shelf, digest: str) -> None:
    """A file cannot choose the loaders of the past."""
    found = _refusal(shelf, _changed_schema(shelf, digest, lambda schema: schema.update(protocol=0)))
    assert found == "was written with protocol 0 of skops, here is 2 [ENVIRONMENT_MISMATCH]"


def test_promise_16_a_tree_that_points_outside_itself_is_refused_before_it_is_run(shelf: Shelf) -> None:
    """Following it would end this process."""
    model = HistGradientBoostingRegressor(max_iter=1, min_samples_leaf=2).fit(FRAME.loc[[0, 1, 2] * 9], [1.0, 2.0, 3.0] * 9)
    signed: dict[str, Any] = {"task": "regression", "columns": COLUMNS, "key": KEY, "code_version": "1.0"}
    stored = dump_model(model, frame=FRAME, put=shelf.put, **signed)
    members = _members(shelf, stored)
    name = next(name for name in members if b"feature_idx" in members[name])
    nodes = np.load(io.BytesIO(members[name]))
    nodes["left"][0] = 2**31
    forged = io.BytesIO()
    np.save(forged, nodes)
    found = _refusal(shelf, _with_file(shelf, stored, _packed({**members, name: forged.getvalue()})))
    assert found == f"must hold trees that stay inside themselves, got a child outside its {nodes.size} nodes [MODEL_CORRUPT]"


def test_a_coefficient_in_its_last_bit_is_found(shelf: Shelf, digest: str) -> None:
    """The golden rows are predicted to the bit."""
    body = copy.deepcopy(_body(shelf, digest))
    nudged = np.nextafter(float.fromhex(body["golden"]["predictions"][0]), np.inf)
    body["golden"]["predictions"][0] = float(nudged).hex()
    forged = _resigned(shelf, digest, golden=body["golden"])
    assert _refusal(shelf, forged) == "must repeat its golden predictions, got 1 of 3 that differ [MODEL_CORRUPT]"


def test_a_model_that_cannot_predict_its_golden_rows_is_refused(shelf: Shelf, digest: str) -> None:
    """Its columns are others."""
    golden = copy.deepcopy(_body(shelf, digest)["golden"])
    golden["columns"].pop()
    forged = _resigned(shelf, digest, golden=golden)
    assert _refusal(shelf, forged) == "cannot predict its golden rows (DEFINITION_ESTIMATOR) [MODEL_CORRUPT]"


def test_promise_16_what_would_be_called_for_a_key_is_refused(shelf: Shelf, digest: str) -> None:
    """The types of a dict's keys are called with the keys: only types may stand there."""

    def change(schema: dict[str, Any]) -> None:
        function = {"__module__": "numpy", "__class__": "exp", "__loader__": "FunctionNode"}
        schema["content"]["key_types"]["content"][0] = function

    found = _refusal(shelf, _changed_schema(shelf, digest, change))
    assert found == "must be made of types that are not called, got a call [ARTIFACT_UNTRUSTED_TYPE]"


def test_promise_16_a_generator_with_a_seed_of_another_size_is_refused(shelf: Shelf) -> None:
    """It would be filled while the file is built, however large it is."""
    model = LinearRegression().fit(FRAME, [1.0, 2.0, 3.0])
    model.generator_ = np.random.default_rng(1)
    signed: dict[str, Any] = {"task": "regression", "columns": COLUMNS, "key": KEY, "code_version": "1.0"}
    stored = dump_model(model, frame=FRAME, put=shelf.put, **signed)
    load_model(stored, key=KEY, get=shelf.get_bytes)

    def change(schema: dict[str, Any]) -> None:
        seed = schema["content"]["content"]["generator_"]["content"]["seed_seq"]
        seed["content"]["pool_size"]["content"] = "1000000000"

    found = _refusal(shelf, _changed_schema(shelf, stored, change))
    assert found == "must be made of types that are not called, got a call [ARTIFACT_UNTRUSTED_TYPE]"


def test_promise_16_an_object_that_is_told_twice_is_refused(shelf: Shelf, digest: str) -> None:
    """Each has its own number; one that is meant again would be looked through again, and again inside."""

    def change(schema: dict[str, Any]) -> None:
        schema["content"]["__id__"] = schema["__id__"]

    found = _refusal(shelf, _changed_schema(shelf, digest, change))
    assert found == "must hold a schema that tells each object once [ARTIFACT_FORMAT]"


def test_promise_16_an_encrypted_member_is_refused(shelf: Shelf, digest: str) -> None:
    """Python asks for a password with an error of its own."""
    content = bytearray(shelf.get_bytes(_body(shelf, digest)["artifact"]))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    found = _refusal(shelf, _with_file(shelf, digest, bytes(content)))
    assert found == "must be a skops file, got none (RuntimeError) [ARTIFACT_FORMAT]"


def test_a_zip_with_something_behind_it_is_refused(shelf: Shelf, digest: str) -> None:
    """Or before it: a file has one form."""
    content = shelf.get_bytes(_body(shelf, digest)["artifact"])
    for changed in (content + b"more", b"more" + content):
        found = _refusal(shelf, _with_file(shelf, digest, changed))
        assert found == "must be a skops file, got none (BadZipFile) [ARTIFACT_FORMAT]"


def test_promise_16_a_schema_of_too_many_values_is_refused(shelf: Shelf, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted before it is read: an empty list of two letters takes 56 bytes."""
    monkeypatch.setattr(archive, "MAX_VALUES", 10)
    found = _refusal(shelf, _with_file(shelf, digest, _packed({archive.SCHEMA: b"[" + b"[]," * 9 + b"[]]"})))
    assert found == "must have a schema of at most 10 values, got 20 [ARTIFACT_TOO_LARGE]"


def test_strange_types_are_told_in_a_message_of_one_line(shelf: Shelf, digest: str) -> None:
    """A name out of a file is cut, and what is not a letter is written out."""
    found = _refusal(shelf, _changed_schema(shelf, digest, _as("no.\n" + "x" * 1000)))
    assert found == f"must be made of trusted types only, got no.\\n{'x' * 196} [ARTIFACT_UNTRUSTED_TYPE]"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"bytes": "many"}, "must be the manifest of a Perennial model, got another bytes [ARTIFACT_FORMAT]"),
        ({"columns": {"numeric": []}}, "must name its columns (TypeError) [ARTIFACT_FORMAT]"),
        ({"golden": {}}, "cannot predict its golden rows (KeyError) [MODEL_CORRUPT]"),
        (
            {"golden": {"columns": [], "predictions": []}},
            "must have a golden prediction for each golden row, got 0 for 0 [MODEL_CORRUPT]",
        ),
        ({"artifact": None}, "must be the manifest of a Perennial model, got another artifact [ARTIFACT_FORMAT]"),
    ],
)
def test_a_signed_manifest_of_another_form_is_refused(changed: dict[str, Any], said: str, shelf: Shelf, digest: str) -> None:
    """With an error of ours, whatever is missing."""
    assert _refusal(shelf, _resigned(shelf, digest, **changed)) == said


@pytest.mark.parametrize("content", [b"{}", b"[]", b"nothing", b"[" * 500_000])
def test_what_is_signed_and_no_manifest_is_refused(content: bytes, shelf: Shelf) -> None:
    """Also where nobody asks for the key: when garbage is collected."""
    digest = shelf.put(manifest.TITLE + manifest._mac(content, KEY) + b"\n" + content)
    assert _refusal(shelf, digest).startswith("must be the manifest of a Perennial model (")
    with pytest.raises(ArtifactError, match="ARTIFACT_FORMAT"):
        artifact_of(shelf.get_bytes(digest))


def test_promise_16_a_tree_whose_nodes_are_no_list_is_refused(shelf: Shelf) -> None:
    """scikit-learn reads the length of an array that has none, and the process ends while the file is built."""
    model = DecisionTreeRegressor(random_state=1).fit(FRAME, [1.0, 2.0, 3.0])
    signed: dict[str, Any] = {"task": "regression", "columns": COLUMNS, "key": KEY, "code_version": "1.0"}
    stored = dump_model(model, frame=FRAME, put=shelf.put, **signed)
    members = _members(shelf, stored)
    name = next(name for name in members if b"left_child" in members[name])
    buffer = io.BytesIO()
    np.save(buffer, np.float64(1))
    found = _refusal(shelf, _with_file(shelf, stored, _packed({**members, name: buffer.getvalue()})))
    assert found == "must hold trees whose nodes are a list [ARTIFACT_FORMAT]"
