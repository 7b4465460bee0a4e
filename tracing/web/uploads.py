"""Files that come with a form: kept at once, shown again with the form.

Each marking of the form has a place for its photographs, and the request one for the
rest. A place is `serial`, `marks-2` or nothing; the form carries along, by a hidden
field at each place, which files stand there, so that they follow their row.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import IO, Any, Final

from flask import Flask, Request, current_app, request
from marshmallow import Schema
from werkzeug.datastructures import FileStorage

from tracing.accounts.actors import current_actor
from tracing.casework import attachments, sections
from tracing.casework.attachments import Given
from tracing.casework.session import give_up
from tracing.config import Settings
from tracing.faults import FileRefused
from tracing.files.checking import MEGABYTE
from tracing.models import Attachment, TraceRequest
from tracing.ports import StoreFull
from tracing.web import forms
from tracing.web.photos import all_attached
from tracing.words import _
from workflows.policies import Actor

TAKING: Final = frozenset({"drafts.create", "drafts.save", "requests.take"})
"""The forms that may bring files, and so be larger than others."""

IMPORTING: Final = "imports.choose"
"""The form that brings a file of records, which may be larger still."""

READ: Final = 4
"""How many times as much is read, to save the text, before nothing is read at all."""

SECTION: Final = "files"
MARKINGS: Final = "markings"
ROWS: Final = f"{MARKINGS}-marks"
PHOTO: Final = "-photo"
FILE: Final = "-file"
PLACED: Final = re.compile(r"markings-(serial|marks-[0-9]{1,4})|files")
ACCEPTED: Final = ".jpg,.jpeg,.png,.pdf"


def _settings() -> Settings:
    settings: Settings = current_app.extensions["tracing.settings"]
    return settings


class Nowhere(BytesIO):
    """Takes what is written and keeps nothing of it."""

    def write(self, data: Any, /) -> int:
        """Say that it was taken."""
        return len(data)


class FormRequest(Request):
    """A request that can let go of its files, so that the text beside them is read."""

    lets_go = False

    def _get_file_stream(self, *given: Any, **named: Any) -> IO[bytes]:
        if self.lets_go:
            return Nowhere()
        return super()._get_file_stream(*given, **named)


def _lets_go() -> bool:
    return isinstance(request, FormRequest) and request.lets_go


def init_app(app: Flask) -> None:
    """Let these forms of people who are signed in be as large as files are.

    Beyond that the files are let go of and the text is kept: who sent too much does not
    type it again.
    """
    app.request_class = FormRequest

    @app.before_request
    def _more() -> None:
        if request.endpoint == IMPORTING and current_actor() is not None:
            request.max_content_length = _settings().max_import_bytes + MEGABYTE
            give_up()
            return
        # A form without files needs no more than any other.
        brings_files = request.mimetype == "multipart/form-data"
        if request.endpoint not in TAKING or not brings_files:
            return
        if current_actor() is not None:
            most = _settings().max_upload_bytes
            too_much = (request.content_length or 0) > most
            request.max_content_length = READ * most if too_much else most
            setattr(request, "lets_go", too_much)  # noqa: B010 - of our own class
        # The body may come slowly: nobody waits for it at the database.
        give_up()


@dataclass(slots=True)
class Received:
    """What came with a form: where each file stands, and what is wrong by control."""

    places: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    status: int = 422


def name_of(place: str) -> str:
    """Return the name of the fields at a place, without their endings."""
    return f"{MARKINGS}-{place}" if place else SECTION


def removing() -> bool:
    """Tell whether the button beside a file was pressed."""
    return bool(request.form.get("remove_file"))


def take(actor: Actor, form_key: str, found: TraceRequest | None = None) -> Received:
    """Keep what came with this form, and forget what its sender takes back."""
    received = Received()
    if token := request.form.get("remove_file"):
        attachments.remove(token, actor, form_key=form_key, request=found)
    moved = _moved_rows()
    for key in request.form:
        placed = PLACED.fullmatch(key.removesuffix(FILE).removesuffix(PHOTO))
        if placed is None:
            continue
        if key.endswith(FILE):
            place = moved(placed[1] or "")
            received.places |= dict.fromkeys(request.form.getlist(key), place)
        elif key.endswith(PHOTO) and request.form[key].strip():
            problem = _("The file did not arrive: choose it again")
            received.problems[name_of(moved(placed[1] or "")) + PHOTO] = problem
    if _lets_go():
        received.status = 413
        received.problems[name_of("") + PHOTO] = _(
            "The files together are larger than %(size)s MB, so none of those just"
            " chosen was kept; the text was. Choose fewer or smaller ones at a time",
            size=_settings().max_upload_bytes // MEGABYTE,
        )
        return received
    for key, file in request.files.items(multi=True):
        placed = PLACED.fullmatch(key.removesuffix(PHOTO))
        if placed is not None and key.endswith(PHOTO) and file.filename:
            _keep(received, file, moved(placed[1] or ""), actor, form_key, found)
    return received


def _moved_rows() -> Callable[[str], str]:
    """Return what says where a place is once empty and removed rows are left out."""
    schema = sections.schema_of(MARKINGS)
    nested: Schema = schema.fields["marks"].schema  # type: ignore[attr-defined]
    kept = forms.kept_rows(nested, request.form, ROWS)
    moved = {f"marks-{old}": f"marks-{new}" for new, old in enumerate(kept)}
    return lambda place: "serial" if place == "serial" else moved.get(place, "")


def _keep(
    received: Received,
    file: FileStorage,
    place: str,
    actor: Actor,
    form_key: str,
    found: TraceRequest | None,
) -> None:
    content = file.stream.read(_settings().max_file_bytes + 1)
    given = Given(file.filename or "", content)
    try:
        row = attachments.receive(actor, given, form_key=form_key, request=found)
    except FileRefused as error:
        problem = forms.translated(error.words)
    except StoreFull:
        problem = _("The file could not be stored: try again later")
        received.status = 503
    else:
        received.places[row.token] = place
        return
    received.problems[name_of(place) + PHOTO] = problem


# -------------------------------------------------------------- drawing the form


def with_files(
    drawn: dict[str, list[forms.Control]],
    received: Received,
    actor: Actor,
    form_key: str,
    found: TraceRequest | None,
) -> list[forms.Control]:
    """Put the files to the markings they show; return the controls of the rest."""
    rows = [*attachments.of_form(actor, form_key)]
    if found is not None:
        rows += attachments.of_request(found)
    by_place: dict[str, list[Attachment]] = {}
    for row in rows:
        by_place.setdefault(_place_of(row, received, found), []).append(row)
    markings = []
    for control in drawn[MARKINGS]:
        is_rows = control.name == ROWS
        markings.append(_with_rows(control, by_place, received) if is_rows else control)
        if control.name == f"{MARKINGS}-serial":
            label = _("Photographs of the serial number")
            markings.append(
                _control("serial", label, by_place.pop("serial", []), received)
            )
    drawn[MARKINGS] = markings
    rest = [row for rows in by_place.values() for row in rows]
    label = _("Photographs of the item, and documents")
    return [_control("", label, rest, received)]


def _with_rows(
    group: forms.Control, by_place: dict[str, list[Attachment]], received: Received
) -> forms.Control:
    label = _("Photographs of this mark")
    return replace(
        group,
        group=tuple(
            (
                *row,
                _control(
                    f"marks-{number}",
                    label,
                    by_place.pop(f"marks-{number}", []),
                    received,
                ),
            )
            for number, row in enumerate(group.group)
        ),
    )


def _place_of(row: Attachment, received: Received, found: TraceRequest | None) -> str:
    if row.token in received.places:
        return received.places[row.token]
    return sections.place_of(found.item, row.marking) if found is not None else ""


def for_step(received: Received, actor: Actor, form_key: str) -> list[forms.Control]:
    """Return the control for the files of an answer."""
    rows = [*attachments.of_form(actor, form_key)]
    return [_control("", _("Photographs and documents"), rows, received)]


def _control(
    place: str, label: str, rows: list[Attachment], received: Received
) -> forms.Control:
    name = name_of(place) + PHOTO
    return forms.Control(
        id=name,
        name=name,
        label=label,
        kind="files",
        hint=limits() if not place else "",
        error=received.problems.get(name, ""),
        optional=_("optional"),
        attrs={"accept": ACCEPTED, "carried": name_of(place) + FILE},
        attached=tuple(all_attached(rows, alt=label)),
    )


def limits() -> str:
    """Say what may be sent, before anything is chosen."""
    settings = _settings()
    return _(
        "JPEG, PNG or PDF; at most %(size)s MB a file and %(number)s files in all."
        " What a camera adds to a picture, such as its place, is left out.",
        size=settings.max_file_bytes // MEGABYTE,
        number=settings.max_files,
    )
