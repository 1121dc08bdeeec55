"""The WSGI door that the web server opens."""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from searchsite import config, exposure
from searchsite.ops import places
from searchsite.ops.errors import CannotStart

# Whichever server opens this door.
if sentences := list(exposure.in_the_way(config.load())):
    sys.exit("\n".join(sentences))
try:
    places.require_settled(config.load())
except CannotStart as error:
    sys.exit(str(error))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
# Statements of pages have less time than those of workers: searchsite/settings.py.
os.environ["SEARCHSITE_SERVES"] = "pages"
django = get_wsgi_application()

from searchsite.web import crowding, desks, logs, warming, watchdog  # noqa: E402  # needs Django set up

logs.write()
warming.warm()
watchdog.watch(settings.CONFIG.client_seconds)
crowding.watch(settings.CONFIG.web_connections)
application = desks.opened(django)
