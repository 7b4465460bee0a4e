"""The content of files, handed out as what it is and nothing that can act."""

from io import BytesIO

from flask import Blueprint, request, send_file
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from tracing.accounts.actors import current_actor
from tracing.casework import attachments
from tracing.files.checking import ENDINGS
from tracing.models import Attachment, FileKind, TraceRequest
from tracing.security.headers import SANDBOX
from workflows.policies import CASE_ROLES, Actor

files = Blueprint("files", __name__, url_prefix="/files")
BLUEPRINTS = (files,)


def _actor() -> Actor:
    actor = current_actor()
    if actor is None or actor.roles.isdisjoint(CASE_ROLES):
        raise Forbidden
    return actor


@files.get("/<token>")
def show(token: str) -> Response:
    """Hand out a file: a picture of ours to look at, anything else to save."""
    actor = _actor()
    found, home = attachments.by_token(token, actor)
    saved = found.kind is not FileKind.PHOTOGRAPH or "download" in request.args
    content = attachments.opened(found, home, actor, saved=saved)
    return answer_of(found, home, content, saved=saved)


def answer_of(
    found: Attachment, home: TraceRequest | None, content: bytes, *, saved: bool
) -> Response:
    """Return a file as it goes out, whoever asked for it."""
    name = _name_of(found, home.reference if home else "")
    return _answer(content, found.media_type, name=name, saved=saved)


@files.get("/<token>/small")
def small(token: str) -> Response:
    """Hand out the small picture of a photograph."""
    found, home = attachments.by_token(token, _actor())
    content = attachments.content_of(found, small=True)
    name = _name_of(found, home.reference if home else "")
    return _answer(content, "image/jpeg", name=name, saved=False)


def _name_of(found: Attachment, reference: str) -> str:
    """Return a name to save under: one that no system takes for a device.

    The fingerprint tells files apart; a number of the row would count those of all.
    """
    parts = (reference or "file", found.sha256[:8], found.title)
    return "-".join(filter(None, parts)) + ENDINGS[found.media_type]


def _answer(content: bytes, media_type: str, *, name: str, saved: bool) -> Response:
    answer = send_file(
        BytesIO(content),
        media_type,
        as_attachment=saved,
        download_name=name,
        conditional=True,
        etag=False,
    )
    if not saved:
        answer.headers["Content-Disposition"] = "inline"
    answer.headers["Content-Security-Policy"] = SANDBOX
    return answer
