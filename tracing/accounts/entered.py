"""What the library of accounts tells of: entered in the journal, each in one place."""

from typing import Any, Final

from flask import Flask
from flask_login import user_logged_out
from flask_security import (
    password_changed,
    password_reset,
    tf_disabled,
    tf_profile_changed,
    user_authenticated,
    user_failed_authn,
    wan_deleted,
    wan_registered,
)

from tracing.accounts.actors import actor_of
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Account

TOLD: Final = (
    (user_authenticated, Kind.SIGNED_IN),
    (user_logged_out, Kind.SIGNED_OUT),
    (password_changed, Kind.PASSWORD_CHANGED),
    (password_reset, Kind.PASSWORD_CHANGED),
    (tf_profile_changed, Kind.FACTOR_CHANGED),
    (tf_disabled, Kind.FACTOR_CHANGED),
    (wan_registered, Kind.FACTOR_CHANGED),
    (wan_deleted, Kind.FACTOR_CHANGED),
)


def init_app(app: Flask) -> None:
    """Listen to this application's accounts."""
    for signal, kind in TOLD:
        signal.connect(_entering(kind), app, weak=False)
    user_failed_authn.connect(_refused, app, weak=False)


def _entering(kind: Kind) -> Any:
    def enter(_sender: Flask, user: Any = None, **_told: Any) -> None:
        if isinstance(user, Account):
            journal.record(kind, actor_of(user))
            db.session.commit()

    return enter


def _refused(_sender: Flask, user: Any = None, **_told: Any) -> None:
    """Enter a sign-in that failed: with whose account, never with what was typed."""
    if isinstance(user, Account):
        said = {"account": user.id}
        chains: tuple[int, ...] = (user.authority_id,)
    else:
        said, chains = {}, ()
    journal.record(Kind.SIGN_IN_REFUSED, None, parties=chains, payload=said)
    db.session.commit()
