"""The addresses of the pages."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import path

from searchsite.web import asking, files, items, queue, searching, spaces, switching, tus, uploads, usage

urlpatterns = [
    path("", searching.search, name="home"),
    path("search", searching.search, name="search"),
    path("search/picture", searching.search_picture, name="search-picture"),
    path("ask", asking.ask, name="ask"),
    path("ask/stream", asking.stream, name="ask-stream"),
    path("pictures/<uuid:public_id>", files.query_picture, name="query-picture"),
    path("items/<uuid:public_id>", items.item, name="item"),
    path("items/<uuid:public_id>/live", items.live, name="item-live"),
    path("items/<uuid:public_id>/title", items.rename, name="item-rename"),
    path("items/<uuid:public_id>/caption", items.caption, name="item-caption"),
    path("items/<uuid:public_id>/text", items.picture_text, name="item-text"),
    path("items/<uuid:public_id>/retry", items.retry, name="item-retry"),
    path("items/<uuid:public_id>/trash", items.discard, name="item-trash"),
    path("items/<uuid:public_id>/restore", items.restore, name="item-restore"),
    path("items/<uuid:public_id>/file", files.file, name="file"),
    path("items/<uuid:public_id>/thumbnail/<int:size>", files.thumbnail, name="thumbnail"),
    path("upload", uploads.upload, name="upload"),
    path("upload/progress", uploads.progress, name="upload-progress"),
    path("upload/again/<uuid:public_id>", uploads.again, name="upload-again"),
    path("upload/unfinished/<uuid:public_id>/discard", uploads.discard, name="upload-discard"),
    path("upload/tus", tus.creation, name="tus"),
    path("upload/tus/<uuid:public_id>", tus.upload, name="tus-upload"),
    path("upload/note", uploads.note, name="upload-note"),
    path("usage", usage.usage, name="usage"),
    path("usage.csv", usage.download, name="usage-csv"),
    path("spaces", spaces.page, name="spaces"),
    path("spaces/estimate", spaces.estimate, name="spaces-estimate"),
    path("spaces/build", spaces.build, name="spaces-build"),
    path("spaces/caption", spaces.caption, name="spaces-caption"),
    path("spaces/rollback", spaces.roll_back, name="spaces-rollback"),
    path("spaces/<int:number>/live", spaces.live, name="space-live"),
    path("spaces/<int:number>/activate", spaces.activate, name="space-activate"),
    path("spaces/<int:number>/cancel", spaces.cancel, name="space-cancel"),
    path("spaces/<int:number>/drop", spaces.drop, name="space-drop"),
    path("queue", queue.page, name="queue"),
    path("queue/live", queue.live, name="queue-live"),
    path("queue/group", queue.group, name="queue-group"),
    path("queue/missing", queue.look, name="queue-missing"),
    path("queue/make", queue.make, name="queue-make"),
    path("queue/retry", queue.retry, name="queue-retry"),
    path("queue/cancel", queue.cancel, name="queue-cancel"),
    path("queue/pause", queue.pause, name="queue-pause"),
    path("queue/resume", queue.resume, name="queue-resume"),
    path("team", switching.switch_team, name="switch-team"),
    # Only these of django-allauth's pages: accounts are made and mended by an administrator.
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
]
