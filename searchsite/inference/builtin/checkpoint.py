"""Reads tensors from a legacy torch checkpoint (.pth before the zip format) without torch."""

from __future__ import annotations

import pickle  # nosec B403 - only through _TensorUnpickler, which loads no code
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class _View(NamedTuple):
    """A tensor before its numbers are read: a storage key and how to walk over that storage."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _TensorUnpickler(pickle.Unpickler):
    """Builds views of tensors; loads no global but the few such a file needs, so it can run no code."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.types: dict[str, str] = {}

    def find_class(self, module_name: str, global_name: str) -> Any:
        allowed: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _view,
            **{("torch", name): dtype for name, dtype in STORAGES.items()},
        }
        try:
            return allowed[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused {module_name}.{global_name}") from None

    def persistent_load(self, pid: Any) -> str:
        _, dtype, key, *_ = pid
        self.types[key] = dtype
        return str(key)


def _view(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _View:
    return _View(storage, offset, tuple(shape), tuple(strides))


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Every tensor of the checkpoint by name."""
    with path.open("rb") as file:
        if _TensorUnpickler(file).load() != MAGIC or _TensorUnpickler(file).load() != PROTOCOL:
            raise pickle.UnpicklingError(f"{path.name} is not a legacy torch checkpoint")
        _TensorUnpickler(file).load()  # sizes of the writer's integers
        unpickler = _TensorUnpickler(file)
        views: dict[str, _View] = unpickler.load()
        keys: list[str] = _TensorUnpickler(file).load()
        storages = {key: _read_storage(file, unpickler.types[key]) for key in keys}
    return {name: _materialise(view, storages[view.storage]) for name, view in views.items()}


def _read_storage(file: BinaryIO, dtype: str) -> NDArray[Any]:
    (count,) = struct.unpack("<q", file.read(8))
    return np.frombuffer(file.read(count * np.dtype(dtype).itemsize), dtype)


def _materialise(view: _View, storage: NDArray[Any]) -> NDArray[Any]:
    # Convolution weights were saved as permuted views: without the strides every answer is the same.
    last = view.offset + sum((size - 1) * step for size, step in zip(view.shape, view.strides, strict=True))
    if not 0 <= last < storage.size or min(view.strides, default=0) < 0:
        raise pickle.UnpicklingError("a tensor lies outside its storage")
    steps = [step * storage.itemsize for step in view.strides]
    return np.lib.stride_tricks.as_strided(storage[view.offset :], view.shape, steps).copy()
