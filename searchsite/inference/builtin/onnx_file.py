"""Writes an ONNX file: a protobuf writer just large enough for a graph of float32 tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
OPSET = 13
FLOAT = 1
ATTRIBUTE_INT = 2
ATTRIBUTE_INTS = 7

Attribute = int | Sequence[int]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _message(1, name) + _integer(3, value) + _integer(20, ATTRIBUTE_INT)
    return _message(1, name) + b"".join(_integer(8, item) for item in value) + _integer(20, ATTRIBUTE_INTS)


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    raw = np.ascontiguousarray(values, np.dtype("<f4")).tobytes()
    dims = b"".join(_integer(1, size) for size in values.shape)
    return dims + _integer(2, FLOAT) + _message(8, name) + _message(9, raw)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    dims = (_message(2, size) if isinstance(size, str) else _integer(1, size) for size in shape)
    tensor_type = _integer(1, FLOAT) + _message(2, b"".join(_message(1, dim) for dim in dims))
    return _message(1, name) + _message(2, _message(1, tensor_type))


class Graph:
    """A graph under construction; the order of `add` calls is the order of execution."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Store a tensor in the file; answers its name."""
        self._constants.append(_message(5, _tensor(name, values.astype(np.float32))))
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """Append a node with one output; answers the output's name."""
        node = b"".join(_message(1, name) for name in inputs) + _message(2, output) + _message(4, operator)
        node += b"".join(_message(5, _attribute(name, value)) for name, value in attributes.items())
        self._nodes.append(_message(1, node))
        return output

    def declare(self, *, inputs: dict[str, Sequence[int | str]], outputs: dict[str, Sequence[int | str]]) -> None:
        """Name the graph's inputs and outputs with their shapes; a word stands for a free size."""
        self._inputs = [_message(11, _value(name, shape)) for name, shape in inputs.items()]
        self._outputs = [_message(12, _value(name, shape)) for name, shape in outputs.items()]

    def to_bytes(self) -> bytes:
        """The whole ONNX file."""
        graph = b"".join([*self._nodes, _message(2, self._name), *self._constants, *self._inputs, *self._outputs])
        opset = _message(8, _message(1, "") + _integer(2, OPSET))
        return _integer(1, IR_VERSION) + _message(2, "searchsite") + _message(7, graph) + opset
