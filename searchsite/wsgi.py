"""The WSGI door that the web server opens."""

from __future__ import annotations

import os
import sys

from django.core.wsgi import get_wsgi_application

from searchsite import config, exposure

# Whichever server opens this door.
if sentences := list(exposure.in_the_way(config.load())):
    sys.exit("\n".join(sentences))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
application = get_wsgi_application()

from searchsite.web import warming  # noqa: E402  # needs Django set up

warming.warm()
