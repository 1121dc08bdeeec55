"""What the web server loads before it takes requests."""

from __future__ import annotations

import os
import subprocess
import sys

from searchsite.web import warming

# In a process of its own: here everything is loaded already.
LOADED = """
import searchsite.wsgi, sys
from django.template import engines
assert "searchsite.web.searching" in sys.modules and "searchsite.api.urls" in sys.modules
cached = engines["django"].engine.template_loaders[0].get_template_cache
assert {"search/page.html", "search/_cards.html", "base.html"} <= set(cached), sorted(cached)
"""


def test_views_and_pages_are_there_before_the_first_request(settings):
    assert "search/page.html" in warming.pages()
    environment = {**os.environ, "DEBUG": "false"}
    subprocess.run([sys.executable, "-c", LOADED], cwd=settings.BASE_DIR, env=environment, check=True, timeout=120)
