"""Sets of items as statements take them: few by their ids, many as a row of bits, a bit an item."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

# An array is planned with each of its values; of so few, an index finds the items.
FEW = 2500
# Before each value of an array in Postgres' binary form stands its length; before all, five numbers.
ELEMENT, HEADER = np.dtype([("length", ">i4"), ("value", ">i8")]), 20
AMONG = "<item> = ANY(%(<name>_ids)s::bigint[])"
# A look at one bit costs some nanoseconds, however many there are. CASE keeps the order: beyond the ends is an error.
BIT = """CASE WHEN <item> BETWEEN %(<name>_first)s::bigint AND %(<name>_last)s::bigint
    THEN get_bit(%(<name>_bits)s::bytea, <item> - %(<name>_first)s::bigint) = 1 ELSE false END"""


@dataclass(frozen=True, eq=False)
class Members:
    """Ids of items, ascending, each once."""

    ids: npt.NDArray[np.int64]

    @classmethod
    def of(cls, ids: Iterable[int]) -> Members:
        """The set of these."""
        return cls(_once(np.fromiter(ids, dtype=np.int64)))

    @classmethod
    def read(cls, cursor: psycopg.Cursor[Any]) -> Members:
        """The set that a statement has gathered into an array, in binary: without a Python number for each."""
        raw = cursor.pgresult.get_value(0, 0) if cursor.pgresult is not None else None
        if raw is None:
            return NOBODY
        return cls(_once(np.frombuffer(raw, dtype=ELEMENT, offset=HEADER)["value"].astype(np.int64)))

    def __len__(self) -> int:
        return len(self.ids)

    def __and__(self, other: Members) -> Members:
        return Members(np.intersect1d(self.ids, other.ids, assume_unique=True))

    def __or__(self, other: Members) -> Members:
        return Members(_once(np.concatenate((self.ids, other.ids))))

    def __sub__(self, other: Members) -> Members:
        return Members(np.setdiff1d(self.ids, other.ids, assume_unique=True))

    def condition(self, item: str, name: str) -> str:
        """That an item is one of these; its values are `values` of the same name."""
        return (AMONG if len(self) <= FEW else BIT).replace("<item>", item).replace("<name>", name)

    def values(self, name: str) -> dict[str, Any]:
        """The values of the condition."""
        if len(self) <= FEW:
            return {f"{name}_ids": self.ids.tolist()}
        first, last = int(self.ids[0]), int(self.ids[-1])
        bits = np.zeros(last - first + 1, dtype=np.bool_)
        bits[self.ids - first] = True
        packed = np.packbits(bits, bitorder="little").tobytes()
        return {f"{name}_first": first, f"{name}_last": last, f"{name}_bits": packed}


def _once(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Ascending, each once: np.unique hashes them first, which takes twenty times as long."""
    ordered = np.sort(ids)
    found: npt.NDArray[np.int64] = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]
    return found


NOBODY = Members(np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Held:
    """Of which items something is true: of these, or of all but these."""

    members: Members
    but: bool = False

    def __invert__(self) -> Held:
        return Held(self.members, not self.but)

    def __and__(self, other: Held) -> Held:
        if self.but and other.but:
            return Held(self.members | other.members, but=True)
        if self.but or other.but:
            own, left_out = (other, self) if self.but else (self, other)
            return Held(own.members - left_out.members)
        return Held(self.members & other.members)

    def __or__(self, other: Held) -> Held:
        return ~(~self & ~other)

    def condition(self, item: str, name: str) -> str:
        """That it is true of an item; its values are `values` of the same name."""
        said = self.members.condition(item, name)
        return f"NOT ({said})" if self.but else f"({said})"
