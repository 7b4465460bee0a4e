"""The second factor: an authenticator's codes, security keys, recovery codes."""

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import webauthn
from flask import current_app, request
from flask_security import Totp
from sqlalchemy import func, select
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tracing.accounts import entries, letters, sessions
from tracing.accounts.letters import News
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import Account, AccountKey, AccountSession
from workflows.errors import NotVisible
from workflows.policies import Role

RECOVERY_CODES: Final = 10
DRIFT: Final = 30
"""Seconds an authenticator's clock may be off, either way."""

NAME_LENGTH: Final = 64
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class NotConfirmed(Exception):
    """The factor that was shown is not the account's."""


class CanBeCopied(NotConfirmed):
    """The key is one that its maker copies to other devices."""


class StillNeeded(Exception):
    """The account would be left without what its role requires."""


class OneTimeCodes(Totp):
    """Codes of half a minute, each accepted once."""

    def get_last_counter(self, user: Any) -> int | None:
        """Return the half minute of the last code that was accepted."""
        last: int | None = user.totp_step
        return last

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """Keep the half minute of this one."""
        user.totp_step = tmatch.counter


def _codes() -> OneTimeCodes:
    found: OneTimeCodes = current_app.extensions["security"].totp_factory
    return found


@dataclass(frozen=True, slots=True)
class Means:
    """How an account can show its second factor."""

    code: bool
    keys: int
    recovery: int

    @property
    def any(self) -> bool:
        """Tell whether there is a second factor at all."""
        return self.code or self.keys > 0


def keys_of(account_id: int) -> Sequence[AccountKey]:
    """Return the security keys of an account, the oldest first."""
    return db.session.scalars(
        select(AccountKey)
        .where(AccountKey.account_id == account_id)
        .order_by(AccountKey.id)
    ).all()


def _number_of_keys(account_id: int) -> int:
    return (
        db.session.scalar(
            select(func.count()).where(AccountKey.account_id == account_id)
        )
        or 0
    )


def keys_needed(account: Account) -> int:
    """Return how many security keys the account's role asks for."""
    chosen = sessions.settings()
    if not chosen.second_factor_required:
        return 0
    least = 1 if chosen.keys_alone else 0
    if Role.ADMINISTRATOR in account.role_names:
        return max(least, chosen.administrator_keys)
    return least


def means_of(account: Account) -> Means:
    """Return how this account shows its second factor.

    Who needs keys signs in with a key: a code is no way around it.
    """
    keys = _number_of_keys(account.id)
    code = bool(account.tf_totp_secret)
    if keys and keys_needed(account):
        code = False
    recovery = len(account.mf_recovery_codes or ())
    if keys and sessions.settings().keys_alone:
        recovery = 0
    return Means(code, keys, recovery)


def lock(account: Account) -> Account:
    """Return the account as it is now, with nobody else at it until the commit."""
    return db.session.scalars(
        select(Account)
        .where(Account.id == account.id)
        .with_for_update(of=Account)
        .execution_options(populate_existing=True)
    ).one()


def accept(held: AccountSession, now: datetime, *, changed: bool = False) -> None:
    """Take a factor as shown: the session opens, or is fresh again. Commits."""
    opens = held.half
    if opens:
        sessions.complete(held, now)
    else:
        sessions.confirm(held, now)
    held.lacks_keys = _number_of_keys(held.account_id) < keys_needed(held.account)
    sessions.look_again()
    if changed:
        entries.enter(Kind.FACTOR_CHANGED, held.account)
    if opens:
        entries.enter(Kind.SIGNED_IN, held.account)
    db.session.commit()


# -------------------------------------------------------------------- authenticators


def start_authenticator(held: AccountSession) -> dict[str, str]:
    """Make a key for an authenticator; it counts once a code of it was entered."""
    secret = _codes().generate_totp_secret()
    held.pending_totp = secret
    db.session.commit()
    return shown_authenticator(held)


def shown_authenticator(held: AccountSession) -> dict[str, str]:
    """Return the key that is being set up, as a picture and as letters."""
    if not held.pending_totp:
        raise NotConfirmed
    values = _codes().fetch_setup_values(held.pending_totp, held.account)
    return {"picture": values["image"], "key": values["key"]}


