"""The settings of every environment. What differs between them comes from variables, read by `env.py`."""

from __future__ import annotations

import secrets
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from rollback_portal import env
from rollback_portal.postgresql.driver import PortalConnection

BASE_DIR = Path(__file__).resolve().parent.parent

# --- The environment: `make run` sets PORTAL_LOCAL=1; anything else is treated as production -----------
LOCAL = env.flag("PORTAL_LOCAL")
DEBUG = False
SECRET_KEY = env.secret("SECRET_KEY") or secrets.token_urlsafe(50)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
USE_PROXY = env.flag("BEHIND_TLS_PROXY", default=not LOCAL)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "rollback_portal.accounts",
    "rollback_portal.audit",
    "rollback_portal.jobs",
    "deployments",
    "dbtools",
]

MIDDLEWARE = [
    "rollback_portal.web.health.HealthEndpoints",
    "django.middleware.security.SecurityMiddleware",
    "rollback_portal.web.security.ContentSecurityPolicy",
    "rollback_portal.web.database_down.DatabaseDownPage",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "rollback_portal.web.security.SignInAgain",
    "rollback_portal.accounts.presence.LastSeen",
]

ROOT_URLCONF = "rollback_portal.urls"
WSGI_APPLICATION = "rollback_portal.wsgi.application"

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
                "rollback_portal.web.pages.everywhere",
            ],
            "builtins": ["rollback_portal.templatetags.text", "deployments.templatetags.sentence"],
        },
    }
]


