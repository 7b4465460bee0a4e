"""A document that comes in: who vouches for it, and the draft that is made of it.

What a file says is believed in nothing: it goes through the form's own schemas, as if
somebody had typed it, and what its sender does not permit to pass on stays out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import ValidationError

from tracing.casework import requesting, sections
from tracing.directory import entries
from tracing.exchange import exporting, files, signing
from tracing.exchange.document import REQUEST, Unfit, faults_of, plain
from tracing.exchange.signing import Standing, Verdict
from tracing.extensions import db
from tracing.models import Authority
from tracing.schemas.request import SECTIONS
from workflows import restrictions
from workflows.errors import RestrictionHolds
from workflows.facts import Restriction
from workflows.policies import Actor
from workflows.restrictions import Fate
from workflows.vocabulary import N_, HandlingCode, InformationItem, Use


class NotVouched(Exception):
    """Nobody who is known vouches for the file, and nobody took that on."""

    def __init__(self, verdict: Verdict) -> None:
        """Keep how the file stands."""
        super().__init__(verdict.standing.value)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Left:
    """What did not come along, and why: a label and words, both message ids."""

    label: str
    words: str


@dataclass(slots=True)
class Received:
    """What came of a file."""

    reference: str
    verdict: Verdict
    left: list[Left] = field(default_factory=list)


def look_at(body: bytes) -> tuple[dict[str, Any], Verdict]:
    """Return what a file says, and who vouches for it."""
    said = files.read(body)
    known = signing.known_keys(exporting.settings())
    return said, signing.verdict(said, known)


def receive(
    body: bytes,
    actor: Actor,
    *,
    form_key: str,
    unvouched: bool = False,
    now: datetime | None = None,
) -> Received:
    """Make a draft of a file: changed ones never, others if somebody answers for them."""
    requesting.require_filing(actor)
    said, verdict = look_at(body)
    if verdict.standing is Standing.BROKEN:
        raise NotVouched(verdict)
    if not verdict.standing.is_vouched and not unvouched:
        raise NotVouched(verdict)
    said = plain(said)
    if said["kind"] != REQUEST:
        raise Unfit([("kind", N_("This is an answer: a draft is made of a request"))])
    at = now or datetime.now(UTC)
    data, left = _loaded(said, at.date(), _own_code(actor))
    _address(data, left, said, actor)
    vouched = {"signature": verdict.standing.value, "key": verdict.kid}
    reference = requesting.draft(
        actor,
        data,
        form_key=form_key,
        now=now,
        imported={"request": said["request"]["reference"], **vouched},
    )
    return Received(reference, verdict, left)


def _own_code(actor: Actor) -> str:
    return db.session.get_one(Authority, actor.authority_id).code


def _loaded(
    said: Mapping[str, Any], today: date, own: str
) -> tuple[dict[str, dict[str, Any]], list[Left]]:
    """Return the sections as the form would load them, and what was left out."""
    given: dict[str, Any] = dict(said["request"].get("sections", {}))
    left: list[Left] = []
    if said["request"]["requesting"]["code"] != own:
        _keep_out(given, left)
    data: dict[str, dict[str, Any]] = {}
    wrong: dict[str, Any] = {}
    for key, _schema_class in SECTIONS:
        schema = sections.schema_of(key, today)
        values = dict(given.get(key, {}))
        try:
            data[key] = schema.load(values, partial=True)
        except ValidationError as error:
            late = _outlived(error.messages, left, schema)
            if not late:
                wrong[key] = error.messages
                continue
            kept = {k: v for k, v in values.items() if k not in late}
            data[key] = schema.load(kept, partial=True)
    if wrong:
        raise Unfit(faults_of(wrong))
    return data, left


DATES = frozenset({"requested_by"})
"""What was right when the file was written, and need not be so any more."""


def _outlived(messages: Any, left: list[Left], schema: Any) -> frozenset[str]:
    if not isinstance(messages, Mapping) or set(messages) - DATES:
        return frozenset()
    for name in messages:
        label = str(schema.fields[name].metadata["label"])
        left.append(Left(label, messages[name][0]))
    return frozenset(messages) | {f"{name}_reason" for name in messages}


def _keep_out(given: dict[str, Any], left: list[Left]) -> None:
    """Keep out what another State does not permit to pass on (FP 12(5), UNTOC 18(19))."""
    limits = _limits(given.get("basis", {}))
    for item in (InformationItem.TEXT, InformationItem.PERSONS):
        restriction = restrictions.on(item, limits)
        if restrictions.fate(restriction, Use.ONWARD) is not Fate.ASKS:
            continue
        if item is InformationItem.TEXT:
            raise RestrictionHolds(item.label, restriction.handling.value)
        if given.pop("persons", None):
            words = N_("The State that named them does not permit to pass them on.")
            left.append(Left(item.label, words))


def _limits(basis: Mapping[str, Any]) -> tuple[Restriction, ...]:
    """Return what the sender restricts; what cannot be read restricts nothing less."""
    whole = _restriction(
        InformationItem.WHOLE, basis.get("handling"), basis.get("handling_text"), ()
    )
    rows = (
        _restriction(
            InformationItem(row["item"]),
            row.get("handling"),
            row.get("text"),
            row.get("allows", ()),
        )
        for row in basis.get("item_restrictions", ())
    )
    return (whole, *rows)


def _restriction(
    item: InformationItem, code: str | None, text: str | None, allows: Any
) -> Restriction:
    handling = HandlingCode(code) if code else HandlingCode.H0
    words = text or ("…" if handling.needs_text else "")
    return Restriction(item, handling, words, tuple(map(Use, allows)))


def _address(
    data: dict[str, dict[str, Any]],
    left: list[Left],
    said: Mapping[str, Any],
    actor: Actor,
) -> None:
    """Address the draft to the authority of that code, if one may ask it."""
    code = said["request"].get("requested", {}).get("code")
    found = entries.get(code) if code else None
    if found is not None and found.accepts_requests and found.id != actor.authority_id:
        data.setdefault("header", {})["requested_id"] = found.id
    elif code:
        words = N_("Choose whom to ask: this authority cannot be asked from here.")
        left.append(Left(N_("Where to send"), words))