def finish_authenticator(held: AccountSession, code: str, now: datetime) -> list[str]:
    """Set the authenticator up; return new recovery codes where there were none."""
    account = lock(held.account)
    secret = held.pending_totp
    if not secret:
        raise NotConfirmed
    account.totp_step = None
    if not _codes().verify_totp(code, secret, account, window=DRIFT):
        db.session.rollback()
        raise NotConfirmed
    account.tf_totp_secret = secret
    account.tf_primary_method = "authenticator"
    letters.tell(account, News.AUTHENTICATOR, now)
    made = [] if account.mf_recovery_codes else _new_recovery_codes(account)
    accept(held, now, changed=True)
    return made


def remove_authenticator(account: Account, now: datetime) -> None:
    """Remove the authenticator, where another factor is left."""
    account = lock(account)
    if sessions.settings().second_factor_required and not _number_of_keys(account.id):
        raise StillNeeded
    account.tf_totp_secret = account.tf_primary_method = None
    letters.tell(account, News.AUTHENTICATOR, now)
    entries.enter(Kind.FACTOR_CHANGED, account)
    db.session.commit()


def check_code(held: AccountSession, code: str, now: datetime) -> None:
    """Accept the code an authenticator shows now, once; or raise NotConfirmed."""
    account = lock(held.account)
    digits = "".join(code.split())
    right = (
        means_of(account).code
        and account.tf_totp_secret is not None
        and digits.isascii()
        and _codes().verify_totp(digits, account.tf_totp_secret, account, window=DRIFT)
    )
    if not right:
        db.session.rollback()
        raise NotConfirmed
    accept(held, now)


# -------------------------------------------------------------------- recovery codes


def _plain(code: str) -> str:
    return "".join(sign for sign in code.lower() if sign.isalnum())


def _hashed(code: str) -> str:
    return hashlib.sha256(b"recovery\0" + _plain(code).encode()).hexdigest()


def _new_recovery_codes(account: Account) -> list[str]:
    made = []
    for _ in range(RECOVERY_CODES):
        letters_ = base64.b32encode(secrets.token_bytes(10)).decode().lower()
        made.append("-".join(letters_[i : i + 4] for i in range(0, 16, 4)))
    account.mf_recovery_codes = [_hashed(code) for code in made]
    return made


def renew_recovery_codes(account: Account, now: datetime) -> list[str]:
    """Return ten new codes of 80 bits, to be shown once; the old ones are void."""
    account = lock(account)
    made = _new_recovery_codes(account)
    letters.tell(account, News.RECOVERY_CODES, now)
    entries.enter(Kind.FACTOR_CHANGED, account)
    db.session.commit()
    return made


def use_recovery_code(held: AccountSession, code: str, now: datetime) -> None:
    """Accept a recovery code, which is then used up; or raise NotConfirmed."""
    account = lock(held.account)
    left = list(account.mf_recovery_codes or ())
    wanted = _hashed(code)
    if wanted not in left or not means_of(account).recovery:
        db.session.rollback()
        raise NotConfirmed
    left.remove(wanted)
    account.mf_recovery_codes = left
    letters.tell(account, News.RECOVERY_USED, now)
    accept(held, now)


# --------------------------------------------------------------------- security keys


def site() -> tuple[str, str]:
    """Return the address and the name that keys are bound to.

    They are those of `public_url`; on this machine alone, those of the visit.
    """
    public = urlsplit(sessions.settings().public_url)
    host = public.hostname or "localhost"
    if host not in LOOPBACK:
        return f"{public.scheme}://{public.netloc}", host
    here = urlsplit(request.host_url)
    name = here.hostname or "localhost"
    return (
        (f"{here.scheme}://{here.netloc}", name)
        if name in LOOPBACK
        else (f"{public.scheme}://{public.netloc}", host)
    )


def _descriptors(account_id: int) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=key.credential_id,
            transports=[AuthenticatorTransport(way) for way in key.transports.split()],
        )
        for key in keys_of(account_id)
    ]


def _challenge(held: AccountSession) -> bytes:
    challenge = secrets.token_urlsafe(32)
    held.challenge = challenge
    return challenge.encode()


def _used_challenge(held: AccountSession) -> bytes:
    """Return what was to be signed; it is void from here on, right or wrong."""
    challenge = held.challenge
    held.challenge = None
    db.session.commit()
    if not challenge:
        raise NotConfirmed
    return challenge.encode()


