"""Two authorities, their people, and requests between them, made of nothing else."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from tracing.config import Settings
from tracing.models import (
    Account,
    Authority,
    DueWork,
    Item,
    OutboxMessage,
    Recovery,
    TraceRequest,
)
from workflows.states import State

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
numbers = count(1)


def authority(**given: Any) -> Authority:
    """An authority with a mailbox."""
    number = next(numbers)
    usual = {
        "code": f"A{number}",
        "country": "KE",
        "name": f"Authority {number}",
        "zone": "Africa/Nairobi",
        "languages": ("en",),
        "email": f"office{number}@a{number}.example",
    }
    return Authority(**(usual | given))


def account(of: Authority, **given: Any) -> Account:
    """A person of an authority."""
    number = next(numbers)
    usual = {
        "name": f"Person {number}",
        "email": f"person{number}@people.example",
        "active": True,
        "language": "en",
        "fs_uniquifier": f"u{number}",
    }
    return Account(authority=of, **(usual | given))


def request(session: Session, **given: Any) -> TraceRequest:
    """A request that was sent, with the authorities it needs; flushed."""
    number = next(numbers)
    asking = given.pop("requesting", None) or authority()
    asked = given.pop("requested", None) or authority(country="BR")
    session.add_all((asking, asked))
    session.flush()
    usual = {
        "reference": f"2026-KE-{number:07d}K",
        "year": 2026,
        "number": number,
        "state": State.SUBMITTED,
        "requesting": asking,
        "requested": asked,
        "recovery": Recovery(authority_id=asking.id),
        "item": Item(),
        "created_at": NOW,
        "changed_at": NOW,
        "open": True,
        "awaiting": True,
    }
    made = TraceRequest(**(usual | given))
    session.add(made)
    session.flush()
    return made


def message(of: Authority, **given: Any) -> OutboxMessage:
    """A message that is due."""
    number = next(numbers)
    usual = {
        "message_id": f"<m{number}@tracing.example>",
        "authority_id": of.id,
        "event": "acknowledged",
        "recipient": f"reader{number}@people.example",
        "language": "en",
        "facts": {"number": f"2026-{number:07d}K", "path": f"/go/2026-{number:07d}K"},
        "created_at": NOW,
        "next_at": NOW,
    }
    return OutboxMessage(**(usual | given))


def owed(of: TraceRequest, **given: Any) -> DueWork:
    """A reminder that is owed now."""
    usual = {
        "request_id": of.id,
        "step": "answer:due:-2d",
        "kind": "before",
        "deadline": "answer",
        "deadline_value": datetime(2026, 11, 26, 20, 59, 59, tzinfo=UTC),
        "at": NOW,
    }
    return DueWork(**(usual | given))


def with_mail(settings: Settings, **given: Any) -> Settings:
    """The settings of a test, with a mail server that nobody has started."""
    usual = {
        "smtp_host": "127.0.0.1",
        "smtp_port": 9,
        "smtp_security": "none",
        "mail_from": "tracing@tracing.example",
        "public_url": "https://tracing.example",
    }
    return replace(settings, **(usual | given))
