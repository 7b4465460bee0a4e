"""The database itself shows nobody what is another's, whatever a page forgets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from unittest.mock import ANY

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from tests import factories
from tests.conftest import dispose
from tests.notifications.people import with_mail
from tests.visitors import shown, signed_in
from tracing import create_app, worker
from tracing.casework import erasing, resealing
from tracing.cli.serve import choose_channel
from tracing.extensions import db
from tracing.journal.verify import OK, check_export
from tracing.models import (
    Base,
    BreakGlass,
    Erasure,
    Item,
    JournalEntry,
    OutboxMessage,
    Person,
    RequestEvent,
    TraceRequest,
)
from tracing.operations.checks import WITHOUT_ROW_SECURITY
from tracing.security import isolation
from tracing.security.fields import field_keys
from workflows.policies import Role
from workflows.retention import Data
from workflows.states import Trigger

BEHIND = sorted(
    {*Base.metadata.tables, "alembic_version"} - WITHOUT_ROW_SECURITY,
)
TO_THE_END = (
    *(Trigger.SUBMIT, Trigger.ACKNOWLEDGE, Trigger.RECORD_SEARCH),
    *(Trigger.RESPOND, Trigger.CLOSE),
)
SEEN_BY_ALL = {"authority", "calendar_version", "journal_chain"}
"""Whom to ask; and the heads of the chains: how many entries, and their hash."""

NEVER_MOVED = ("id", "reference", "year", "number", "requesting_id", "created_at")


WRITTEN_BY_ONE = ("item", "marking", "person", "recovery")
DENIED = (
    "UPDATE request_event SET actor_name = 'x'",
    "DELETE FROM request_event",
    "UPDATE journal_entry SET kind = 'x'",
    "DELETE FROM journal_entry",
    "UPDATE journal_payload SET payload = NULL",
    "UPDATE outbox_message SET recipient = 'x'",
    "DELETE FROM outbox_message",
    "UPDATE authority SET email = 'x'",
    "UPDATE item SET request_id = request_id",
    "UPDATE person SET request_id = request_id",
    "UPDATE provided_item SET source_id = source_id",
    "UPDATE item_restriction SET request_id = request_id",
    "UPDATE due_work SET request_id = request_id",
    "UPDATE marking SET item_id = item_id",
    "UPDATE recovery SET authority_id = authority_id",
    "UPDATE attachment SET authority_id = authority_id",
    "UPDATE legal_hold SET reason = ''",
    "DELETE FROM legal_hold",
    "DELETE FROM erasure",
    "CREATE TABLE mine (id int)",
)


@pytest.fixture
def postgresql(app, session):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("about the roles of PostgreSQL")


@pytest.fixture
def as_role(session):
    """Works as a role from here on, for an authority or for none."""

    def become(role, authority=0, user=0):
        db.session.rollback()
        db.session.execute(text(f"SET LOCAL ROLE {role}"))
        for name, value in (("authority", authority), ("user", user)):
            setting = text("SELECT set_config(:name, :value, true)")
            said = {"name": f"app.{name}", "value": str(value or "")}
            db.session.execute(setting, said)

    yield become
    db.session.rollback()


@pytest.fixture
def request_(of):
    return factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)


def both(of):
    return (of.asking.id, of.investigator.id), (of.asked.id, of.officer.id)


def count(table):
    return db.session.scalar(text(f"SELECT count(*) FROM {table}"))


class TestTheCatalogue:
    def test_every_table_but_those_named_is_behind_the_wall(self, postgresql):
        found = db.session.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace = current_schema()::regnamespace"
                " AND NOT (relrowsecurity AND relforcerowsecurity)"
            )
        ).all()
        assert set(found) == WITHOUT_ROW_SECURITY
        assert len(found) <= 10

    def test_the_roles_have_no_power_over_tables(self, postgresql):
        found = db.session.execute(
            text(
                "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles"
                " WHERE rolname LIKE 'tracing\\_%'"
            )
        ).all()
        assert {row.rolname for row in found} == {*isolation.ROLES}
        for row in found:
            assert [row.rolsuper, row.rolbypassrls, row.rolcanlogin] == [False] * 3
        for role in isolation.ROLES:
            for table in BEHIND:
                may = text("SELECT has_table_privilege(:role, :table, 'TRUNCATE')")
                assert not db.session.scalar(may, {"role": role, "table": table})

    def test_no_view_and_no_function_looks_past_it(self, postgresql):
        views = "SELECT count(*) FROM pg_views WHERE schemaname = current_schema()"
        definers = (
            "SELECT count(*) FROM pg_proc WHERE prosecdef"
            " AND pronamespace = current_schema()::regnamespace"
        )
        assert db.session.scalar(text(views)) == 0
        assert db.session.scalar(text(definers)) == 0


class TestTheSite:
    @pytest.mark.parametrize("table", BEHIND)
    def test_reads_nothing_for_nobody(self, postgresql, as_role, request_, table):
        as_role(isolation.SITE)
        assert (count(table) == 0) is (table not in SEEN_BY_ALL)

    @pytest.mark.parametrize("table", BEHIND)
    def test_reads_nothing_of_others(self, postgresql, as_role, request_, table):
        third = factories.person()
        db.session.commit()
        as_role(isolation.SITE, third.authority_id, third.id)
        assert (count(table) == 0) is (table not in SEEN_BY_ALL)

    def test_reads_what_is_its_own(self, postgresql, as_role, of, request_):
        for side, person in ((of.asking, of.investigator), (of.asked, of.officer)):
            home, user = side.id, person.id
            as_role(isolation.SITE, home, user)
            for table in ("trace_request", "item", "marking", "request_event"):
                assert count(table) > 0

    def test_a_draft_is_of_one_side(self, postgresql, as_role, of):
        factories.draft(of)
        asked, officer = of.asked.id, of.officer.id
        as_role(isolation.SITE, asked, officer)
        for table in ("trace_request", "item", "marking", "person", "recovery"):
            assert count(table) == 0

    @pytest.mark.parametrize("column", NEVER_MOVED)
    def test_no_side_moves_a_request(self, postgresql, as_role, of, request_, column):
        asked, officer = of.asked.id, of.officer.id
        as_role(isolation.SITE, asked, officer)
        with pytest.raises(ProgrammingError, match="permission denied"):
            db.session.execute(text(f"UPDATE trace_request SET {column} = {column}"))

    def test_writes_nothing_in_the_name_of_others(
        self, postgresql, as_role, of, request_
    ):
        third = factories.person()
        db.session.commit()
        made = request_.id, of.asking.id
        as_role(isolation.SITE, third.authority_id, third.id)
        event = text(
            "INSERT INTO request_event (request_id, position, trigger, before, after,"
            " by, authority_id, actor_name, at, carried) VALUES (:request, 99, 'note',"
            " 'submitted', 'submitted', 'requesting', :authority, 'x', now(), '{}')"
        )
        with pytest.raises(ProgrammingError, match="row-level security"):
            db.session.execute(event, {"request": made[0], "authority": made[1]})

    def test_changes_nothing_that_was_said_once(
        self, postgresql, as_role, of, request_
    ):
        asked, officer = of.asked.id, of.officer.id
        for statement in DENIED:
            as_role(isolation.SITE, asked, officer)
            with pytest.raises(ProgrammingError, match="permission denied"):
                db.session.execute(text(statement))

    def test_neither_side_changes_what_was_sent(
        self, postgresql, as_role, of, request_
    ):
        for (home, user), table in product(both(of), WRITTEN_BY_ONE):
            as_role(isolation.SITE, home, user)
            column = "text" if table == "marking" else "seal"
            for statement in (
                f"UPDATE {table} SET {column} = {column}",
                f"DELETE FROM {table}",
            ):
                found = db.session.execute(text(statement))
                assert (count(table) > 0, found.rowcount) == (True, 0), statement

    def test_a_draft_shows_no_foreign_find(self, postgresql, as_role, of, request_):
        other = factories.sides()
        draft, foreign = factories.draft(other), request_.recovery_id
        as_role(isolation.SITE, other.asking.id, other.investigator.id)
        moved = text("UPDATE trace_request SET recovery_id = :to WHERE id = :id")
        db.session.execute(moved, {"to": foreign, "id": draft.id})
        assert count("recovery") == 1

    def test_a_third_hangs_nothing_on_a_request(
        self, postgresql, as_role, of, request_
    ):
        third, number = factories.person(), request_.id
        db.session.commit()
        as_role(isolation.SITE, third.authority_id, third.id)
        given = {"request": number, "home": third.authority_id, "user": third.id}
        hung = text(
            "INSERT INTO attachment (token, request_id, authority_id, kind, title,"
            " sha256, size, media_type, scan, uploaded_by_id, uploaded_by_name,"
            " uploaded_at, seal) VALUES ('x', :request, :home, 'document', 'x', 'x', 1,"
            " 'application/pdf', 'clean', :user, 'x', now(), 'x')"
        )
        with pytest.raises(ProgrammingError, match="row-level security"):
            db.session.execute(hung, given)

    def test_what_two_decide_one_does_not(self, postgresql, as_role, of, request_):
        home, user = of.asking.id, of.investigator.id
        for given_by in ("NULL", ":user"):
            as_role(isolation.SITE, home, user)
            asked = text(
                "INSERT INTO erasure (reference, authority_id, rule, asked_by_id,"
                " asked_at, persons, files, entries, given_by_id) VALUES ('x', :home,"
                f" 'order', :user, now(), '[]', '[]', 0, {given_by})"
            )
            who = {"home": home, "user": user}
            if given_by == "NULL":
                db.session.execute(asked, who)
                asked = text("UPDATE erasure SET given_by_id = :user")
            with pytest.raises(ProgrammingError, match="row-level security"):
                db.session.execute(asked, who)

    def test_what_an_operator_asks_for_is_found_for_a_day(
        self, postgresql, as_role, of, request_
    ):
        one, two = (factories.person(None, Role.OPERATOR) for _ in range(2))
        asked = BreakGlass(reference=request_.reference, reason="x", asked_by=one)
        asked.asked_at = datetime.now(UTC) - timedelta(hours=23)
        db.session.add(asked)
        db.session.commit()
        seen = []
        for later in (0, 2):
            number, home, user = asked.id, two.authority_id, two.id
            asked.asked_at -= timedelta(hours=later)
            db.session.commit()
            as_role(isolation.SITE, home, user)
            db.session.execute(text("SELECT set_config('app.glass', 'on', true)"))
            seen.append(count("trace_request"))
            db.session.rollback()
            asked = db.session.get_one(BreakGlass, number)
        assert seen == [1, 0]

    def test_what_an_operator_writes_beside_the_table_shows_nothing(
        self, postgresql, as_role, request_
    ):
        operator = factories.person(None, Role.OPERATOR)
        reference, home, user = request_.reference, operator.authority_id, operator.id
        db.session.commit()
        as_role(isolation.SITE, home, user)
        db.session.execute(text("SELECT set_config('app.glass', 'on', true)"))
        beside = "CREATE TEMP TABLE break_glass ON COMMIT DROP AS SELECT"
        said = f"'{reference}' AS reference, now() AS asked_at, 0 AS asked_by_id"
        none = "NULL::timestamptz AS until, NULL::int AS request_id, 0 AS given_by_id"
        db.session.execute(text(f"{beside} {said}, {none}"))
        assert count("trace_request") == 0

    def test_forgets_for_whom_it_worked_with_the_transaction(
        self, app, postgresql, of, request_
    ):
        home, user, wanted = of.asking.id, of.investigator.id, select(TraceRequest.id)
        engine = db.engine
        role = text(f"SET LOCAL ROLE {isolation.SITE}")
        db.session.commit()
        # The next one may be handed the same connection.
        with engine.connect() as connection:
            with app.test_request_context():
                isolation.work_for(home, user)
                with connection.begin():
                    assert len(connection.scalars(wanted).all()) == 1
            isolation.work_for_nobody()
            with connection.begin():
                connection.execute(role)
                assert connection.scalars(wanted).all() == []


class TestLogins:
    """Both sides and the worker through logins of their own, as in earnest."""

    def url_of(self, settings, role):
        name = f"login_of_{role}"
        db.session.execute(
            text(
                f"DO $$ BEGIN CREATE ROLE {name} LOGIN IN ROLE {role};"
                " EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )
        )
        db.session.commit()
        return settings.database_url.replace("postgres@", f"{name}@", 1)

    def test_serve_a_request_and_its_mail(self, app, postgresql, settings, mailbox, of):
        request = factories.sent(of)
        reference = request.reference
        both = replace(
            with_mail(settings, smtp_port=mailbox.port),
            database_url=self.url_of(settings, isolation.SITE),
            worker_database_url=self.url_of(settings, isolation.WORKER),
        )
        site = create_app(both)
        try:
            officer = at_site(site, app, of.officer)
            page = officer.get(f"/trace-requests/{reference}")
            assert reference in shown(page.text)
            version = {"version": str(request.version)}
            step = f"/trace-requests/{reference}/steps/acknowledge"
            assert officer.post(step, version).status_code == 303
        finally:
            dispose(site)
        works = create_app(both, login="worker")
        choose_channel(works)
        try:
            with works.app_context():
                assert worker.sweep() >= 0
                assert worker.drain().sent > 0
                assert worker.sign() > 0
                assert worker.tidy() >= 0
        finally:
            dispose(works)
        owed = select(OutboxMessage.id).where(OutboxMessage.sent_at.is_(None))
        assert db.session.scalars(owed).all() == []
        assert len(mailbox.deliveries) >= 2

    def test_the_worker_erases_and_turns_the_keys(self, app, postgresql, settings, of):
        by_rule, by_order = (factories.after(of, *TO_THE_END) for _ in range(2))
        draft, today = factories.draft(of), datetime.now(UTC).date()
        by_rule.keep_until = draft.keep_until = today
        db.session.add(
            Erasure(
                reference=by_order.reference,
                authority_id=of.asking.id,
                rule=Data.ORDER,
                asked_by_id=of.investigator.id,
                given_by_id=of.officer.id,
                persons=[],
                files=[],
            )
        )
        gone = {by_rule.reference, by_order.reference, draft.reference}
        worker_url = self.url_of(settings, isolation.WORKER)
        newer = field_keys().ring.with_new()
        given = {"worker_database_url": worker_url, "field_keys": newer.write()}
        works = create_app(replace(settings, **given), login="worker")
        try:
            with works.app_context():
                assert erasing.carry_out() == 1
                assert worker.purge() == 2
                assert worker.reseal() > 0
                assert erasing.oldest_undone() is None
                assert resealing.counts() == {1: 0, 2: ANY, 0: 0}
        finally:
            dispose(works)
        assert set(db.session.scalars(select(Erasure.reference))) == gone

    def test_a_journal_is_taken_along_whole(
        self, app, postgresql, settings, of, request_, tmp_path
    ):
        auditor = factories.person(of.asking, Role.AUDITOR)
        chain = of.asking.code
        db.session.commit()
        url = self.url_of(settings, isolation.SITE)
        site = create_app(replace(settings, database_url=url))
        try:
            answer = at_site(site, app, auditor).post("/journal/export")
            taken = tmp_path / "journal.txt"
            taken.write_bytes(answer.data)
        finally:
            dispose(site)
        report = check_export(taken)
        assert (report.chain, report.level) == (chain, OK), report.findings
        assert report.size > 2


def at_site(site, app, account):
    """Somebody who is signed in, at a site of its own."""
    visitor = signed_in(app, account)
    with visitor.client.session_transaction() as session:
        held = dict(session)
    visitor.client = type(visitor.client)(site, site.response_class)
    with visitor.client.session_transaction() as session:
        session.update(held)
    return visitor


def test_a_sent_request_stays_with_its_sides(app, of, request_):
    third = factories.authority(country="NP", zone="Asia/Kathmandu").id
    db.session.commit()
    for column in ("requested_id", "requesting_id", "recovery_id"):
        moved = text(f"UPDATE trace_request SET {column} = :to WHERE id = :id")
        with pytest.raises((DBAPIError, IntegrityError), match="stays with its sides"):
            db.session.execute(moved, {"to": third, "id": request_.id})
        db.session.rollback()
    again = text("UPDATE trace_request SET state = 'draft' WHERE id = :id")
    with pytest.raises((DBAPIError, IntegrityError), match="stays with its sides"):
        db.session.execute(again, {"id": request_.id})
    db.session.rollback()


def whose(row):
    """The request that a row belongs to."""
    if isinstance(row, JournalEntry):
        return row.about
    return db.session.get(TraceRequest, row.request_id).reference


def test_a_reading_without_its_condition_finds_what_is_ones_own_alone(app, of):
    """On PostgreSQL by the role, on SQLite by the condition that is added."""
    mine = factories.sent(of).reference
    other = factories.sides()
    factories.sent(other)
    home, user = of.officer.authority_id, of.officer.id
    db.session.commit()
    with app.test_request_context():
        isolation.work_for(home, user)
        assert db.session.scalars(select(TraceRequest.reference)).all() == [mine]
        for model in (Item, Person, RequestEvent, OutboxMessage, JournalEntry):
            rows = db.session.scalars(select(model)).all()
            assert {whose(row) for row in rows} == {mine}, model
        isolation.work_for_nobody()
        found = db.session.scalars(select(TraceRequest.reference)).all()
        on_sqlite = db.engine.dialect.name == "sqlite"
        assert len(found) == (2 if on_sqlite else 0)
        db.session.rollback()
