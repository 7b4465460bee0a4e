"""A request on paper: its fields in the order of the forms that authorities know.

The order is that of ATF F 3312.1, page 1, whose parts national forms follow; what that
form does not ask comes after it.
"""

from typing import Any, Final

from tracing.casework import sections
from tracing.models import TraceRequest
from tracing.schemas.fields import Section
from tracing.web import shown
from tracing.web.context import country, day, said
from tracing.words import _
from workflows.states import Trigger
from workflows.vocabulary import N_, PersonRole

PERSONS: Final = "persons"
POSSESSOR: Final = "persons.possessor"
OTHERS: Final = "persons.others"

ORDER: Final = (
    (
        N_("Initiation"),
        (
            *("header.urgency", "header.urgency_reason", "header.requested_by"),
            *("header.requested_by_reason", "basis.special_procedure"),
            *("header.trace_goal", "header.language"),
        ),
    ),
    (
        N_("Offence"),
        (
            *("basis.offence", "find.linked_offences", "basis.legal_basis"),
            *("basis.legal_basis_text", "basis.illicit_limbs", "basis.illicit_reason"),
        ),
    ),
    (
        N_("Authorities"),
        (
            *("header.requested_id", "header.routing_basis"),
            *("header.own_case_number", "header.officer_phone"),
        ),
    ),
    (
        N_("Firearm"),
        (
            *("markings.serial", "markings.serial_component", "markings.serial_place"),
            *("item.make", "item.kind", "item.firearm_type", "item.part"),
            *("item.calibre", "item.model", "item.country_of_manufacture"),
            *("item.place_of_manufacture", "item.year", "item.importer_name"),
            *("item.import_country", "item.import_year", "markings.marks"),
            *("item.condition", "item.firing_action", "item.barrel_length_mm"),
            *("item.finish", "item.capacity", "item.headstamp", "item.lot_number"),
            "item.quantity",
        ),
    ),
    (N_("Possessor"), (POSSESSOR,)),
    (N_("Associates and other persons"), (OTHERS,)),
    (
        N_("Recovery"),
        (
            *("find.found_on", "find.found_time", "find.place", "find.place_type"),
            *("find.latitude", "find.longitude", "find.mode"),
            *("find.legal_justification", "find.seizure_number"),
            *("find.circumstances", "find.origin", "find.dispatch", "find.transit"),
            *("find.destination", "find.transport_mode"),
            "find.transport_registration",
        ),
    ),
    (
        N_("Serial number that was removed or restored"),
        (
            *("markings.serial_status", "markings.restoration_method"),
            "markings.restoration_note",
        ),
    ),
    (
        N_("Facts and purpose"),
        (
            *("basis.facts_summary", "basis.purpose", "basis.assistance_sought"),
            *("domestic.domestic_searches", "domestic.domestic_override"),
            "domestic.domestic_override_text",
        ),
    ),
    (
        N_("Confidentiality and restrictions"),
        (
            *("basis.confidentiality_guaranteed", "basis.confidentiality_reason"),
            *("basis.keep_request_confidential", "basis.restrictions_asked"),
            *("basis.handling", "basis.handling_text", "basis.item_restrictions"),
        ),
    ),
)
"""Each part of the paper, and the fields of the form that stand in it."""


def parts(found: TraceRequest) -> list[dict[str, Any]]:
    """Return the parts of the paper, numbered, with what each says."""
    typed = sections.typed(found)
    drawn = []
    for number, (title, names) in enumerate(ORDER, 1):
        rows, nested = _own_rows(found, title), []
        for name in names:
            key, _dot, field = name.partition(".")
            if key == PERSONS:
                nested += _persons(typed[PERSONS], possessors=name == POSSESSOR)
                continue
            value = typed[key].get(field)
            if value in (None, "", ()) or value == []:
                continue
            schema = sections.schema_of(key)
            if isinstance(value, list) and isinstance(value[0], dict):
                nested += [
                    shown.row_of(shown.SCHEMA_OF_ROWS[field], row) for row in value
                ]
            else:
                rows.append(_row(found, schema, field, value))
        drawn.append(
            {"number": number, "title": said(title), "rows": rows, "nested": nested}
        )
    return drawn


def _row(found: TraceRequest, schema: Section, name: str, value: Any) -> dict[str, Any]:
    if name == "requested_id":
        value = _authority(found.requested)
    return shown.row_of(schema, {name: value})[0]


def _persons(values: dict[str, Any], *, possessors: bool) -> list[list[dict[str, Any]]]:
    schema = shown.SCHEMA_OF_ROWS[PERSONS]
    return [
        shown.row_of(schema, person)
        for person in values.get(PERSONS, ())
        if (person["role"] is PersonRole.POSSESSOR) is possessors
    ]


def _own_rows(found: TraceRequest, title: str) -> list[dict[str, Any]]:
    """Return what the record says besides the form."""
    match title:
        case "Initiation":
            sent = next((e for e in found.events if e.trigger is Trigger.SUBMIT), None)
            at = day(sent.at, found.requesting.zone) if sent else _("Not sent yet")
            return [_said(_("Date of the request"), at)]
        case "Authorities":
            officer = found.filed_by.name if found.filed_by else ""
            contact = (found.requesting.email, found.requesting.phone)
            rows = [
                (_("Requesting authority"), _authority(found.requesting)),
                (_("Unit"), found.requesting.unit),
                (_("Address"), found.requesting.address),
                (_("How to reach it"), _(", ").join(filter(None, contact))),
                (_("Officer"), officer),
            ]
            return [_said(label, value) for label, value in rows if value]
        case _:
            return []


def _authority(authority: Any) -> str:
    if authority is None:
        return ""
    return f"{authority.name} ({country(authority.country)})"


def _said(label: str, value: str) -> dict[str, Any]:
    return {"label": label, "value": value, "mark": False}
