"""`python -m searchsite.library.decoder FD`: the warm parent, answering on an inherited socket."""

from __future__ import annotations

import sys

from searchsite.library.decoder.parent import serve

serve(int(sys.argv[1]))