# --- PostgreSQL holds all data and the queue. Redis is the broker and holds the shared rate limit ------
def database(url: str) -> dict[str, object]:
    """Django's settings for a PostgreSQL address, with a pool that checks its connections."""
    parts = conninfo_to_dict(url)
    name, user = parts.pop("dbname", "portal"), parts.pop("user", "")
    password, host, port = parts.pop("password", ""), parts.pop("host", ""), parts.pop("port", "")
    options: dict[str, object] = {**parts, "connect_timeout": 5, "application_name": "rollback-portal"}
    options["pool"] = {
        "min_size": 1,
        "max_size": env.number("DATABASE_POOL", 24),
        "timeout": 5,
        "connection_class": PortalConnection,
    }
    return {
        "ENGINE": "rollback_portal.postgresql",
        "NAME": name,
        "USER": user,
        "PASSWORD": password,
        "HOST": host,
        "PORT": port,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


DATABASE_URL = env.secret("DATABASE_URL")
DIRECT_DATABASE_URL = env.secret("DIRECT_DATABASE_URL")  # bypasses a transaction pooler, for session locks
DATABASES = {"default": database(DATABASE_URL or "postgresql:///portal")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.secret("REDIS_URL")
# In local memory on purpose: with the cache in Redis nobody could sign in while Redis is down.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- Celery: broker settings that fail fast instead of hanging (docs/operations.md) --------------------
CELERY_BROKER_URL = REDIS_URL or "redis://127.0.0.1:6379/0"
if REDIS_URL.startswith("unix://"):  # Celery has its own syntax for a socket and its database number
    CELERY_BROKER_URL = REDIS_URL.replace("unix:", "redis+socket:", 1).replace("?db=", "?virtual_host=")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 15,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 25  # seconds after SIGQUIT; after SIGTERM jobs are handed over at once
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "reading"
CELERY_TASK_ROUTES = {
    "deployments.tasks.advance": {"queue": "operations"},
    "dbtools.tasks.*": {"queue": "wizard"},  # only this queue's worker knows the addresses of the databases
}
# --- The providers: without a key, the sandbox stands in for one ---------------------------------------
SANDBOX_URL = env.text("SANDBOX_URL", "http://127.0.0.1:9701")
RENDER_API_KEY = env.secret("RENDER_API_KEY")
VERCEL_TOKEN = env.secret("VERCEL_TOKEN")
PROVIDERS = {
    "render": {
        "url": env.text("RENDER_API_URL", "https://api.render.com/v1")
        if RENDER_API_KEY
        else f"{SANDBOX_URL}/v1",
        "key": RENDER_API_KEY or "rnd_sandbox",
        "status_page": env.text("RENDER_STATUS_PAGE", "https://status.render.com")
        if RENDER_API_KEY
        else f"{SANDBOX_URL}/_status/render",
        "sandbox": not RENDER_API_KEY,
    },
    "vercel": {
        "url": env.text("VERCEL_API_URL", "https://api.vercel.com") if VERCEL_TOKEN else SANDBOX_URL,
        "key": VERCEL_TOKEN or "vcp_sandbox",
        "status_page": env.text("VERCEL_STATUS_PAGE", "https://www.vercel-status.com")
        if VERCEL_TOKEN
        else f"{SANDBOX_URL}/_status/vercel",
        "team": env.text("VERCEL_TEAM_ID") if VERCEL_TOKEN else "team_sandbox",
        "sandbox": not VERCEL_TOKEN,
    },
}
SANDBOX_SIGN_IN = env.text("SANDBOX_SIGN_IN")  # names that the sign-in page of a sandbox shows
VERSION_HEADER = env.text("VERSION_HEADER", "X-Version")
# Render keeps old instances for 60 s after the new ones took over: until then both may answer.
SERVE_SECONDS = env.number("SERVE_SECONDS", 90)
# Percent of the requests from outside that may fail (5xx, no answer) before a deployment is said to fail.
SERVED_ERROR_SHARE = env.number("SERVED_ERROR_SHARE", 5)
FOLLOW_SECONDS = env.number("FOLLOW_SECONDS", 20 * 60)  # seconds; after that a person has to look
LEASE_SECONDS = env.number("LEASE_SECONDS", 30)  # without a renewal, then another worker may take over
SETTLE_SECONDS = env.number("SETTLE_SECONDS", 30)  # a lost request may take effect until then

# --- The databases that the wizard may roll back: listed in a file, with their addresses in secrets ----
DATABASES_FILE = env.text("DATABASES_FILE")
BACKUP_FOLDER = env.text("BACKUP_FOLDER") or str(env.data_folder() / "backups")
BACKUP_DAYS = env.number("BACKUP_DAYS", 14)
BREAK_GLASS = env.flag("BREAK_GLASS", default=True)  # whether somebody may approve alone in an emergency
MIRROR_FOLDER = env.text("MIRROR_FOLDER") or str(env.data_folder() / "mirrors")
SCRATCH_FOLDER = env.text("SCRATCH_FOLDER") or str(env.data_folder() / "scratch")

# --- The apps, by name: the core imports none of them, and they do not import each other ---------------
DISPATCHED = ["deployments.tasks.CHANGES", "dbtools.tasks.DATABASE_ROLLBACKS", "dbtools.tasks.RESTORES"]
RECURRING = ["deployments.tasks.RECURRING", "dbtools.tasks.RECURRING"]
HEARTBEAT_QUEUE = "operations"  # the heartbeats of this queue's workers are recorded
LAST_KNOWN = (
    "deployments.pages.manual_fallback.last_known"  # HTML for the page shown while PostgreSQL is away
)
LAST_KNOWN_FILE = env.text("LAST_KNOWN_FILE") or str(env.data_folder() / "last-known.json")
READY = {
    "operations_are_worked_on": "rollback_portal.jobs.process.heartbeats.can_execute",
    "queue_answers": "rollback_portal.jobs.broker.answers",
}
LIVE_CODE = "deployments.interface.live_code"  # which commit is live, for the wizard's first step
CODE_UNDER_WAY = (
    "deployments.interface.operation_under_way"  # each app waits while the other one changes something
)
DATABASE_UNDER_WAY = "dbtools.interface.rollback_under_way"
DATABASE_MIGRATIONS = "dbtools.interface.migration_moments"  # for charts and for a verdict's next step
DATABASE_MIGRATIONS_READ = "dbtools.interface.migrations_read_at"
EVERYWHERE = ["dbtools.wizard.banners.banners_for_every_page"]  # banners for every page
METRICS = "deployments.prometheus.exposition"
METRICS_ALLOW = env.words("METRICS_ALLOW", "127.0.0.0/8,::1")
METRICS_TOKEN = env.secret("METRICS_TOKEN")

# --- Sign-in and roles ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
ROLES = {  # each role and its permissions, the weakest role first
    "viewer": (),
    "responder": ("deployments.operate", "deployments.arrange"),
    "database admin": ("deployments.operate", "deployments.arrange", "dbtools.roll_back"),
}
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
ACCOUNT_ADAPTER = "rollback_portal.accounts.adapter.NoSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True

# --- HTTPS, cookies and headers ------------------------------------------------------------------------
SECURE_SSL_REDIRECT = not LOCAL and env.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if USE_PROXY else None
SECURE_HSTS_SECONDS = 0 if LOCAL else 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not LOCAL
SECURE_HSTS_PRELOAD = not LOCAL
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = not LOCAL
CSRF_COOKIE_SECURE = not LOCAL
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# --- Time, language, files -----------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = env.text("STATIC_ROOT") or str(env.data_folder() / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "rollback_portal.web.static_files.StaticFilesStorage"},
}
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "django.security.csrf": {"level": "ERROR"},
        "psycopg.pool": {"level": "ERROR"},  # the request or command that gets no connection says so
    },
}
