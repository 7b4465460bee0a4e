"""The pages of calendars and time limits: who may, what is refused, what is counted."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from tests import factories
from tests.visitors import shown, signed_in
from tracing.casework import moving
from tracing.directory import agreements, countries, versions
from tracing.extensions import db
from tracing.faults import Stale
from tracing.models import (
    Authority,
    CalendarVersion,
    JournalEntry,
    OfficeHoursVersion,
    RegimeVersion,
    Standing,
)
from workflows.errors import TransitionNotAllowed
from workflows.policies import Role


@pytest.fixture
def home(session):
    """An authority of Kenya."""
    made = factories.authority(country="KE")
    db.session.commit()
    return made


@pytest.fixture
def head(app, home):
    """Its administrator, at the browser."""
    return signed_in(app, factories.person(home, Role.ADMINISTRATOR))


def next_year():
    return datetime.now(UTC).year + 1


def change(**given):
    on = date(next_year(), 3, 3).isoformat()
    usual = {
        "place": "KE",
        "kind": "holiday",
        "first": on,
        "last": on,
        "name": "Day of trees",
        "why": "Announced.",
        "source": "Gazette 7",
    }
    return usual | given


def agreement(**given):
    usual = {
        "code": "KE_BR_1",
        "label": "Letters",
        "states": "KE BR",
        "since": "2026-01-01",
        "unit": "working_days",
        "answer_in": "10",
        "acknowledge_in": "2",
        "reminders": "3 1",
        "paused": "true",
        "source": "Article 2",
        "why": "New.",
    }
    return usual | given


# ------------------------------------------------------------------------- calendars


def test_a_version_is_entered_counted_published_and_told_of(head, home):
    assert head.post("/calendars/change", change()).status_code == 303
    page = head.get("/calendars?place=KE").text
    assert "It is being counted" in shown(page)
    row = db.session.query(CalendarVersion).filter_by(number=2).one()
    assert row.standing is Standing.PROPOSED
    early = head.post(f"/calendars/{row.id}/publish", {"place": "KE"})
    assert early.status_code == 409
    assert "wait a minute" in shown(early.text)
    db.session.rollback()
    moving.work(datetime.now(UTC))
    page = head.get("/calendars?place=KE").text
    assert "It would move 0 open requests" in shown(page)
    assert head.post(f"/calendars/{row.id}/publish", {"place": "KE"}).status_code == 303
    db.session.rollback()
    moving.work(datetime.now(UTC))
    text = shown(head.get("/calendars?place=KE").text)
    assert "Version KE 2" in text
    assert "Holiday: Day of trees" in text
    assert "Gazette 7" in text
    kinds = set(db.session.scalars(db.select(JournalEntry.kind)))
    assert {"calendar_proposed", "calendar_published"} <= kinds


def test_only_one_version_waits_at_a_time_and_it_can_be_dropped(head):
    head.get("/calendars")
    head.post("/calendars/change", change())
    again = head.post("/calendars/change", change(name="Another"))
    assert again.status_code == 409
    assert "publish or drop it first" in shown(again.text)
    row = db.session.query(CalendarVersion).filter_by(number=2).one()
    assert head.post(f"/calendars/{row.id}/drop", {"place": "KE"}).status_code == 303
    db.session.rollback()
    assert versions.current("KE", datetime.now(UTC)).version == "KE 1"
    assert head.post("/calendars/change", change()).status_code == 303


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"first": "2026-02-30"}, "a date that exists"),
        ({"first": "yesterday"}, "Enter a date like"),
        ({"first": "1999-01-01", "last": "1999-01-01"}, "Enter a date from"),
        ({"last": "2026-01-01"}, "last day that is not before"),
        ({"last": ""}, "Enter the last day"),
        ({"kind": "feast"}, "Choose"),
        ({"name": ""}, "what the day is called"),
        ({"why": ""}, "why the calendar changes"),
        ({"source": ""}, "where it is written"),
        ({"kind": "weekend"}, "days of the week that are free"),
        ({"kind": "weekend", "weekend": list("0123456")}, "not all seven"),
        ({"kind": "weekend", "weekend": ["9"]}, "Choose"),
    ],
)
def test_nonsense_is_refused_with_what_to_do(head, given, told):
    head.get("/calendars")
    answer = head.post("/calendars/change", change(**given))
    assert answer.status_code == 422
    assert told in shown(answer.text)
    assert db.session.query(CalendarVersion).filter_by(number=2).count() == 0


def test_nobody_changes_the_calendar_of_another_state(head, app, home):
    head.get("/calendars")
    assert head.post("/calendars/change", change(place="BR")).status_code == 403
    assert head.post("/calendars/change", change(place="KE-XX")).status_code == 422
    officer = signed_in(app, factories.person(home, Role.OFFICER))
    officer.get("/calendars")
    assert officer.post("/calendars/change", change()).status_code == 403
    operator = signed_in(app, factories.person(None, Role.OPERATOR))
    operator.get("/calendars")
    given = change(place="BR", name="Dia", kind="holiday")
    assert operator.post("/calendars/change", given).status_code == 303


@pytest.mark.parametrize(
    "place", ["PUBLIC", "ZZ", "KE-ABCDEFGHIJ", "NZ-SOUTH CANTERBURY", "K\0", "KENYA"]
)
def test_what_is_no_state_has_no_calendar_to_change(app, session, place):
    operator = signed_in(app, factories.person(None, Role.OPERATOR))
    operator.get("/calendars")
    answer = operator.post("/calendars/change", change(place=place))
    assert answer.status_code == 422
    assert db.session.query(CalendarVersion).count() == 0


def test_every_part_of_a_state_fits_the_name_of_a_version():
    for code in countries.codes():
        for place in versions.places(code):
            assert len(place) <= 12
            assert versions.PLACE.fullmatch(place)


@pytest.mark.parametrize(
    "path",
    [
        "/calendars/{}/publish",
        "/calendars/{}/drop",
        "/time-limits/{}/confirm",
        "/time-limits/{}/end",
    ],
)
def test_a_number_that_no_row_can_have_is_no_row(head, path):
    head.get("/calendars")
    for number in (2**31, 10**30):
        assert head.post(path.format(number), {"place": "KE"}).status_code == 409


def test_who_comes_second_with_hours_is_told(session, home, monkeypatch):
    actor = factories.actor_of(factories.person(home, Role.ADMINISTRATOR))
    now = datetime.now(UTC)
    versions.set_hours(actor, "Mon-Fri 08:00-16:00", "", now)
    monkeypatch.setattr(versions, "_newest_hours", lambda _number: None)
    with pytest.raises(Stale):
        versions.set_hours(actor, "Mon-Fri 09:00-16:00", "", now)
    assert db.session.query(OfficeHoursVersion).count() == 1


def test_another_weekend_counts_from_its_day_on(session, home):
    actor = factories.actor_of(factories.person(home, Role.ADMINISTRATOR))
    now = datetime.now(UTC)
    monday = date(next_year(), 2, 15)
    monday += timedelta(days=-monday.weekday() % 7)
    given = versions.Proposal(
        kind=versions.ChangeKind.WEEKEND,
        first=monday,
        last=date(now.year + 5, 12, 31),
        why="By law.",
        source="Act 1",
        weekend=frozenset({4, 5}),
    )
    row = versions.propose(actor, "KE", given, now)
    calendar = versions.calendar_of_row(row)
    friday, sunday = monday + timedelta(days=4), monday + timedelta(days=6)
    assert not calendar.is_working_day(friday)
    assert calendar.is_working_day(sunday)
    assert calendar.is_working_day(friday - timedelta(days=7))
    assert not calendar.is_working_day(sunday - timedelta(days=7))


def test_the_page_counts_and_marks_what_may_still_move(app, session):
    egypt = factories.authority(country="EG", zone="Africa/Cairo")
    reader = signed_in(app, factories.person(egypt, Role.OFFICER))
    text = shown(reader.get("/calendars?start=2026-11-26&days=5").text)
    assert "The last of them is Thursday 3 December 2026" in text
    assert "estimated: the day may still move" in text
    assert "Weekend: Friday, Saturday" in text
    for nonsense in ("days=many", "start=9999-12-31", "start=now", "place=EGY", "x=1"):
        assert reader.get(f"/calendars?{nonsense}").status_code == 400
    assert reader.get("/calendars?place=ZZ").status_code == 200


def test_a_renewed_library_makes_a_version_by_itself(session, home):
    now = datetime.now(UTC)
    versions.keep(versions.current("KE", now), now)
    db.session.commit()
    assert versions.renew(now) == 0
    later = now.replace(year=now.year + 1)
    assert versions.renew(later) == 1
    assert versions.current("KE", later).version == "KE 2"


def test_a_renewed_version_never_begins_later_than_the_one_before(session, home):
    now = datetime.now(UTC)
    versions.keep(versions.current("KE", now), now)
    db.session.commit()
    later = now.replace(day=1, year=now.year + 3)
    assert versions.renew(later) == 1
    assert versions.renew(later) == 0
    christmas = date(now.year - 1, 12, 25)
    assert not versions.current("KE", later).is_working_day(christmas)
    assert versions.newest("KE").first_year == now.year - 1


def said_for(place: str, on: date, now: datetime):
    """Enter a holiday of a place of Brazil."""
    brazil = factories.authority(country="BR", zone="America/Sao_Paulo")
    actor = factories.actor_of(factories.person(brazil, Role.ADMINISTRATOR))
    given = versions.Proposal(
        kind=versions.ChangeKind.HOLIDAY,
        first=on,
        last=on,
        name="Dia",
        why="By law.",
        source="Act 1",
    )
    row = versions.propose(actor, place, given, now)
    moving.work(now)
    return actor, row.id


def test_the_first_version_of_a_part_has_what_its_state_has_said(session):
    now, on = datetime.now(UTC), date(next_year(), 3, 3)
    actor, number = said_for("BR", on, now)
    versions.decide(actor, number, publish=True, now=now)
    part = versions.current("BR-SP", now)
    assert (part.version, part.is_working_day(on)) == ("BR-SP 1", False)


def test_a_version_that_a_newer_one_has_overtaken_is_not_published_into_nothing(
    session,
):
    now, on = datetime.now(UTC), date(next_year(), 3, 3)
    of_part, part = said_for("BR-SP", date(next_year(), 3, 4), now)
    of_state, state = said_for("BR", on, now)
    later = now + timedelta(minutes=1)
    versions.decide(of_state, state, publish=True, now=later)
    moving.work(later)
    assert versions.current("BR-SP", later).version == "BR-SP 3"
    with pytest.raises(TransitionNotAllowed, match="Somebody else"):
        versions.decide(of_part, part, publish=True, now=later)
    versions.decide(of_part, part, publish=False, now=later)


# ----------------------------------------------------------------------- office hours


def test_hours_are_kept_in_versions(head, home):
    head.get("/calendars")
    for hours in ("Mon-Fri 08:00-16:00", "Mon-Thu 08:00-16:00"):
        assert head.post("/calendars/hours", {"hours": hours}).status_code == 303
    rows = db.session.query(OfficeHoursVersion).order_by(OfficeHoursVersion.number)
    assert [row.hours for row in rows] == ["Mon-Fri 08:00-16:00", "Mon-Thu 08:00-16:00"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"hours": "9 to 5"}, "cannot be read"),
        ({"hours": "Mon-Fri 17:00-09:00"}, "follow one another"),
        ({"subdivision": "99"}, "leave this empty"),
    ],
)
def test_hours_that_cannot_be_are_refused(head, given, told):
    head.get("/calendars")
    answer = head.post("/calendars/hours", given)
    assert answer.status_code == 422
    assert told in shown(answer.text)


def test_a_part_of_a_state_that_is_not_there_gets_the_nearest(app, session):
    brazil = factories.authority(country="BR", zone="America/Sao_Paulo")
    head = signed_in(app, factories.person(brazil, Role.ADMINISTRATOR))
    head.get("/calendars")
    answer = head.post("/calendars/hours", {"subdivision": "SPP"})
    assert "did you mean SP?" in shown(answer.text)
    assert head.post("/calendars/hours", {"subdivision": "SP"}).status_code == 303
    known = versions.known_of(
        db.session.get_one(Authority, brazil.id), datetime.now(UTC)
    )
    assert known.place == "BR-SP"
    assert not known.calendar.is_working_day(date(next_year(), 7, 9))


# ------------------------------------------------------------------------- agreements


def test_one_side_enters_and_the_other_confirms(app, head, home):
    brazil = factories.authority(country="BR", zone="America/Sao_Paulo")
    other = signed_in(app, factories.person(brazil, Role.ADMINISTRATOR))
    third = signed_in(app, factories.person(None, Role.ADMINISTRATOR))
    head.get("/time-limits")
    assert head.post("/time-limits", agreement()).status_code == 303
    row = db.session.query(RegimeVersion).one()
    for visitor in (head, third):
        visitor.get("/time-limits")
        again = visitor.post(f"/time-limits/{row.id}/confirm")
        assert again.status_code == 409
        assert "administrator of the other State confirms" in shown(again.text)
    page = other.get("/time-limits").text
    assert "Waits for the other State" in shown(page)
    assert other.post(f"/time-limits/{row.id}/confirm").status_code == 303
    db.session.rollback()
    text = shown(other.get("/time-limits?code=KE_BR_1 1&start=2026-11-26").text)
    assert "Answer within 10 working days" in text
    assert "Default of this service" in text
    assert "Day 10" in text
    assert head.post(f"/time-limits/{row.id}/end").status_code == 303
    assert "Ended" in shown(head.get("/time-limits").text)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"code": "ITI_DEFAULT"}, "one of the service's own"),
        ({"code": "a b"}, "Write 3 to 40"),
        ({"states": "KE"}, "your own State and another one"),
        ({"states": "KE ZZ"}, "Not known: ZZ"),
        ({"states": "BR AR"}, "your own State"),
        ({"answer_in": "0"}, "1"),
        ({"answer_in": "soon"}, "whole number"),
        ({"answer_in": "900"}, "Enter a number from 1 to 500"),
        ({"reminders": "3 days"}, "Write numbers"),
        ({"reminders": "0"}, "at most six numbers"),
        ({"since": "2026-13-01"}, "Enter a date"),
        ({"unit": "weeks"}, "Choose"),
        ({"source": ""}, "article"),
        ({"bases": ["NO_SUCH"]}, "Choose"),
    ],
)
def test_terms_nobody_could_count_by_are_refused(head, given, told):
    head.get("/time-limits")
    answer = head.post("/time-limits", agreement(**given))
    assert answer.status_code == 422
    assert told in shown(answer.text)
    assert db.session.query(RegimeVersion).count() == 0


def test_who_comes_second_with_a_version_of_an_agreement_is_told(head, monkeypatch):
    head.get("/time-limits")
    for _ in range(2):
        assert head.post("/time-limits", agreement()).status_code == 303
    late = SimpleNamespace(max=db.func.min)
    monkeypatch.setattr(agreements, "func", late)
    assert head.post("/time-limits", agreement()).status_code == 409
    assert db.session.query(RegimeVersion).count() == 2


def test_a_number_is_law_only_where_somebody_has_read_it(app, head):
    text = shown(head.get("/time-limits?code=EU977_NORMAL").text)
    assert "This is law: Directive (EU) 2023/977 art 5(1)(c)." in text
    text = shown(head.get("/time-limits?code=ITI_DEFAULT").text)
    assert "Default of this service: ITI 18-19" in text
