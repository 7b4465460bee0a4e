"""What is told to whom when a request changes: rows of the outbox, never mail itself."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from tracing.models import Account, Authority, OutboxMessage, TraceRequest
from workflows.lifecycle import StateChanged
from workflows.states import Party, Trigger

LANGUAGES: Final = ("ar", "zh", "en", "fr", "ru", "es")
"""The six languages of the United Nations: those that mails are written in."""

EVENTS: Final = {
    Trigger.SUBMIT: "submitted",
    Trigger.ACKNOWLEDGE: "acknowledged",
    Trigger.ASK_CLARIFICATION: "question",
    Trigger.CLARIFY: "clarified",
    Trigger.DEFER: "deferred",
    Trigger.RESPOND: "responded",
    Trigger.QUERY_RESPONSE: "queried",
    Trigger.WITHDRAW: "withdrawn",
    Trigger.CLOSE: "closed",
    Trigger.REOPEN: "reopened",
    Trigger.ENQUIRE: "enquiry",
    Trigger.REMIND: "reminder",
    Trigger.ASK_PERMISSION: "permission_asked",
    Trigger.GIVE_PERMISSION: "permission_given",
    Trigger.REFUSE_PERMISSION: "permission_refused",
    Trigger.ANNOUNCE_DISCLOSURE: "disclosure_announced",
    Trigger.RECORD_DISCLOSURE: "disclosed",
    Trigger.CANNOT_KEEP: "cannot_keep",
    Trigger.LIFT_CONFIDENTIALITY: "confidentiality_lifted",
}
"""Steps the other side is told of; a note and a search stay inside one authority."""

DATED: Final = frozenset(
    {
        Trigger.SUBMIT,
        Trigger.ACKNOWLEDGE,
        Trigger.CLARIFY,
        Trigger.DEFER,
        Trigger.QUERY_RESPONSE,
        Trigger.REOPEN,
        Trigger.ENQUIRE,
        Trigger.REMIND,
    }
)
"""Steps after which the answer is what counts next."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address, and the language its reader wants."""

    address: str
    language: str


def language_of_mailbox(authority: Authority) -> str:
    """Return the first language of the authority that we write, else English."""
    return next((code for code in authority.languages if code in LANGUAGES), "en")


def mailbox_of(authority: Authority) -> Recipient:
    """Return the role mailbox; where mail came back from it, the one that is next."""
    return Recipient(authority.mailbox, language_of_mailbox(authority))


def officer(account: Account | None) -> Iterable[Recipient]:
    """Return the officer in charge, if there is one who still works here."""
    if account is None or not account.active or account.machine:
        return ()
    language = account.language if account.language in LANGUAGES else "en"
    return (Recipient(account.email, language),)


def each_once(recipients: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Drop empty addresses, and those that were already named."""
    found: dict[str, Recipient] = {}
    for recipient in recipients:
        if recipient.address:
            found.setdefault(recipient.address.lower(), recipient)
    return tuple(found.values())


URGENT: Final = frozenset({"disclosure_announced", "disclosed", "cannot_keep"})
"""What cannot wait: the subject says so."""

FOR_SUPERVISORS: Final = "for_supervisors"
"""The mail that names no request, for a mailbox that others read as well."""


def recipients_of(request: TraceRequest, party: Party) -> tuple[Recipient, ...]:
    """Return whom to tell on one side: its mailbox, and the officer in charge.

    Of a confidential request the answering side tells only who has it in hand: the
    officer in charge, or else the supervisors (UNTOC 18(20)).
    """
    if party is Party.REQUESTING:
        authority, in_charge = request.requesting, request.filed_by
    elif request.requested is not None:
        authority, in_charge = request.requested, request.assigned_to
        if request.confidential:
            return each_once(officer(in_charge)) or supervisors_of(authority)
    else:
        return ()
    return each_once((mailbox_of(authority), *officer(in_charge)))


def supervisors_of(authority: Authority) -> tuple[Recipient, ...]:
    """Return the supervisors' address, if the authority has named one."""
    if not authority.supervisor_email:
        return ()
    return (Recipient(authority.supervisor_email, language_of_mailbox(authority)),)


def new_message_id(domain: str) -> str:
    """Return a Message-ID; it stays the same on every try."""
    return f"<{secrets.token_hex(16)}@{domain}>"


def facts_of(request: TraceRequest, due: date | None) -> dict[str, Any]:
    """Return all that a mail may know: no State, not even within the link."""
    facts: dict[str, Any] = {
        "number": request.mail_number,
        "path": f"/go/{request.mail_number}",
    }
    if request.confidential:
        facts["quiet"] = True
    return facts if due is None else facts | {"due": due.isoformat()}


SUPERVISORS_ONLY: Final[dict[str, Any]] = {"path": "/queue?view=unassigned"}
"""All that a mail may know of a request when its reader may not."""


def letters_to(
    request: TraceRequest, party: Party, event: str, facts: dict[str, Any]
) -> list[tuple[Recipient, str, dict[str, Any]]]:
    """Return whom to tell what on one side.

    Where the supervisors of a confidential request have no address of their own, the
    mailbox of all learns that there is something for them, and no more.
    """
    found = recipients_of(request, party)
    if not found and party is Party.REQUESTED and request.requested is not None:
        return [(mailbox_of(request.requested), FOR_SUPERVISORS, SUPERVISORS_ONLY)]
    return [(recipient, event, facts) for recipient in found]


def messages_for(
    request: TraceRequest,
    change: StateChanged,
    *,
    answer_due: date | None,
    now: datetime,
    domain: str,
) -> list[OutboxMessage]:
    """Return the messages a step causes; the caller adds them to its transaction."""
    event = EVENTS.get(change.trigger)
    if event is None:
        return []
    facts = facts_of(request, answer_due if change.trigger in DATED else None)
    if change.trigger is Trigger.REMIND:
        facts["reminder"] = "asked"
    by = request.requesting_id
    if change.by is Party.REQUESTED and request.requested_id is not None:
        by = request.requested_id
    return [
        OutboxMessage(
            message_id=new_message_id(domain),
            request_id=request.id,
            authority_id=by,
            event=what,
            recipient=recipient.address,
            language=recipient.language,
            facts=dict(told),
            created_at=now,
            next_at=now,
        )
        for recipient, what, told in letters_to(request, change.by.other, event, facts)
    ]


def hits_met(authority: Authority, *, now: datetime, domain: str) -> OutboxMessage:
    """Return the message that searches elsewhere have met records of an authority."""
    mailbox = mailbox_of(authority)
    return OutboxMessage(
        message_id=new_message_id(domain),
        request_id=None,
        authority_id=authority.id,
        event="hits",
        recipient=mailbox.address,
        language=mailbox.language,
        facts={"path": "/registers/hits"},
        created_at=now,
        next_at=now,
    )


def handed_over(
    request: TraceRequest, account: Account, *, now: datetime, domain: str
) -> list[OutboxMessage]:
    """Return the message to whom a supervisor has put in charge."""
    return [
        OutboxMessage(
            message_id=new_message_id(domain),
            request_id=request.id,
            authority_id=account.authority_id,
            event="assigned",
            recipient=recipient.address,
            language=recipient.language,
            facts=facts_of(request, None),
            created_at=now,
            next_at=now,
        )
        for recipient in officer(account)
    ]
