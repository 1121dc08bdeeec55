"""100 real files put in and 20 questions asked of them."""

from __future__ import annotations
