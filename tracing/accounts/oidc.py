"""Signing in by another service (OpenID Connect), where one is configured.

It stands for the password alone: the second factor is ours. A person is known by
issuer and subject, which the person links while signed in; never by an address.
"""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Flask, current_app, request, session
from joserfc.errors import JoseError
from sqlalchemy import select
from werkzeug.wrappers import Response

from tracing.accounts import entries, letters, sessions, waits
from tracing.accounts.letters import News
from tracing.config import Settings
from tracing.extensions import db, will_write
from tracing.journal.kinds import Kind
from tracing.models import Account, AccountIdentity

CLIENT: Final = "tracing.oidc"
BACK: Final = "oidc_back"
LINK: Final = "oidc_link"


class Refused(Exception):
    """The other service said no, or named nobody we know."""


def init_app(app: Flask, settings: Settings) -> None:
    """Register the service, if there is one; it is asked when first needed."""
    if not settings.oidc_issuer:
        return
    issuer = settings.oidc_issuer.rstrip("/")
    app.extensions[CLIENT] = OAuth(app).register(
        "elsewhere",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid",
            "code_challenge_method": "S256",
            "timeout": 10,
        },
    )


def name() -> str | None:
    """Return what to call the other service, or None without one."""
    settings = sessions.settings()
    if CLIENT not in current_app.extensions:
        return None
    return settings.oidc_name or urlsplit(settings.oidc_issuer).hostname


def leave(back: str, *, link: int | None = None) -> Response:
    """Go to the other service; state, nonce and verifier stay with this visit."""
    client: Any = current_app.extensions[CLIENT]
    session[BACK] = back
    session.pop(LINK, None)
    if link is not None:
        session[LINK] = link
    public = sessions.settings().public_url.rstrip("/")
    try:
        answer: Response = client.authorize_redirect(f"{public}/sign-in/back")
    except (AuthlibBaseError, OSError) as error:
        raise Refused from error
    return answer


def returned(now: datetime) -> tuple[Account | None, str]:
    """Return whose visit this is and where it goes on; None after a link was made."""
    will_write()
    place = waits.address_key(request.remote_addr)
    keys = {place: waits.BY_ADDRESS} if place is not None else {}
    waits.count(keys, now)
    try:
        issuer, subject = _person()
    except Refused:
        _enter_refusal(None)
        raise
    to = str(session.pop(BACK, "/"))
    link = session.pop(LINK, None)
    known = db.session.scalar(
        select(AccountIdentity).where(
            AccountIdentity.issuer == issuer, AccountIdentity.subject == subject
        )
    )
    account = db.session.get(Account, known.account_id) if known else None
    if link is not None:
        _link(int(link), known, issuer, subject, now)
        account = None
    elif account is None or not account.active:
        _enter_refusal(account)
        raise Refused
    waits.forgive(keys)
    db.session.commit()
    return account, to


def _enter_refusal(account: Account | None) -> None:
    """Enter that somebody came back and was not let in."""
    entries.refused(account, means="other service")
    db.session.commit()


def _person() -> tuple[str, str]:
    """Return issuer and subject of an ID token that holds."""
    client: Any = current_app.extensions[CLIENT]
    try:
        claims = client.authorize_access_token()["userinfo"]
        issuer, subject = str(claims["iss"]), str(claims["sub"])
    except (AuthlibBaseError, JoseError, OSError, LookupError, ValueError) as error:
        raise Refused from error
    expected = sessions.settings().oidc_issuer
    if issuer.rstrip("/") != expected.rstrip("/") or not 0 < len(subject) <= 255:
        raise Refused
    return issuer, subject


def _link(
    account_id: int,
    known: AccountIdentity | None,
    issuer: str,
    subject: str,
    now: datetime,
) -> None:
    held = sessions.signed_in()
    if held is None or held.account_id != account_id:
        raise Refused
    if known is not None:
        if known.account_id != account_id:
            raise Refused
        return
    made = AccountIdentity(
        account_id=account_id, issuer=issuer, subject=subject, added_at=now
    )
    db.session.add(made)
    letters.tell(held.account, News.IDENTITY, now)
    entries.enter(Kind.ACCOUNT_CHANGED, held.account, identity="linked")
    db.session.commit()


def identities_of(account_id: int) -> list[AccountIdentity]:
    """Return how an account is known elsewhere."""
    return list(
        db.session.scalars(
            select(AccountIdentity).where(AccountIdentity.account_id == account_id)
        )
    )


def unlink(account: Account, identity_id: int, now: datetime) -> None:
    """Forget one of them."""
    found = db.session.scalar(
        select(AccountIdentity).where(
            AccountIdentity.id == identity_id,
            AccountIdentity.account_id == account.id,
        )
    )
    if found is not None:
        db.session.delete(found)
        letters.tell(account, News.IDENTITY, now)
        entries.enter(Kind.ACCOUNT_CHANGED, account, identity="forgotten")
    db.session.commit()
