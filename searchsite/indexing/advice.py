"""What a person can do about a job that has failed for good: one sentence for each kind of reason."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from searchsite.indexing import plan

ANEW = gettext_noop(
    "Open the file in a program that shows it, save it anew as PNG or JPEG, and put that in. The file as it came can"
    " still be downloaded."
)
SMALLER = gettext_noop("Save the picture smaller and put it in again, or have an operator raise MAX_PIXELS.")
LOST = gettext_noop("Put the file in again, or take it back from a backup and try again.")
MEMORY = gettext_noop("Try again when less is going on. If it stays so, the workers need more memory.")
KILLER = gettext_noop(
    "Something in it ends its worker. Try it again alone when little is going on; the log of the workers says how they"
    " ended."
)
NOBODY = gettext_noop("Set CAPTIONER, then try again; or cancel it, if no captions are wanted.")
BY_HAND = gettext_noop("Write the caption by hand on the item's page, or try again with another captioner.")
TOO_MUCH = gettext_noop(
    "It is likely larger than the provider's limit for one request. Raise that limit there, or divide the text, and try"
    " again."
)
BREAKS = gettext_noop("Its server ends over this one. The log of that server says why; try again once it is mended.")
ODD = gettext_noop("Its server does not answer as it should: manage.py doctor tests it. Try again once it is mended.")
SLOW = gettext_noop("Its server takes too long over this one. Try again when it has less to do, or is a faster one.")
PUT_OFF = gettext_noop("Try it again: it is tried with all its attempts, as new.")
OUR_FAULT = gettext_noop("That is a mistake of this program: the log of the workers has it. Try again after an update.")
SAID = gettext_noop("The server's own words say why it would not take this. Mend that and try again, or cancel it.")
RULES: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"This picture (?:has too many pixels|needs more memory|takes too long)", SMALLER),
        (r"This (?:picture|is not a picture)|The colours of this picture", ANEW),
        (r"The (?:picture's )?file is missing", LOST),
        (r"There was not enough memory|The decoder (?:is busy|died)", MEMORY),
        (r"The worker died", KILLER),
        (r"No captioner is configured", NOBODY),
        (r"The captioner", BY_HAND),
        (r"The provider would not take this", TOO_MUCH),
        (r"Unexpected error|The database refused", OUR_FAULT),
        (r"The (?:provider|database)", PUT_OFF),
        (r".*broke the connection", BREAKS),
        (r".*took too long to answer", SLOW),
        (r".*(?:is not JSON|the answer|answered with|a vector|the vectors|dimensions|did not stream)", ODD),
    )
)


def advice_for(kind: str, reason: str) -> str:
    """What to do about a failure of this stage, in the language of the request; empty where nobody failed."""
    if not reason or kind not in plan.BATCH:
        return ""
    return _(next((sentence for pattern, sentence in RULES if pattern.match(reason)), SAID))
