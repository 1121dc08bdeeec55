"""Django's admin with our name, our sign-in page and our rights. The registrations are in admin_*.py."""

from __future__ import annotations

import allauth.account.admin  # noqa: F401  # registers what is taken away below
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group

from searchsite.web import (
    admin_audit,
    admin_dashboard,
    admin_items,
    admin_library,
    admin_money,
    admin_people,
    admin_work,
)

__all__ = [
    "admin_audit",
    "admin_dashboard",
    "admin_items",
    "admin_library",
    "admin_money",
    "admin_people",
    "admin_work",
]

admin.site.site_header = admin.site.site_title = "searchsite"
admin.site.index = admin_dashboard.index  # type: ignore[method-assign, assignment]
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Rights come from roles in teams, and people sign in by name: these would look as if they did something.
admin.site.unregister([Group, EmailAddress])
