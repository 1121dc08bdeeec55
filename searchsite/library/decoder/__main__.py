"""`python -m searchsite.library.decoder FD`: the warm parent, answering on an inherited socket.

Without a descriptor it says which walls would stand around its children, and ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

from searchsite import priority
from searchsite.library.decoder.parent import serve, walls_here

if len(sys.argv) > 1:
    with contextlib.suppress(OSError):
        priority.follow()
    serve(int(sys.argv[1]))
else:
    os.write(sys.stdout.fileno(), json.dumps(walls_here()).encode())
    os._exit(0)
