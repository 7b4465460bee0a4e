"""What leaves the service: all that may, nothing that is restricted, and it is entered."""

import csv
import io
import json
from datetime import UTC, datetime

import jsonschema
import pytest

from tests import factories
from tests.factories import limited
from tests.visitors import hidden, signed_in
from tracing.casework import queries, requested
from tracing.exchange import exporting, files, json_schema, niem, signing, tables
from tracing.exchange.document import RESPONSE
from tracing.exchange.exporting import Form
from tracing.exchange.signing import Standing
from tracing.schemas.request import SECTIONS
from tracing.web import printed
from workflows.facts import Permission, PermissionRequest
from workflows.policies import Role
from workflows.restrictions import TABLE, Fate
from workflows.states import Trigger
from workflows.vocabulary import Access, HandlingCode, InformationItem, Use

T = Trigger
ANSWERED = (T.SUBMIT, T.ACKNOWLEDGE, T.RECORD_SEARCH)
SCHEMA = json_schema.whole()


def step(said, name):
    """What the file says of a step."""
    return next(event for event in said["events"] if event["step"] == name)


def answered(of, **given):
    """A request with an answer that names another State."""
    made = factories.after(of, *ANSWERED)
    answer = factories.exported(of.asking, text="Nothing more is known.", **given)
    return factories.take(of, made, T.RESPOND, answer)


def asked_for_export(of, request, *items):
    """The same, once its export was asked for and permitted."""
    fact = PermissionRequest(Use.EXPORT, items, "A trial.")
    made = factories.take(
        of, request, T.ASK_PERMISSION, fact, actor=of.actor(T.CLARIFY)
    )
    position = factories.last_event(made).position
    return factories.take(of, made, T.GIVE_PERMISSION, Permission(position))


