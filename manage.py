#!/usr/bin/env python
"""Django's command line."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from searchsite import config
from searchsite.ops import amid
from searchsite.ops.errors import CannotStart

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
    try:
        amid.require_settled_for("".join(sys.argv[1:2]), config.load())
    except (config.BadSettings, CannotStart) as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)
