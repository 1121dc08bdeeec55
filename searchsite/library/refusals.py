"""The one way in which the library says no."""

from __future__ import annotations


class Refusal(Exception):
    """An input that is not taken. `str()` is one sentence for people, `code` a slug, `status` the HTTP answer."""

    def __init__(self, message: str, *, code: str, status: int = 422) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
