"""Files of a request: received, put in their place, shown, removed, cleaned away.

A file is kept before the form around it is saved, so that a mistake in the form does
not cost it. Until then it belongs to the form's key and to whoever sent it, and is
nobody else's to see. Its content is written before its row; what no row names is
cleaned away later.

What is done with a file is entered in the journal in the same transaction, and that
somebody opens one before it is handed out. The small pictures are part of the page that
shows them, whose opening is entered.
"""

import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from flask import current_app
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select
from sqlalchemy.orm import load_only

from tracing import crash
from tracing.casework import queries, sections
from tracing.casework.apply import parties_of, utcnow
from tracing.config import Settings
from tracing.extensions import db
from tracing.faults import FileChanged, FileRefused, NotYetChecked
from tracing.files.checking import MEGABYTE, Checked, Limits, check, title_of
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Attachment, FileKind, RequestEvent, Scan, TraceRequest
from tracing.ports import FileStore, NoVerdict, Scanner, ScannerUnavailable
from tracing.schemas.fields import Told
from workflows.errors import NotPermitted, NotVisible, TransitionNotAllowed
from workflows.policies import CASE_ROLES, Actor, may_file
from workflows.states import State
from workflows.vocabulary import N_

STORE: Final = "tracing.files"
SCANNER: Final = "tracing.scanner"
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32}")
KEPT_FOR_A_FORM: Final = timedelta(hours=24)
"""How long a file waits for its form to be saved."""

AGE_OF_ORPHANS: Final = timedelta(hours=1)
"""A younger file may be one whose row is just being written."""

OWN: Final = ("id", "seal")
"""What a copy of a row does not share."""

