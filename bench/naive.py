"""A search page as one writes it first: the ORM, a template of 24 cards, Django's usual middleware. A WSGI program.

HOST, NAME and SPACE say which database and table; its connections stay open, which not everybody thinks of.
"""

from __future__ import annotations

import os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="measuring",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="bench.naive",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["HOST"],
            "NAME": os.environ["NAME"],
            "USER": os.environ["NAME"],
            "CONN_MAX_AGE": None,
        }
    },
)
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402  # these need Django set up
from django.db import models  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402
from pgvector.django import CosineDistance, HalfVectorField  # noqa: E402

from bench import synthetic  # noqa: E402

CARDS = """<!doctype html><title>Search</title><ol>{% for one in found %}
<li><a href="/items/{{ one.item.public_id }}/">{{ one.item.title }}</a><span>{{ one.item.collection.name }}</span>
<time>{{ one.item.created_at|date:"Y-m-d" }}</time><meter value="{{ one.distance|floatformat:2 }}"></meter></li>
{% endfor %}</ol>"""
_questions = synthetic.World(1024).queries("cross", 40)
_cards = engines["django"].from_string(CARDS)


class Collection(models.Model):  # noqa: DJ008
    """Ours, as far as the page shows it."""

    name = models.TextField()

    class Meta:
        app_label, db_table, managed = "auth", "collection", False


class Item(models.Model):  # noqa: DJ008
    """Ours, as far as the page shows it."""

    public_id = models.UUIDField()
    title = models.TextField()
    created_at = models.DateTimeField()
    collection = models.ForeignKey(Collection, models.DO_NOTHING)

    class Meta:
        app_label, db_table, managed = "auth", "item", False


class Embedding(models.Model):  # noqa: DJ008
    """A row of the space's table."""

    item = models.OneToOneField(Item, models.DO_NOTHING, primary_key=True)
    channel = models.TextField()
    vector = HalfVectorField(dimensions=1024)

    class Meta:
        app_label, db_table, managed = "auth", f"embedding_{os.environ['SPACE']}", False


def page(request: HttpRequest) -> HttpResponse:
    """`?n=7` is the seventh question."""
    question = _questions[int(request.GET.get("n", 0)) % len(_questions)]
    near = Embedding._default_manager.filter(channel="image").annotate(
        distance=CosineDistance("vector", question.tolist())
    )
    found = near.select_related("item__collection").order_by("distance")[:24]
    return HttpResponse(_cards.render({"found": found}, request))


urlpatterns = [path("", page)]
application = WSGIHandler()
