#!/usr/bin/env python
"""Django's command line."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from searchsite import config

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
    try:
        config.load()
    except config.BadSettings as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)
