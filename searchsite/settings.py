"""Django's settings, all derived from the one configuration object."""

from __future__ import annotations

import os
import secrets
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from psycopg.conninfo import conninfo_to_dict

from searchsite import config as configuration

CONFIG = configuration.load()
BASE_DIR = configuration.ROOT


def _kept_secret_key() -> str:
    """Read the key under DATA_DIR, made by whichever process comes first (O_EXCL link decides the race)."""
    path = CONFIG.data_dir / "secret_key"
    if not path.exists():
        CONFIG.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f"secret_key.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii")


def _database() -> dict[str, Any]:
    """Settings of the one database: DATABASE_URL, or the embedded server's socket."""
    common: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
    }
    if CONFIG.database_url is None:
        parts: dict[str, Any] = {"host": str(CONFIG.socket_dir), "user": "searchsite", "dbname": "searchsite"}
    else:
        parts = dict(conninfo_to_dict(CONFIG.database_url.get_secret_value()))
    named = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}  # nosec B105 - names
    database = common | {key: str(parts.pop(part, "")) for key, part in named.items()}
    # Re-planning costs 0.05 ms; a generic plan of an array filter costs an index (up to 12 times the query).
    session = f"-c plan_cache_mode=force_custom_plan -c jit=off {_patience()}"
    return database | {"OPTIONS": {"connect_timeout": 5, "options": session} | parts}


def _patience() -> str:
    """How long a statement may take, and wait for a lock: pages less than workers, since people wait."""
    if "SEARCHSITE_SERVES" not in os.environ:
        return f"-c statement_timeout={CONFIG.worker_statement_seconds * 1000:.0f}"
    statement, lock = CONFIG.web_statement_seconds * 1000, CONFIG.lock_seconds * 1000
    return f"-c statement_timeout={statement:.0f} -c lock_timeout={lock:.0f}"


SECRET_KEY = CONFIG.secret_key.get_secret_value() if CONFIG.secret_key else _kept_secret_key()
DEBUG = CONFIG.debug
FILES_URL, FILES_SECONDS = CONFIG.files_url, CONFIG.files_seconds
ALLOWED_HOSTS = [*CONFIG.allowed_hosts, CONFIG.host, *([urlsplit(FILES_URL).hostname] if FILES_URL else [])]
CSRF_TRUSTED_ORIGINS = CONFIG.trusted_origins

INSTALLED_APPS = [
    "searchsite.accounts",
    "searchsite.jobs",
    "searchsite.library",
    "searchsite.indexing",
    "searchsite.search",
    "searchsite.quality",
    "searchsite.web",
    "searchsite.api",
    "searchsite.ops",
    # Its pages register themselves with the addresses: workers and commands never load them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "django_htmx",
]
MIDDLEWARE = [
    "searchsite.web.failing.RequestId",
    "searchsite.web.proxies.Proxies",
    "searchsite.web.middleware.Audited",
    # Outside of what may answer itself, with the way to https or that there is no such host.
    "searchsite.web.middleware.SecurityHeaders",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "searchsite.web.files_host.FilesHost",
    "searchsite.api.middleware.Problems",
    "searchsite.web.failing.NoRoom",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "searchsite.web.middleware.SessionAge",
    "searchsite.web.limiting.Rates",
    "searchsite.web.receiving.BodyLimit",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "searchsite.web.middleware.Membership",
]
ROOT_URLCONF = "searchsite.urls"
WSGI_APPLICATION = "searchsite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "searchsite.web.usage.notices",
                "searchsite.web.spaces.notices",
                "searchsite.web.troubles.notices",
            ],
        },
    }
]
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# In Postgres, so that rate limits are shared by all web processes and survive the loss of the broker.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entry",
        # Beyond this, a third is thrown away: counts of failed sign-ins, too.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # What people do fills another table: lists of many items, kept a while to take something back or to step through.
    "lists": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "list_entry",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name}
    for name in (
        "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "django.contrib.auth.password_validation.MinimumLengthValidator",
        "django.contrib.auth.password_validation.CommonPasswordValidator",
        "django.contrib.auth.password_validation.NumericPasswordValidator",
        "searchsite.accounts.passwords.Consequences",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "searchsite.accounts.signin.ClosedSignup"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}

LANGUAGE_CODE = "en"
USE_I18N = True
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "searchsite" / "locale"]
FORMAT_MODULE_PATH = "searchsite.locale"
LANGUAGE_COOKIE_NAME = "__Host-language" if CONFIG.https else "language"
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = CONFIG.https
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
MEDIA_ROOT = CONFIG.media_root
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
FILE_UPLOAD_HANDLERS = [
    "searchsite.web.receiving.CappedFiles",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = CONFIG.max_text_bytes + (1 << 20)
DATA_UPLOAD_MAX_NUMBER_FILES = 500

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# TLS ends in a proxy, which says so by this header; probes ask from inside, without it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIG.https else None
SECURE_SSL_REDIRECT = CONFIG.https
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 31_536_000 if CONFIG.https else 0
# Whether other hosts of the same domain speak https, only their owner knows.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIG.https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = CONFIG.session_days * 86_400
SESSION_IDLE_SECONDS = int(CONFIG.session_idle_hours * 3600)
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-session" if CONFIG.https else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if CONFIG.https else "csrf"
MESSAGE_STORAGE = "searchsite.web.telling.Messages"
X_FRAME_OPTIONS = "DENY"

CELERY_BROKER_URL = (
    CONFIG.broker_url.get_secret_value() if CONFIG.broker_url else f"redis+socket://{quote(str(CONFIG.broker_socket))}"
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_TASK_DEFAULT_QUEUE = "decode"
CELERY_TIMEZONE = "UTC"
# The clock's own tasks do not wait behind wake-ups: a worker takes from its queues in turn.
CARE_QUEUE = "care"
# Building an index takes minutes, in Postgres: the worker that reads waits for it, as it has time.
INDEX_QUEUE, INDEX_TASK = "indexes", "searchsite.indexing.tasks.build_indexes"
# How far the clocks of two machines may be apart, in seconds: messages expire by the clock of whoever reads them.
CLOCK_LEEWAY = 3660
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "searchsite.indexing.tasks.sweep",
        "schedule": 3.0,
        "options": {"expires": 3 + CLOCK_LEEWAY, "queue": CARE_QUEUE},
    },
    "tidy": {
        "task": "searchsite.indexing.tasks.tidy",
        "schedule": 3600.0,
        "options": {"expires": 600 + CLOCK_LEEWAY, "queue": CARE_QUEUE},
    },
    "measure": {
        "task": "searchsite.quality.tasks.tend",
        "schedule": 3600.0,
        "options": {"expires": 600 + CLOCK_LEEWAY, "queue": CARE_QUEUE},
    },
    "measure-recall": {
        "task": "searchsite.quality.tasks.measure_recall",
        "schedule": 3600.0,
        "options": {"expires": 600 + CLOCK_LEEWAY, "queue": INDEX_QUEUE},
    },
}

# Each job queue, and the task that works through it: the job table itself knows no task.
JOB_QUEUES = ("decode", "read", "caption", "embed")
JOB_TASK = "searchsite.indexing.tasks.work"

LOGGING_CONFIG = None
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(CONFIG.log_level),
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
)
