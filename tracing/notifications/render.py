"""A row of the outbox in words: the subject, a text and a page, in one language."""

import re
from datetime import date, datetime
from email.utils import parseaddr
from typing import Any, Final

from babel import Locale
from flask import current_app
from flask_babel import format_date, format_datetime, gettext
from markupsafe import Markup

from tracing.models import OutboxMessage
from tracing.notifications.compose import URGENT
from tracing.ports import Envelope
from tracing.security import tokens
from tracing.words import in_language

ISOLATE: Final = "\u2066"
END_ISOLATE: Final = "\u2069"


def _left_to_right(number: str, direction: str) -> str:
    # After Arabic letters the parts of 2026-0041732K would change places.
    return f"{ISOLATE}{number}{END_ISOLATE}" if direction == "rtl" else number


def _due(facts: dict[str, Any], language: str) -> str:
    """Return the day in words; a limit of hours names the minute, in UTC."""
    pattern = "d MMMM y" if language == "en" else "long"
    if "at" in facts:
        at = datetime.fromisoformat(facts["at"])
        return str(
            gettext(
                "%(date)s, %(time)s UTC",
                date=format_date(at.date(), pattern),
                time=format_datetime(at, "HH:mm", rebase=False),
            )
        )
    if "due" in facts:
        return str(format_date(date.fromisoformat(facts["due"]), pattern))
    return ""


def _path(message: OutboxMessage) -> str:
    """Return where the link leads; its token is made here and stored nowhere."""
    path, salt = str(message.facts["path"]), message.facts.get("salt")
    if salt is None:
        return path
    secret = str(current_app.config["SECRET_KEY"])
    return path + tokens.derive(secret, message.event, str(salt))


def _rendered(name: str, words: dict[str, object]) -> str:
    # Not render_template: what pages add for the signed-in person is not for mail.
    return current_app.jinja_env.get_template(f"emails/{name}").render(**words)


def render(message: OutboxMessage, site: str, mail_from: str) -> Envelope:
    """Return the message ready to go, in the language of its recipient."""
    facts = message.facts
    direction = Locale.parse(message.language).text_direction
    request_number = facts.get("number", "")
    plain = _left_to_right(request_number, direction)
    with in_language(message.language):
        words: dict[str, object] = {
            "number": plain,
            "due": _due(facts, message.language),
            "deadline": facts.get("deadline", "answer"),
            "reminder": facts.get("reminder", ""),
            "news": facts.get("news", ""),
            "count": facts.get("count", 0),
            "urgent": message.event in URGENT,
            "link": site.rstrip("/") + _path(message),
            "lang": message.language,
            "dir": direction,
        }
        # The subject is read by whoever sees the screen or the server of the mail.
        quiet = bool(facts.get("quiet"))
        folder = "quiet" if quiet else message.event
        subject = " ".join(_rendered(f"{folder}/subject.txt", words).split())
        text = _rendered(f"{message.event}/body.txt", words)
        number = Markup('<bdi dir="ltr" translate="no">{}</bdi>')
        shown = words | {"number": number.format(request_number), "subject": subject}
        html = _rendered(f"{message.event}/body.html", shown)
    domain = parseaddr(mail_from)[1].rpartition("@")[2]
    return Envelope(
        message_id=message.message_id,
        recipient=message.recipient,
        subject=subject,
        text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n",
        html=html,
        language=message.language,
        thread=f"<{request_number}@{domain}>" if request_number and not quiet else "",
        headers={"List-Id": f"<trace-requests.{domain}>"},
    )
