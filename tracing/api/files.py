"""Photographs and documents, as the bytes that they are."""

from typing import Any

from werkzeug.wrappers import Response

from tracing.accounts.tokens import Scope
from tracing.api import bodies, door, shapes
from tracing.api.operations import Operation, Said, form_key, group, operation
from tracing.casework import attachments, queries, reading
from tracing.casework.attachments import Given
from tracing.casework.session import give_up
from tracing.models import Attachment
from tracing.security.programs import ROOT
from tracing.web.files import answer_of
from workflows import policies
from workflows.errors import NotPermitted, TransitionNotAllowed
from workflows.states import State

api = group("files", "Files", "Photographs and documents, as bytes: JPEG, PNG or PDF.")


def file_of(row: Attachment) -> dict[str, Any]:
    """Return what there is to know of a file."""
    return {
        "token": row.token,
        "kind": row.kind.value,
        "title": row.title,
        "media_type": row.media_type,
        "size": row.size,
        "sha256": row.sha256,
        "scan": row.scan.value,
        "marking": row.marking,
        "uploaded_at": row.uploaded_at,
        "href": f"{ROOT}/files/{row.token}",
    }


def _most() -> int:
    return door.settings().max_file_bytes


@operation(
    api,
    "/requests/<reference>/files",
    "GET",
    Operation(Scope.READ, shapes.FilesSchema),
)
def files_list(reference: str) -> dict[str, Any]:
    """List the files of a request; the journal keeps that it was read."""
    actor = door.case_actor()
    found = queries.by_reference(reference, actor)
    # What a file is called may name somebody.
    reading.opened(found, actor)
    return {"items": [file_of(row) for row in attachments.of_request(found)]}


@operation(
    api,
    "/requests/<reference>/files",
    "POST",
    Operation(
        Scope.WRITE,
        shapes.FileSchema,
        status=201,
        query=shapes.UploadQuery,
        acts=True,
        raw_in="application/octet-stream",
        most_bytes=_most,
    ),
)
def files_add(reference: str, asked: dict[str, Any]) -> Said:
    """Add a file to a draft, or keep it for a step that names the same `files`."""
    actor = door.case_actor()
    found = queries.by_reference(reference, actor)
    if not (policies.may_file(actor) or policies.may_answer(actor)):
        raise NotPermitted("Your role does not allow this; the role investigator does.")
    waits = asked.get("files", "")
    if not waits and found.state is not State.DRAFT:
        raise TransitionNotAllowed("Only a draft can be changed; this one is sent.")
    home = None if waits else found
    given = Given(asked["name"], bodies.raw(_most()))
    kept = attachments.receive(actor, given, form_key=waits or form_key(), request=home)
    said = file_of(kept)
    give_up()
    return Said(said, 201, {"Location": said["href"]})


@operation(
    api,
    "/files/<token>",
    "GET",
    Operation(Scope.READ, raw_out=True),
)
def files_show(token: str) -> Response:
    """Read a file; the journal keeps that it was read."""
    actor = door.case_actor()
    found, home = attachments.by_token(token, actor)
    content = attachments.opened(found, home, actor, saved=True)
    return answer_of(found, home, content, saved=True)
