"""A register that is asked in two steps by JSON: a search, then one record in full.

The shape is ours (docs/protocols/look-ups.openapi.json). Each answer must name the
question it belongs to: one about another case is not understood, whatever it says.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tracing.lookups.http import Client, HttpSettings, Reply
from tracing.lookups.port import (
    Answer,
    Asker,
    Candidate,
    Capability,
    ExternalLookup,
    NotAnswered,
    Notice,
    NotYet,
    Query,
)
from tracing.lookups.replies import Found, Hits, InFull, Trace, loaded
from workflows.vocabulary import LookupOutcome

POLL: Final = 60.0
"""Seconds between two questions about one trace."""


class RegistryHttp(ExternalLookup):
    """A national registry elsewhere: search, and a record with its history."""

    Settings = HttpSettings
    capabilities = frozenset({Capability.DETAIL})

    def __init__(self, settings: HttpSettings, folder: Path) -> None:
        """Prepare the client."""
        super().__init__(settings, folder)
        self.client = Client(settings, folder)

    def search(self, query: Query, purpose: str, asker: Asker) -> Answer:
        """Look for candidates."""
        said = _question(purpose, asker) | {"item": _item(query)}
        reply = self.client.ask("POST", "/searches", said, safe=True)
        found = _belonging(loaded(Found(), reply.said, reply.body), asker, reply)
        sent = found["candidates"]
        whole = found["complete"] and found["total"] == len(sent)
        return Answer(_candidates(sent, reply), whole, reply.body)

    def detail(self, candidate_id: str, purpose: str, asker: Asker) -> Answer:
        """Return one record in full."""
        said = _question(purpose, asker) | {"id": candidate_id}
        reply = self.client.ask("POST", "/records", said, safe=True)
        found = _belonging(loaded(InFull(), reply.said, reply.body), asker, reply)
        if found["record"]["id"] != candidate_id:
            raise _about_another(reply)
        return Answer(_candidates([found["record"]], reply), True, reply.body)

    def check(self) -> None:
        """Ask whether it is there."""
        self.client.ask("GET", "/health", safe=True)


class Iarms(RegistryHttp):
    """A service in the style of INTERPOL's iARMS, whose own interface is not public.

    Records are of firearms stolen, lost, trafficked or smuggled; traces can be asked
    for, and whoever owns a record is told when somebody's search has met it.
    """

    capabilities = frozenset(
        {Capability.DETAIL, Capability.SUBMIT_TRACE, Capability.NOTICES}
    )

    def submit_trace(self, query: Query, purpose: str, asker: Asker) -> str:
        """Ask for a trace; the key makes two of them one."""
        said = _question(purpose, asker) | {"item": _item(query)}
        key = {"Idempotency-Key": asker.key}
        reply = self.client.ask("POST", "/traces", said, safe=False, headers=key)
        found = _belonging(loaded(Trace(), reply.said, reply.body), asker, reply)
        return str(found["trace_id"])

    def poll(self, reference: str, asker: Asker) -> Answer:
        """Return what the trace has brought, once it is answered."""
        path = f"/traces/{quote(reference, safe='')}"
        reply = self.client.ask("GET", path, safe=True)
        found = _belonging(loaded(Trace(), reply.said, reply.body), asker, reply)
        if found["trace_id"] != reference:
            raise _about_another(reply)
        if found["status"] == "pending":
            raise NotYet(POLL, reference)
        whole = found["status"] == "answered"
        return Answer(_candidates(found["records"], reply), whole, reply.body)

    def notices(self, since: str) -> tuple[Notice, ...]:
        """Return the hits on our records after a notice."""
        said = {"since": since}
        reply = self.client.ask("POST", "/hits", said, safe=True)
        hits = loaded(Hits(), reply.said, reply.body)["hits"]
        return tuple(
            Notice(
                *(hit["id"], hit["record_id"], hit["searched_by"], hit["at"]),
                hit["owner"],
            )
            for hit in hits
        )


def _item(query: Query) -> dict[str, Any]:
    """Return the item as it was agreed: further serial numbers are among the marks."""
    return {name: v for name, v in query.plain().items() if name != "serials"}


def _question(purpose: str, asker: Asker) -> dict[str, Any]:
    return {
        "query_id": asker.key,
        "authority": asker.authority,
        "officer": asker.officer,
        "purpose": purpose,
    }


def _belonging(found: dict[str, Any], asker: Asker, reply: Reply) -> dict[str, Any]:
    if found["query_id"] != asker.key:
        raise _about_another(reply)
    return found


def _about_another(reply: Reply) -> NotAnswered:
    why = "The answer is about another question."
    return NotAnswered(LookupOutcome.NOT_UNDERSTOOD, why, raw=reply.body)


def _candidates(
    rows: Iterable[Mapping[str, Any]], reply: Reply
) -> tuple[Candidate, ...]:
    """Return the candidates, each once; two that differ under one name are a fault."""
    found: dict[str, Candidate] = {}
    for row in rows:
        one = Candidate(
            row["id"], row["summary"], row["kind"], row["owner"], row["fields_"]
        )
        if found.setdefault(one.id, one) != one:
            why = "The answer has two records under one name."
            raise NotAnswered(LookupOutcome.NOT_UNDERSTOOD, why, raw=reply.body)
    return tuple(found.values())
