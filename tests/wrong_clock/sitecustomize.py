"""A wrong clock for a child process: with this folder on its PYTHONPATH, Python's time is CLOCK_SHIFT seconds off.

Its monotonic clock is right, as is that of a machine whose time was never set.
"""

from __future__ import annotations

import datetime
import os
import time

SHIFT = float(os.environ.get("CLOCK_SHIFT", "0"))
_time, _time_ns, _real = time.time, time.time_ns, datetime.datetime


class _AnyMoment(type):
    """Moments that C code made are moments, too."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, _real)

    def __subclasscheck__(cls, one: type) -> bool:
        return issubclass(one, _real)


class _Shifted(_real, metaclass=_AnyMoment):
    @classmethod
    def now(cls, tz=None):
        return _real.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return _real.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls):
        return _real.fromtimestamp(time.time())


_Shifted.__module__, _Shifted.__qualname__, _Shifted.__name__ = "datetime", "datetime", "datetime"
if SHIFT:
    time.time = lambda: _time() + SHIFT
    time.time_ns = lambda: _time_ns() + int(SHIFT * 1e9)
    datetime.datetime = _Shifted
