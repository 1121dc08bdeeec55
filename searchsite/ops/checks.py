"""What `manage.py check --deploy` says beside Django's own: whether the site may be served to others as it is set."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error, Tags, register

from searchsite import config, exposure


@register(Tags.security, deploy=True)
def guarded(app_configs: Any, **kwargs: Any) -> list[Error]:
    """An error for each reason that would keep the web server from starting."""
    return [Error(sentence, id="searchsite.E001") for sentence in exposure.in_the_way(config.load())]
