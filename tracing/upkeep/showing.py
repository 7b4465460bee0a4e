"""How a State marks what it makes and imports, in pictures that its authority adds."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from flask import current_app
from sqlalchemy import func, select

from tracing.config import Settings
from tracing.directory import entries
from tracing.extensions import db
from tracing.faults import FileRefused
from tracing.files import checking
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Authority, MarkingPicture
from workflows.errors import NotPermitted, NotVisible
from workflows.policies import Actor, may_maintain
from workflows.vocabulary import N_

MOST: Final = 8
"""Pictures of one entry."""


def of_entry(authority: Authority) -> Sequence[MarkingPicture]:
    """Return the pictures of an entry, the oldest first."""
    return db.session.scalars(
        select(MarkingPicture)
        .where(MarkingPicture.authority_id == authority.id)
        .order_by(MarkingPicture.id)
        .limit(MOST)
    ).all()


def by_token(token: str) -> MarkingPicture:
    """Return a picture by what its address names."""
    found = db.session.scalar(
        select(MarkingPicture).where(MarkingPicture.token == token)
    )
    if found is None:
        raise NotVisible("There is no such picture.")
    return found


def _own(code: str, actor: Actor) -> Authority:
    authority = entries.get(code)
    if authority is None or authority.id != actor.authority_id:
        raise NotPermitted("Each authority shows its own marks.")
    if not may_maintain(actor):
        raise NotPermitted("The role contact-point maintainer keeps the entry.")
    return authority


def add(
    code: str, actor: Actor, content: bytes, *, title: str, now: datetime
) -> MarkingPicture:
    """Add a picture to the own entry, without what a camera adds to it."""
    authority = _own(code, actor)
    many = db.session.scalar(
        select(func.count())
        .select_from(MarkingPicture)
        .where(MarkingPicture.authority_id == authority.id)
    )
    if (many or 0) >= MOST:
        raise FileRefused(
            N_("Remove a picture first: there are as many as there may be")
        )
    settings: Settings = current_app.extensions["tracing.settings"]
    limits = checking.Limits(settings.max_form_bytes, settings.max_file_pixels)
    checked = checking.check(content, limits)
    if not checked.thumbnail or checked.width is None or checked.height is None:
        raise FileRefused(N_("Choose a picture (JPEG or PNG)"))
    made = MarkingPicture(
        token=secrets.token_hex(16),
        authority_id=authority.id,
        title=checking.title_of(title),
        media_type=checked.media_type,
        content=checked.content,
        small=checked.thumbnail,
        sha256=checked.sha256,
        width=checked.width,
        height=checked.height,
        added_by_id=actor.user_id,
        added_at=now,
    )
    db.session.add(made)
    said = {"picture_added": checked.sha256, "title": made.title}
    _enter(authority, actor, said)
    return made


def remove(code: str, actor: Actor, token: str) -> None:
    """Take a picture out of the own entry."""
    authority = _own(code, actor)
    found = by_token(token)
    if found.authority_id != authority.id:
        raise NotVisible("There is no such picture.")
    said = {"picture_removed": found.sha256, "title": found.title}
    db.session.delete(found)
    _enter(authority, actor, said)


def _enter(authority: Authority, actor: Actor, said: dict[str, str]) -> None:
    parties = (authority.id,)
    journal.record(
        Kind.DIRECTORY_CHANGED,
        actor,
        about=authority.code,
        parties=parties,
        payload=said,
    )
    db.session.commit()
