"""Trace requests between States: the application, chosen and wired in one place."""

import os
from email.utils import parseaddr
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from tracing.config import Settings, load, template_folder

__version__ = "0.1.0"


def create_app(settings: Settings | None = None, *, login: str = "site") -> Flask:
    """Return the application; without settings they are read from the instance.

    `login`: as whom it works in PostgreSQL: the site, the worker, or the owner of the
    tables, who migrates them and uses the command line.
    """
    from tracing import crash, logs, words, worker
    from tracing.accounts import oidc, signin
    from tracing.adapters.clamd import Clamd
    from tracing.adapters.folder import FolderStore
    from tracing.adapters.smtp import self_test
    from tracing.api import app as api
    from tracing.casework import attachments, introductions, records, reviews
    from tracing.exchange import signing as exchange
    from tracing.extensions import babel, csrf, db, guard_sqlite, migrate, try_idle
    from tracing.journal import checkpoints
    from tracing.lookups import registers
    from tracing.operations import metrics, restore
    from tracing.security import fields, headers, hosts, isolation, origins, rates
    from tracing.web import context, errors, pages, uploads

    given = settings.instance if settings else None
    app = Flask(
        __name__,
        instance_path=given or os.environ.get("TRACING_INSTANCE_PATH"),
        instance_relative_config=True,
        template_folder=str(template_folder()),
        static_folder="static",
    )
    instance = Path(app.instance_path)
    settings = settings or load(instance)
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    app.config.from_mapping(flask_settings(settings, login))
    app.extensions["tracing.settings"] = settings
    self_test(settings)
    crash.arm(settings.crash_at)
    fields.init_app(app, settings, instance)
    checkpoints.init_app(app, settings)
    exchange.init_app(app, settings)
    rates.init_app(app, instance)
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, count, count, count)  # type: ignore[method-assign]
    db.init_app(app)
    with app.app_context():
        guard_sqlite(db.engine)
        try_idle(db.engine)
        isolation.init_app()
    migrate.init_app(
        app,
        db,
        directory=str(Path(__file__).parent / "migrations"),
        render_as_batch=True,
        compare_type=True,
    )
    app.extensions[attachments.STORE] = FolderStore(instance / "files")
    app.extensions[attachments.SCANNER] = (
        Clamd(settings.clamd, settings.clamd_timeout) if settings.clamd else None
    )
    app.extensions[registers.REGISTERS] = registers.load(
        instance, records.OwnBook(), records.SharedBook(), introductions.others
    )
    # First, so that an answer of whoever comes next has its line and is counted.
    logs.init_app(app)
    metrics.init_app(app)
    hosts.init_app(app, settings)
    origins.init_app(app)
    # Before the forms are read for their token, or none could be larger than usual.
    uploads.init_app(app)
    csrf.init_app(app)
    headers.init_app(app, settings)
    signin.init_app(app)
    oidc.init_app(app, settings)
    babel.init_app(app, locale_selector=context.choose_language)
    words.init_app(app)
    context.init_app(app)
    errors.init_app(app)
    pages.init_app(app)
    api.init_app(app)
    for group in api.ALL:
        # What comes with a token comes with no cookie, and so from no other site.
        csrf.exempt(group)
    worker.bind(app)
    app.extensions[restore.REAPPLY] = reviews.reapply_in(app)
    return app


def flask_settings(settings: Settings, login: str = "site") -> dict[str, object]:
    """Translate our settings into those of Flask and its extensions."""
    from tracing.extensions import connect_options

    url = settings.address_of_database(login)
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    # An error that is logged shall not carry what somebody had typed.
    options: dict[str, object] = {"hide_parameters": True}
    if url.startswith("postgresql"):
        options |= {"pool_size": 4, "max_overflow": 4}
        options["connect_args"] = connect_options(url, pooler=settings.database_pooler)
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": options,
        "MAX_CONTENT_LENGTH": settings.max_form_bytes,
        "MAX_FORM_MEMORY_SIZE": settings.max_form_bytes,
        "MAX_FORM_PARTS": 2000,
        "SESSION_COOKIE_NAME": "__Host-s" if settings.behind_https else "s",
        "SESSION_COOKIE_SECURE": settings.behind_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAIL_DOMAIN": parseaddr(settings.mail_from)[1].rpartition("@")[2]
        or "localhost",
        "BABEL_DEFAULT_LOCALE": "en",
        "BABEL_TRANSLATION_DIRECTORIES": str(Path(__file__).parent / "translations"),
        "WTF_CSRF_TIME_LIMIT": None,
        # It would ask for a Referer under https, and our own policy has none sent.
        "WTF_CSRF_SSL_STRICT": False,
        "SECURITY_PASSWORD_SALT": settings.password_salt,
        "SECURITY_TOTP_SECRETS": {"1": settings.totp_key},
    }
