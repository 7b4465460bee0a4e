"""Flask-Security, bound for what we take of it: password hashes and one-time codes.

Its pages are not used. Ours know sessions that can be ended, waits that a stranger
cannot turn against a person, and challenges that are good once.
"""

from typing import Any

from flask import Flask
from flask_security import MailUtil, Security, SQLAlchemyUserDatastore

from tracing.accounts import sessions
from tracing.accounts.factors import OneTimeCodes
from tracing.extensions import db
from tracing.models import Account, Role


class NoMail(MailUtil):
    """Flask-Security's own mails are off: ours go through the outbox."""

    def send_mail(self, template: str, *_args: Any, **_fields: Any) -> None:
        """Refuse: no page of ours asks for one of these mails."""
        raise RuntimeError(f"the mail {template} is not part of this service")


def init_app(app: Flask) -> None:
    """Bind the library, and shut the ways in that it would open by itself."""
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a method
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TOTP_ISSUER="Trace requests",
        SECURITY_TRACKABLE=False,
        SECURITY_FLASH_MESSAGES=False,
    )
    # By the constructor: init_app() passes over the class of the codes.
    Security(
        app,
        SQLAlchemyUserDatastore(db, Account, Role),
        register_blueprint=False,
        mail_util_cls=NoMail,
        totp_cls=OneTimeCodes,
    )
    # Nobody is signed in by a cookie or a token of the library's own.
    app.login_manager.user_loader(_nobody)  # type: ignore[attr-defined]
    app.login_manager.request_loader(_nobody)  # type: ignore[attr-defined]
    sessions.init_app(app)


def _nobody(_asked: object) -> None:
    return None
