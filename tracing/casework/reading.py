"""Reads that are kept: who has seen a request, before it is shown."""

from tracing.casework.apply import parties_of
from tracing.casework.session import give_up
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import RequestEvent, TraceRequest
from workflows.policies import Actor
from workflows.states import Trigger


def opened(request: TraceRequest, actor: Actor, *, after_refusal: bool = False) -> None:
    """Keep that somebody opens a request, with the persons in it.

    After a refused change its transaction is let go of first: nothing was done in it,
    and the one writer of SQLite would wait for itself.
    """
    about, parties = request.reference, parties_of(request)
    said = {"persons": [person.id for person in request.persons]}
    if after_refusal:
        give_up()
    journal.read(Kind.READ, actor, about=about, parties=parties, payload=said)


def history_for(request: TraceRequest, actor: Actor) -> list[RequestEvent]:
    """Return the steps an actor may see; a note is its own authority's alone."""
    return [
        event
        for event in request.events
        if event.trigger is not Trigger.NOTE or event.authority_id == actor.authority_id
    ]


def journal_opened(actor: Actor, *, reference: str = "", **wanted: object) -> None:
    """Keep that somebody looks into the journal, and what was looked for.

    `reference` is of a request that the reader may see; what was typed into a filter
    is no such thing, and stands in the payload.
    """
    journal.read(Kind.JOURNAL_READ, actor, about=reference, payload=wanted)


def journal_exported(actor: Actor) -> None:
    """Keep that somebody takes the journal of the own authority along."""
    journal.read(Kind.JOURNAL_EXPORTED, actor)