FORMS_AT_ONCE: Final = 4
SIDES: Final = (
    TraceRequest.reference,
    TraceRequest.state,
    TraceRequest.requesting_id,
    TraceRequest.requested_id,
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Given:
    """A file as it came, under the name its sender gave it."""

    name: str
    content: bytes


def _settings() -> Settings:
    settings: Settings = current_app.extensions["tracing.settings"]
    return settings


def _store() -> FileStore:
    store: FileStore = current_app.extensions[STORE]
    return store


def _scanner() -> Scanner | None:
    scanner: Scanner | None = current_app.extensions[SCANNER]
    return scanner


# ------------------------------------------------------------------- receiving


def receive(
    actor: Actor,
    given: Given,
    *,
    form_key: str,
    request: TraceRequest | None = None,
    now: datetime | None = None,
) -> Attachment:
    """Check and keep one file: the draft's, or that of a form not saved yet."""
    home = request.id if request is not None else None
    _require_room(actor, form_key, home)
    # Reading and scanning take a while, and nobody else shall wait for it.
    db.session.rollback()
    settings = _settings()
    limits = Limits(settings.max_file_bytes, settings.max_file_pixels)
    checked = check(given.content, limits)
    scan = _verdict(given.content)
    about = request.reference if request is not None else ""
    if scan is Scan.INFECTED:
        _refuse(actor, checked, about)
    if same := _same(actor, checked.sha256, form_key, home):
        return same
    db.session.rollback()
    with _kept(checked) as (stored, thumbnail):
        crash.at("file.kept")
        _require_draft(home)
        _require_room(actor, form_key, home)
        _require_quota(actor, checked.size)
        row = _row(actor, given, checked, scan, now or utcnow())
        row.form_key, row.request_id = form_key, home
        row.stored, row.stored_sha256 = stored, _digest(checked.content)
        if thumbnail is not None:
            row.thumbnail = thumbnail
            row.thumbnail_sha256 = _digest(checked.thumbnail)
        db.session.add(row)
        db.session.flush()
        _enter(Kind.ATTACHMENT_ADDED, [row], actor, about=about)
        crash.at("file.row")
        db.session.commit()
        crash.at("file.committed")
    return row


def _require_draft(home: int | None) -> None:
    """Refuse what is sent by now, and hold a draft until the caller commits."""
    if home is None:
        return
    state = db.session.scalar(
        select(TraceRequest.state).where(TraceRequest.id == home).with_for_update()
    )
    if state is not State.DRAFT:
        raise TransitionNotAllowed("Only a draft can be changed; this one is sent.")


def _enter(
    kind: Kind,
    rows: Sequence[Attachment],
    actor: Actor | None,
    *,
    about: str = "",
    parties: Iterable[int] = (),
    **said: object,
) -> None:
    """Enter what is done with files: which, and of what content. Nothing of a name.

    Of what comes also what is kept of it, which may be drawn anew.
    """
    files = [{"file": row.id, "sha256": row.sha256} for row in rows]
    if kind is Kind.ATTACHMENT_ADDED:
        for file, row in zip(files, rows, strict=True):
            file["kept"] = row.stored_sha256 or ""
    journal.record(
        kind, actor, about=about, parties=parties, payload={"files": files} | said
    )


def _refuse(actor: Actor, checked: Checked, about: str) -> NoReturn:
    """Enter that the scanner refused a file, and say what to do about it."""
    said = {"files": [{"sha256": checked.sha256}]}
    journal.record(Kind.ATTACHMENT_REFUSED, actor, about=about, payload=said)
    db.session.commit()
    log.error("the scanner refused a file of account %s", actor.user_id)
    raise FileRefused(
        N_(
            "The virus scanner refused this file: do not open it, "
            "and tell your administrator"
        )
    )


@contextmanager
def _kept(checked: Checked) -> Iterator[tuple[str, str | None]]:
    """Keep the content for a row; where no row comes of it, let it go again."""
    store, names = _store(), []
    try:
        for content in filter(None, (checked.content, checked.thumbnail)):
            names.append(store.put(content))  # noqa: PERF401 - the last may fail
        yield names[0], names[1] if checked.thumbnail else None
    except BaseException:
        for name in names:
            store.remove(name)
        raise


def _verdict(content: bytes) -> Scan:
    """Ask the scanner; what it cannot answer now the worker asks again."""
    scanner = _scanner()
    if scanner is None:
        return Scan.NO_SCANNER
    try:
        clean = scanner.is_clean(content)
    except ScannerUnavailable as error:
        log.error("a file waits for the scanner: %s", error)  # noqa: TRY400 - known
        return Scan.WAITING
    return Scan.CLEAN if clean else Scan.INFECTED


def _row(
    actor: Actor, given: Given, checked: Checked, scan: Scan, now: datetime
) -> Attachment:
    is_picture = checked.media_type.startswith("image/")
    return Attachment(
        token=secrets.token_urlsafe(24),
        authority_id=actor.authority_id,
        kind=FileKind.PHOTOGRAPH if is_picture else FileKind.DOCUMENT,
        title=title_of(given.name),
        sha256=checked.sha256,
        size=checked.size,
        media_type=checked.media_type,
        width=checked.width,
        height=checked.height,
        scan=scan,
        uploaded_by_id=actor.user_id,
        uploaded_by_name=actor.name,
        uploaded_at=now,
    )


def _of_form(actor: Actor, form_key: str) -> ColumnElement[bool]:
    """Return the condition of a file that waits for its form."""
    return and_(
        Attachment.uploaded_by_id == actor.user_id,
        Attachment.form_key == form_key,
        Attachment.request_id.is_(None),
        Attachment.removed_at.is_(None),
    )


def _of_either(actor: Actor, form_key: str, home: int | None) -> ColumnElement[bool]:
    waiting = _of_form(actor, form_key)
    if home is None:
        return waiting
    return or_(
        waiting, and_(Attachment.request_id == home, Attachment.removed_at.is_(None))
    )


def _same(
    actor: Actor, sha256: str, form_key: str, home: int | None
) -> Attachment | None:
    """Return the file, if it came before: a browser that sends again sends all."""
    return db.session.scalar(
        select(Attachment)
        .where(Attachment.sha256 == sha256, _of_either(actor, form_key, home))
        .limit(1)
    )


def _require_room(actor: Actor, form_key: str, home: int | None) -> None:
    """Refuse one file more than a request, or a person with many forms, may have."""
    most = _settings().max_files
    here = _of_either(actor, form_key, home)
    unsaved = and_(
        Attachment.uploaded_by_id == actor.user_id,
        Attachment.request_id.is_(None),
        Attachment.removed_at.is_(None),
    )
    if _number(here) >= most:
        words = N_("A request takes at most %(number)s files: remove one first")
        raise FileRefused(Told(words, number=most))
    if _number(unsaved) >= FORMS_AT_ONCE * most:
        raise FileRefused(
            N_("Too many of your files wait for a form: save your drafts first")
        )


def _require_quota(actor: Actor, more: int) -> None:
    """Refuse what goes beyond the room of one authority.

    Two at once may both find the last place free: the bound is on what is kept, not
    to the file.
    """
    settings = _settings()
    kept = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Attachment.size), 0)).where(
            Attachment.authority_id == actor.authority_id,
            Attachment.removed_at.is_(None),
        )
    ).one()
    if kept[0] >= settings.max_authority_files:
        words = N_(
            "Your authority keeps %(number)s files, which is all it may: remove some"
            " from drafts, or ask your administrator for more room"
        )
        raise FileRefused(Told(words, number=settings.max_authority_files))
    if kept[1] + more > settings.max_authority_bytes:
        words = N_(
            "Your authority keeps files of %(size)s MB, which is all it may: remove"
            " some from drafts, or ask your administrator for more room"
        )
        raise FileRefused(Told(words, size=settings.max_authority_bytes // MEGABYTE))


def _number(where: ColumnElement[bool]) -> int:
    return (
        db.session.scalar(select(func.count()).select_from(Attachment).where(where))
        or 0
    )


# ------------------------------------------------------- putting in their place


def settle(
    request: TraceRequest,
    actor: Actor,
    *,
    form_key: str,
    places: Mapping[str, str],
    markings: Mapping[str, Any],
) -> None:
    """Give a saved draft its files, each at its marking. The caller commits.

    `places` says by token where on the form a file stood; `markings` is what that
    section of the form said.
    """
    db.session.flush()
    # Held: what is let go of at this moment is not settled, and the reverse.
    rows = db.session.scalars(
        select(Attachment)
        .where(_of_either(actor, form_key, request.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    new = [row for row in rows if row.request_id is None]
    for row in rows:
        if row.token in places:
            row.marking = sections.position_at(markings, places[row.token])
        row.request_id = request.id
    if new:
        _enter(Kind.ATTACHMENT_ADDED, new, actor, about=request.reference)


def waiting_for_step(actor: Actor, form_key: str) -> Sequence[Attachment]:
    """Return the files that came with the form of a step, and hold them.

    Before the step is taken: whoever changes files takes them first, and the chains of
    the journal afterwards.
    """
    if not form_key:
        return []
    return db.session.scalars(
        select(Attachment)
        .where(_of_form(actor, form_key))
        .order_by(Attachment.id)
        .with_for_update()
    ).all()


def settle_step(
    request: TraceRequest,
    event: RequestEvent,
    actor: Actor,
    rows: Sequence[Attachment],
) -> None:
    """Give a step the files that came with its form. The caller commits."""
    if not rows:
        return
    db.session.flush()
    for row in rows:
        row.request_id, row.event_id = request.id, event.id
    about, parties = request.reference, parties_of(request)
    _enter(Kind.ATTACHMENT_ADDED, rows, actor, about=about, parties=parties)


def copy_to(
    child: TraceRequest, parent: TraceRequest, actor: Actor, *, now: datetime
) -> None:
    """Let an onward draft have the requester's own files; the content is shared."""
    db.session.flush()
    columns = [c.key for c in Attachment.__table__.columns]
    copies = []
    for row in of_request(parent):
        if row.event_id is None and row.authority_id == child.requesting_id:
            kept = {name: getattr(row, name) for name in columns if name not in OWN}
            copied = {
                "token": secrets.token_urlsafe(24),
                "request_id": child.id,
                "form_key": None,
                "uploaded_at": now,
            }
            copies.append(Attachment(**(kept | copied)))
    if not copies:
        return
    db.session.add_all(copies)
    db.session.flush()
    about, source = child.reference, parent.reference
    _enter(Kind.ATTACHMENT_ADDED, copies, actor, about=about, copied_from=source)


def remove(
    token: str,
    actor: Actor,
    *,
    form_key: str,
    request: TraceRequest | None = None,
    now: datetime | None = None,
) -> None:
    """Take a file from a draft or from a form; what was sent stays as it was."""
    home = request.id if request is not None else None
    _require_draft(home)
    if request is not None and not may_file(actor):
        raise NotPermitted("Your role does not allow this; the role investigator does.")
    row = db.session.scalar(
        select(Attachment).where(
            Attachment.token == token, _of_either(actor, form_key, home)
        )
    )
    # Gone already, by a second click: what was wanted is so.
    if row is not None:
        row.removed_at = now or utcnow()
        about = request.reference if request is not None else ""
        _enter(Kind.ATTACHMENT_REMOVED, [row], actor, about=about)
    db.session.commit()


# ---------------------------------------------------------------------- reading


def of_request(request: TraceRequest) -> Sequence[Attachment]:
    """Return the files of a request that the caller may see, oldest first."""
    return db.session.scalars(
        select(Attachment)
        .where(Attachment.request_id == request.id, Attachment.removed_at.is_(None))
        .order_by(Attachment.id)
    ).all()


def of_form(actor: Actor, form_key: str) -> Sequence[Attachment]:
    """Return the files that came with a form which is not saved yet."""
    return db.session.scalars(
        select(Attachment).where(_of_form(actor, form_key)).order_by(Attachment.id)
    ).all()


def by_token(token: str, actor: Actor) -> tuple[Attachment, TraceRequest | None]:
    """Return a file and the request it belongs to, if it exists for the actor."""
    if not TOKEN.fullmatch(token) or actor.roles.isdisjoint(CASE_ROLES):
        raise NotVisible("There is no such file.")
    waiting = and_(
        Attachment.request_id.is_(None), Attachment.uploaded_by_id == actor.user_id
    )
    found = db.session.execute(
        select(Attachment, TraceRequest)
        .outerjoin(TraceRequest, TraceRequest.id == Attachment.request_id)
        .options(load_only(*SIDES))
        .where(
            Attachment.token == token,
            Attachment.removed_at.is_(None),
            or_(waiting, queries.visible_to(actor)),
        )
    ).one_or_none()
    if found is None:
        raise NotVisible("There is no such file.")
    return found[0], found[1]


def opened(
    attachment: Attachment, request: TraceRequest | None, actor: Actor, *, saved: bool
) -> bytes:
    """Return the content for somebody to read, once it is kept that they do."""
    content = content_of(attachment)
    said = {"file": attachment.id, "sha256": attachment.sha256, "saved": saved}
    journal.read(
        Kind.ATTACHMENT_READ,
        actor,
        about=request.reference if request is not None else "",
        parties=parties_of(request) if request is not None else (),
        payload=said,
    )
    return content


def content_of(attachment: Attachment, *, small: bool = False) -> bytes:
    """Return the content of a file that the actor may see, once it is checked."""
    if not attachment.may_go_out:
        raise NotYetChecked("The file is kept back until it has been checked.")
    return _kept_of(attachment, small=small)


def _kept_of(attachment: Attachment, *, small: bool = False) -> bytes:
    """Return what is kept of a file, if it is what was put there."""
    name, sha256 = attachment.stored, attachment.stored_sha256
    if small:
        name, sha256 = attachment.thumbnail, attachment.thumbnail_sha256
    if name is None:
        raise NotVisible("There is no such file.")
    try:
        content = _store().get(name)
    except FileNotFoundError as error:
        raise FileChanged(f"file {attachment.id} is gone from where it is kept") from (
            error
        )
    if _digest(content) != sha256:
        raise FileChanged(f"file {attachment.id} was changed where it is kept")
    return content


def misplaced(
    connection: Connection, digest_of: Callable[[str], str | None]
) -> Iterator[str]:
    """Yield what rows name and is not there, or is not what was put there.

    `digest_of` says by its name the SHA-256 of what is kept, or that nothing is.
    """
    pairs = (
        (Attachment.stored, Attachment.stored_sha256),
        (Attachment.thumbnail, Attachment.thumbnail_sha256),
    )
    for name, sha256 in pairs:
        rows = select(Attachment.id, name, sha256).where(name.is_not(None))
        for number, kept, right in connection.execute(rows.order_by(Attachment.id)):
            found = digest_of(kept or "")
            if found != right:
                yield f"file {number} {'is gone' if found is None else 'was changed'}"


def digest_kept(name: str) -> str | None:
    """Return the SHA-256 of what the store keeps under a name."""
    try:
        return _digest(_store().get(name))
    except FileNotFoundError:
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# ------------------------------------------------------------- what the worker does


def scan_waiting(*, limit: int = 50) -> int:
    """Ask the scanner again about what it has not seen; return how many it did.

    In no order: files on which it never has a verdict do not stand before the others.
    """
    scanner = _scanner()
    if scanner is None:
        return 0
    waiting = db.session.scalars(
        select(Attachment.id)
        .where(Attachment.scan == Scan.WAITING, Attachment.removed_at.is_(None))
        .order_by(func.random())
        .limit(limit)
    ).all()
    done = 0
    for key in waiting:
        row = db.session.get_one(Attachment, key)
        try:
            content = _kept_of(row)
            db.session.rollback()
            clean = scanner.is_clean(content)
        except (NotVisible, FileChanged, NoVerdict) as error:
            db.session.rollback()
            log.error("file %s stays unchecked: %s", key, error)  # noqa: TRY400 - known
            continue
        except ScannerUnavailable as error:
            log.warning("files wait for the scanner: %s", error)
            break
        row = db.session.get_one(Attachment, key)
        row.scan = Scan.CLEAN if clean else Scan.INFECTED
        if not clean:
            log.error("the scanner refused file %s", row.id)
            _enter_refused(row)
        db.session.commit()
        done += 1
    return done


def _enter_refused(row: Attachment) -> None:
    """Enter for whom it matters that a file they have is refused."""
    home = db.session.get(TraceRequest, row.request_id) if row.request_id else None
    _enter(
        Kind.ATTACHMENT_REFUSED,
        [row],
        None,
        about=home.reference if home is not None else "",
        parties=parties_of(home) if home is not None else (row.authority_id,),
    )


def clean_up(*, now: datetime | None = None) -> int:
    """Let go of unsaved files, then of every content that no file names."""
    at = now or utcnow()
    forgotten = db.session.scalars(
        select(Attachment)
        .where(
            Attachment.request_id.is_(None),
            Attachment.removed_at.is_(None),
            Attachment.uploaded_at < at - KEPT_FOR_A_FORM,
        )
        # One that a form is taking at this moment is not forgotten.
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for row in forgotten:
        row.removed_at = at
    gone = db.session.scalars(
        select(Attachment).where(
            Attachment.removed_at.is_not(None), Attachment.stored.is_not(None)
        )
    )
    for row in gone:
        row.stored = row.thumbnail = None
    for owner in sorted({row.authority_id for row in forgotten}):
        theirs = [row for row in forgotten if row.authority_id == owner]
        _enter(Kind.ATTACHMENT_REMOVED, theirs, None, parties=(owner,))
    db.session.commit()
    crash.at("file.forgotten")
    store, removed = _store(), 0
    old = [name for name, since in store.kept() if since < at - AGE_OF_ORPHANS]
    for start in range(0, len(old), 500):
        some = old[start : start + 500]
        for name in set(some) - _named(some):
            store.remove(name)
            crash.at("file.removed")
            removed += 1
    db.session.rollback()
    return removed


def let_go(names: Sequence[str]) -> None:
    """Remove contents that no file names any more: of a request that was erased."""
    still = _named(names)
    db.session.rollback()
    for name in names:
        if name not in still:
            _store().remove(name)


def _named(names: Iterable[str]) -> set[str]:
    """Return which of these names a file has."""
    rows = db.session.scalars(
        select(Attachment)
        .where(or_(Attachment.stored.in_(names), Attachment.thumbnail.in_(names)))
        .options(load_only(Attachment.stored, Attachment.thumbnail))
    )
    return {name for row in rows for name in (row.stored, row.thumbnail) if name}
