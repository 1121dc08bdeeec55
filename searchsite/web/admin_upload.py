"""Putting many files in from the admin: each file is taken or refused on its own, dropped or chosen."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from searchsite.jobs.models import Lane
from searchsite.library import intake
from searchsite.library.models import Collection, Item
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope
from searchsite.web.admin_scope import Scoped, membership_in, scope_in


class ManyFiles(forms.ClearableFileInput):
    """A file field of the browser that takes several."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Returns the list of all files. An empty one is left to the intake, which says so by name."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        """Return what was sent, at least one file."""
        files = list(data or [])
        if not files:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return files


class UploadForm(forms.Form):
    """Which files, and where to. What is dropped goes to the same place."""

    collection = forms.ModelChoiceField(
        Collection.objects.none(),
        label=gettext_lazy("Collection"),
        required=False,
        # As the pages' own uploads name it.
        to_field_name="public_id",
        empty_label=gettext_lazy("Inbox"),
        help_text=gettext_lazy("Dropped files go there, too."),
    )
    file = FilesField(
        label=gettext_lazy("Files"), help_text=gettext_lazy("Pictures or text; as many as you like, up to 500 at once.")
    )

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["collection"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = Collection.objects.filter(id__in=scope.writable_ids).order_by("name")


def upload(site: Scoped, request: HttpRequest) -> HttpResponse:
    """Show the form; take the files and report on each."""
    scope = scope_in(request)
    if not site.has_add_permission(request):
        raise PermissionDenied
    sent = request.method == "POST"
    form = UploadForm(request.POST if sent else None, request.FILES if sent else None, scope=scope)
    if sent and form.is_valid():
        _take(request, scope, form.cleaned_data)
        return HttpResponseRedirect(reverse("admin:library_item_changelist"))
    context = {
        **site.admin_site.each_context(request),
        "title": _("Upload files"),
        "form": form,
        "opts": Item._meta,
        "places": membership_in(request) is not None,
    }
    return TemplateResponse(request, "admin/upload.html", context)


def _take(request: HttpRequest, scope: Scope, chosen: dict[str, Any]) -> None:
    collection = chosen["collection"]
    for file in chosen["file"]:
        name = file.name or ""
        try:
            place = intake.place_for(scope, collection.public_id if collection else None, lane=Lane.NORMAL)
            added = intake.add_file(file, name, into=place)
        except Refusal as refusal:
            messages.error(request, f"“{name}”: {refusal}")
        else:
            said = _("“%(name)s” is in.") if added.created else _("“%(name)s” was there already.")
            messages.success(request, said % {"name": name})