def test_a_file_fits_the_published_schema_is_signed_and_says_the_same_as_xml(
    app, of, taken
):
    made = factories.take(of, answered(of), T.CLOSE)
    said = taken(made, of.investigator)
    jsonschema.validate(said, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert [event["step"] for event in said["events"]][-1] == "close"
    assert said["request"]["sections"]["persons"]["persons"][0]["given_name"] == "Ewa"
    assert "requested_id" not in said["request"]["sections"]["header"]
    assert said["request"]["requested"]["code"] == of.asked.code
    known = signing.known_keys(exporting.settings())
    assert signing.verdict(said, known).standing is Standing.OWN
    assert files.read(niem.write(said)) == said


def test_every_step_of_a_history_has_its_place_in_the_format(of, taken):
    for trigger in (*T,):
        if trigger in (T.SUBMIT, T.NOTE):
            continue
        made = factories.take(of, factories.ready_for(of, trigger), trigger)
        said = taken(made, of.investigator)
        jsonschema.validate(said, SCHEMA, cls=jsonschema.Draft202012Validator)
        assert files.read(niem.write(said)) == said
        assert said["events"][-1]["step"] == trigger.value


def test_a_request_leaves_though_its_receipt_says_how_it_is_reached(of, taken):
    made = factories.sent(of)
    officer = of.actor(T.ACKNOWLEDGE)
    requested.acknowledge(made.reference, officer, access=Access.DIRECT)
    said = taken(made, of.investigator)
    assert "acknowledge" not in step(said, "acknowledge")
    jsonschema.validate(said, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_a_note_stays_in_its_authority(of, taken):
    made = factories.take(of, factories.sent(of), T.NOTE)
    assert [e["step"] for e in taken(made, of.officer)["events"]] == ["submit"]


def test_an_answer_leaves_without_the_request(of, taken):
    said = taken(answered(of), of.investigator, kind=RESPONSE)
    assert step(said, "respond")["respond"]["consignee"] == "Example Imports"
    assert "sections" not in said["request"]
    assert "Exampleson" not in json.dumps(said)


@pytest.mark.parametrize("code", ["H2", "H3"])
def test_what_the_answer_restricts_stays_until_its_export_is_permitted(of, taken, code):
    limits = (limited("TRANSFERS", code, "Ask us."),)
    made = answered(of, items=limits)
    said = step(taken(made, of.investigator), "respond")
    assert said["withheld"] == [{"item": "TRANSFERS", "handling": code}]
    assert not {"outcome", "chain", "onward_state"} & said["respond"].keys()
    assert said["respond"]["text"] == "Nothing more is known."
    assert said["respond"]["items"][0]["handling"] == code
    assert step(taken(made, of.officer), "respond")["respond"]["onward_state"]
    made = asked_for_export(of, made, InformationItem.TRANSFERS)
    after = step(taken(made, of.investigator), "respond")
    assert after["respond"]["onward_state"] == of.asking.country
    assert "withheld" not in after


def test_of_a_wholly_restricted_answer_only_its_limits_leave(of, taken):
    made = answered(of, handling=HandlingCode.H2)
    said = step(taken(made, of.investigator), "respond")["respond"]
    assert said == {"handling": "H2"}


def test_who_is_asked_takes_a_restricted_request_without_what_is_kept(of, taken):
    made = factories.sent(of, basis_handling="H2")
    said = taken(made, of.officer)
    assert said["request"]["sections"] == {"basis": {"handling": "H2"}}
    assert {one["item"] for one in said["withheld"]} == {"PERSONS", "TEXT"}
    assert "submit" not in step(said, "submit")
    for secret in ("Exampleson", "Kibera", "licence", "CASE-17"):
        assert secret not in json.dumps(said)
    assert taken(made, of.investigator)["request"]["sections"]["item"]["make"]


def test_persons_alone_can_be_kept(of, taken):
    rows = {
        "basis_item_restrictions-0-item": "PERSONS",
        "basis_item_restrictions-0-handling": "H2",
    }
    made = factories.sent(of, **rows)
    said = taken(made, of.officer)
    assert "persons" not in said["request"]["sections"]
    assert said["request"]["sections"]["item"]["make"] == "Example Arms"
    actor = factories.actor_of(of.officer)
    again = queries.by_reference(made.reference, actor)
    table = exporting.hand_out(again, actor, Form.CSV).decode("utf-8-sig")
    assert "Exampleson" not in table


def test_taking_is_entered_for_both_sides_with_what_stayed(of, taken, exports):
    made = factories.sent(of, basis_handling="H2")
    taken(made, of.officer)
    for authority in (of.asking, of.asked):
        (entry,) = exports(authority)
        assert entry.said["object"] == made.reference
        assert entry.payload["withheld"] == ["PERSONS", "TEXT"]
        assert entry.payload["persons"] == []


# --------------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "＝", "＠", "'", "|"]
)
def test_no_cell_is_a_formula_and_each_can_be_read_back(start):
    text = f"{start}1+1"
    assert tables.neutral(text) == f"'{text}"
    assert tables.original(tables.neutral(text)) == text
    assert tables.original(tables.neutral("AB-1")) == "AB-1"


def test_a_table_of_many_holds_no_person_and_no_formula(app, of, exports):
    first = factories.sent(of, markings_serial="-1234", item_make="=cmd()")
    factories.draft(of)
    factories.sent(factories.sides())
    visitor = signed_in(app, of.investigator)
    answer = visitor.post("/trace-requests/table", {"list": "mine"})
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [row["reference"] for row in rows] == [first.reference]
    assert rows[0]["markings.serial"] == "'-1234"
    assert rows[0]["item.make"] == "'=cmd()"
    assert not [name for name in rows[0] if name.startswith("persons")]
    assert "Exampleson" not in answer.text
    assert len(exports(of.asking)) == 1


def test_a_table_says_the_day_as_it_is_where_the_answer_is_due(of, taken):
    made = factories.sent(of)
    said = taken(made, of.investigator)
    made.due = datetime(2026, 12, 2, 2, 0, tzinfo=UTC)
    row = tables.row(made, said, with_persons=False)
    assert (of.asked.zone, row["due"]) == ("America/Sao_Paulo", "2026-12-01")


def test_a_table_holds_what_the_list_it_stands_on_shows(app, of):
    sent = factories.sent(of)
    factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    visitor = signed_in(app, of.investigator)
    page = visitor.get("/my-requests?view=open&state=submitted&country=BR").text
    form = page[page.index('action="/trace-requests/table"') :]
    given = {n: hidden(form, n) for n in ("list", "view", "country", "state")}
    assert given["country"] == "BR"
    assert "state=submitted" in hidden(form, "back")

    def rows(**more):
        answer = visitor.post("/trace-requests/table", given | more)
        text = answer.get_data().decode("utf-8-sig")
        return [row["reference"] for row in csv.DictReader(io.StringIO(text))]

    assert rows() == [sent.reference]
    assert rows(country="PT") == []
    assert len(rows(state="", country="")) == 2


def test_a_table_of_one_has_its_persons(of):
    made = factories.sent(of)
    body = exporting.hand_out(made, factories.actor_of(of.officer), Form.CSV)
    (row,) = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    assert row["persons.persons.family_name"] == "Exampleson"
    assert row["markings.marks.text"] == "EXAMPLE ARMS"


# ---------------------------------------------------------------------------- pages


def test_the_page_of_a_request_offers_each_way_out(app, of, asking, exports):
    made = answered(of)
    page = asking.get(f"/trace-requests/{made.reference}").text
    assert f"/trace-requests/{made.reference}/print" in page
    address = f"/trace-requests/{made.reference}/export"
    for form in ("json", "xml", "csv"):
        assert f'name="as" value="{form}"' in page
        answer = asking.post(address, {"as": form})
        assert answer.mimetype == Form(form).media_type
        assert f"{made.reference}.{form}" in answer.headers["Content-Disposition"]
    alone = asking.post(address, {"as": "xml", "what": "response"})
    assert files.read(alone.get_data())["kind"] == RESPONSE
    assert asking.post(address, {"as": "exe"}).status_code == 400
    assert len(exports(of.asked)) == 4


def test_an_answer_that_is_not_there_is_not_exported(of, asking):
    made = factories.sent(of)
    address = f"/trace-requests/{made.reference}/export"
    answer = asking.post(address, {"as": "json", "what": "response"})
    assert answer.status_code == 409


def test_an_export_asks_for_a_factor_of_the_last_minutes(app, of):
    made = factories.sent(of)
    late = signed_in(app, of.investigator, minutes_ago=11)
    address = f"/trace-requests/{made.reference}/export"
    back = f"/trace-requests/{made.reference}"
    answer = late.post(address, {"as": "json", "back": back})
    assert answer.location == f"/confirm?next={back}"


def test_paper_has_the_order_of_the_forms_the_code_the_reader_and_every_field(
    of, answering, exports
):
    made = factories.sent(of, basis_handling="H1")
    page = answering.get(f"/trace-requests/{made.reference}/print")
    assert page.status_code == 200
    order = ["Initiation", "Offence", "Authorities", "Firearm", "Possessor", "Recovery"]
    places = [page.text.index(f". {title}</h2>") for title in order]
    assert places == sorted(places)
    for words in ("EXAMPLE ARMS", "Exampleson", "Kibera", "H1", of.officer.name):
        assert words in page.text
    assert len(exports(of.asking)) == 1


def test_no_handling_code_withholds_paper():
    # The page is printed as it is shown; should one ever ask, it has to be asked here.
    assert not [code for code in TABLE if TABLE[code][Use.PRINT] is Fate.ASKS]


def test_every_field_of_the_form_has_its_place_on_paper_once():
    placed = [name for _title, names in printed.ORDER for name in names]
    known = [
        f"{key}.{name}"
        for key, made in SECTIONS
        for name in made._declared_fields
        if key != "persons"
    ]
    assert sorted(placed) == sorted([*known, printed.POSSESSOR, printed.OTHERS])


def test_a_stranger_gets_nothing_of_it(app, of):
    made = factories.sent(of)
    stranger = signed_in(app, factories.person(None, Role.INVESTIGATOR))
    for address in ("export", "print"):
        where = f"/trace-requests/{made.reference}/{address}"
        ask = stranger.get if address == "print" else stranger.post
        assert ask(where).status_code == 404


def test_the_keys_are_open_to_all_and_fit_the_files(client, of, taken):
    said = taken(factories.sent(of), of.investigator)
    kept = signing.read_keys(client.get("/exchange/keys.json").get_data())
    nobody = signing.KeySet("", {})
    found = signing.verdict(said, (nobody, kept))
    assert found.standing is Standing.KNOWN
    assert found.kid in client.get("/exchange/keys").text
