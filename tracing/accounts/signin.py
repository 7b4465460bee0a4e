"""Signing in: e-mail and password, a second factor for whoever sets it up."""

from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _l
from flask_security import (
    MailUtil,
    Security,
    SQLAlchemyUserDatastore,
)

from tracing.accounts import entered
from tracing.extensions import db
from tracing.models import Account, Role

security = Security()


class NoMail(MailUtil):
    """Flask-Security's own mails are off: ours go through the outbox."""

    def send_mail(self, template: str, *_args: Any, **_fields: Any) -> None:
        """Refuse: no page of ours asks for one of these mails."""
        raise RuntimeError(f"the mail {template} is not part of this service")


def init_app(app: Flask) -> None:
    """Bind Flask-Security with our addresses, words and pages."""
    app.config.update(
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_POST_LOGIN_VIEW="/",
        SECURITY_POST_LOGOUT_VIEW="/sign-in",
        SECURITY_LOGIN_USER_TEMPLATE="accounts/sign_in.html",
        SECURITY_TWO_FACTOR_SETUP_TEMPLATE="accounts/second_factor_setup.html",
        SECURITY_TWO_FACTOR_VERIFY_CODE_TEMPLATE="accounts/second_factor.html",
        SECURITY_TWO_FACTOR_SETUP_URL="/second-factor",
        SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL="/second-factor/code",  # noqa: S106 - address
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a method
        SECURITY_PASSWORD_LENGTH_MIN=15,
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TWO_FACTOR_RESCUE_EMAIL=False,
        SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=True,
        SECURITY_TWO_FACTOR_POST_SETUP_VIEW="/",
        SECURITY_TOTP_ISSUER="Trace requests",
        SECURITY_RECOVERABLE=False,
        SECURITY_REGISTERABLE=False,
        SECURITY_CONFIRMABLE=False,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_TRACKABLE=False,
        SECURITY_DEFAULT_REMEMBER_ME=False,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_MSG_TWO_FACTOR_INVALID_TOKEN=(
            _l("Enter the code that your authenticator shows now."),
            "error",
        ),
        SECURITY_MSG_GENERIC_AUTHN_FAILED=(
            _l("The e-mail address and the password do not match an account."),
            "error",
        ),
    )
    datastore = SQLAlchemyUserDatastore(db, Account, Role)
    security.init_app(app, datastore, register_blueprint=True, mail_util_cls=NoMail)
    entered.init_app(app)
