"""What the first page would wait for, loaded before the web server takes requests: half a second of imports."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from django.conf import settings
from django.template.loader import get_template
from django.urls import get_resolver


def warm() -> None:
    """Import every view and compile every page."""
    assert get_resolver().url_patterns
    for name in pages():
        get_template(name)


def pages() -> list[str]:
    """The templates of our own pages, as they are loaded by name."""
    folders = [Path(folder) for folder in cast("list[Path]", settings.TEMPLATES[0]["DIRS"])]
    return sorted(str(one.relative_to(folder)) for folder in folders for one in folder.rglob("*.html"))
