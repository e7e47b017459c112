"""Headers of stored arrays."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.tree import DecisionTreeRegressor

from perennial.learning.array_header import dimensions


def _saved(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _with(header: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def _plain(kind: str = "'<f8'", shape: str = "(1,)") -> str:
    return f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n"


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["?", "i1", "i8", "u4", "f2", "f4", "f8", "U3", "S2", "M8[us]", "m8[h]"]).flatmap(
        lambda kind: arrays(kind, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    )
)
def test_what_numpy_writes_is_read(array: Any) -> None:
    """Numbers, texts and moments of any shape, empty ones too."""
    assert dimensions(_saved(array)) == array.ndim
    assert dimensions(_saved(np.asfortranarray(array))) == np.asfortranarray(array).ndim


def test_the_nodes_of_trees_are_read() -> None:
    """Of histogram boosting, and of trees, whose records end with bytes that mean nothing."""
    tree = DecisionTreeRegressor().fit([[0.0], [1.0]], [0.0, 1.0]).tree_
    assert dimensions(_saved(np.zeros(3, PREDICTOR_RECORD_DTYPE))) == 1
    assert dimensions(_saved(tree.__getstate__()["nodes"])) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY\x01\x00",
        _saved(np.zeros(3))[:-1],
        _saved(np.zeros(3)) + b"\x00",
        b"PK\x03\x04" + _saved(np.zeros(3)),
        _with(_plain(shape="(1099511627776,)"), bytes(8)),
        _with(_plain(shape="(-1,)"), bytes(8)),
        _with(_plain(shape="(1+0,)"), bytes(8)),
        _with(_plain("'|O'"), bytes(8)),
        _with(_plain("'<c8'"), bytes(8)),
        _with(_plain("'<i7'"), bytes(7)),
        _with(_plain("'<U999999999'"), bytes(8)),
        _with(_plain("[('a', '|O')]"), bytes(8)),
        _with(_plain("[('a', '<f8', (1,))]"), bytes(8)),
        _with("__import__('os').system('true')\n"),
        _with("-" * 9000 + "1\n"),
        _with("(" * 9000 + "\n"),
        _with(" " * 20_000 + "\n"),
    ],
    ids=lambda content: repr(content[:60]),
)
def test_whatever_else_is_told_from_an_array(content: bytes) -> None:
    """Whether it is shorter or longer than it says, of a type that is not ours, or a program."""
    assert dimensions(content) is None
