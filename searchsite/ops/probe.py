"""`python -m searchsite.ops.probe`: ends well where the site on this machine is ready, for health checks."""

from __future__ import annotations

import sys

from searchsite import config
from searchsite.ops import household

if __name__ == "__main__":
    sys.exit(household.web_answers(config.load()))