def options_to_add(held: AccountSession) -> dict[str, Any]:
    """Return what the browser needs to make a key for this account."""
    options = webauthn.generate_registration_options(
        rp_id=site()[1],
        rp_name="Trace requests",
        user_id=held.account.fs_uniquifier.encode(),
        user_name=held.account.email,
        user_display_name=held.account.name,
        challenge=_challenge(held),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(held.account_id),
    )
    db.session.commit()
    found: dict[str, Any] = options_to_json_dict(options)
    return found


def add_key(
    held: AccountSession, name: str, credential: str, now: datetime
) -> list[str]:
    """Keep a new key; return new recovery codes where there were none."""
    challenge = _used_challenge(held)
    origin, rp_id = site()
    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_origin=origin,
            expected_rp_id=rp_id,
            require_user_verification=True,
        )
        ways = json.loads(credential)["response"].get("transports") or []
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotConfirmed from error
    copied = made.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    if copied and sessions.settings().keys_alone:
        raise CanBeCopied
    known = {way.value for way in AuthenticatorTransport}
    account = lock(held.account)
    taken = db.session.scalar(
        select(AccountKey.id).where(AccountKey.credential_id == made.credential_id)
    )
    if taken is not None:
        db.session.rollback()
        raise NotConfirmed
    db.session.add(
        AccountKey(
            account_id=account.id,
            name=name[:NAME_LENGTH],
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            transports=" ".join(way for way in ways if way in known),
            backed_up=made.credential_backed_up,
            added_at=now,
        )
    )
    db.session.flush()
    letters.tell(account, News.KEY_ADDED, now)
    wanted = not account.mf_recovery_codes and not sessions.settings().keys_alone
    codes = _new_recovery_codes(account) if wanted else []
    accept(held, now, changed=True)
    return codes


def options_to_use(held: AccountSession) -> dict[str, Any]:
    """Return what the browser needs to ask one of the account's keys."""
    options = webauthn.generate_authentication_options(
        rp_id=site()[1],
        challenge=_challenge(held),
        allow_credentials=_descriptors(held.account_id),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    db.session.commit()
    found: dict[str, Any] = options_to_json_dict(options)
    return found


def check_key(held: AccountSession, credential: str, now: datetime) -> None:
    """Accept what a key of this account has signed; or raise NotConfirmed."""
    challenge = _used_challenge(held)
    origin, rp_id = site()
    try:
        parsed = webauthn.helpers.parse_authentication_credential_json(credential)
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotConfirmed from error
    key = db.session.scalar(
        select(AccountKey)
        .where(
            AccountKey.credential_id == parsed.raw_id,
            AccountKey.account_id == held.account_id,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if key is None:
        db.session.rollback()
        raise NotConfirmed
    try:
        shown = webauthn.verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_origin=origin,
            expected_rp_id=rp_id,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except WebAuthnException as error:
        # A count that goes back is the sign of a copied key: it is refused too.
        db.session.rollback()
        raise NotConfirmed from error
    key.sign_count = shown.new_sign_count
    key.used_at = now
    accept(held, now)


def remove_key(account: Account, key_id: int, now: datetime) -> None:
    """Remove a key, where what is left satisfies the account's role."""
    account = lock(account)
    key = db.session.scalar(
        select(AccountKey).where(
            AccountKey.id == key_id, AccountKey.account_id == account.id
        )
    )
    if key is None:
        raise NotVisible("There is no such key.")
    left = _number_of_keys(account.id) - 1
    needed = keys_needed(account)
    bare = left == 0 and not account.tf_totp_secret
    if left < needed or (bare and sessions.settings().second_factor_required):
        db.session.rollback()
        raise StillNeeded
    db.session.delete(key)
    letters.tell(account, News.KEY_REMOVED, now)
    entries.enter(Kind.FACTOR_CHANGED, account)
    db.session.commit()


def reset(account: Account, now: datetime) -> None:
    """Forget every second factor: the person sets up a new one. The caller commits."""
    account.tf_totp_secret = account.tf_primary_method = None
    account.totp_step = None
    account.mf_recovery_codes = None
    for key in keys_of(account.id):
        db.session.delete(key)
    sessions.end_all(account.id)
    letters.tell(account, News.FACTOR_RESET, now)
