"""Steps that ask for a factor shown a short while ago."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from tracing.accounts import sessions
from tracing.web.addresses import inside
from tracing.words import _

P = ParamSpec("P")
R = TypeVar("R")
MINUTES: Final = 10


def recent_factor(
    minutes: int = MINUTES,
) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Ask for a factor first when the last one is older than that."""

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            return _confirm_first(minutes) or view(*args, **kwargs)

        marked: Any = guarded
        marked.recent_factor = minutes
        return guarded

    return decorate


def _confirm_first(minutes: int) -> Response | None:
    held = sessions.signed_in()
    if held is not None and sessions.is_recent(held, minutes, sessions.utc_now()):
        return None
    if request.method == "GET":
        back = request.full_path.rstrip("?")
    else:
        back = inside(request.form.get("back", "/account"), "/account")
        flash(
            _("Nothing was changed yet. Show that it is you, then send it again."),
            "warn",
        )
    return redirect(url_for("signing.confirm", next=back), 303)
