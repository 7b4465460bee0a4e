"""The database itself shows nobody what is another's, whatever a page forgets."""

from dataclasses import replace
from datetime import UTC, datetime
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
from tracing.models import Base, Erasure, OutboxMessage, TraceRequest
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
NEVER_MOVED = ("id", "reference", "year", "number", "requesting_id", "created_at")


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
        # The heads of the chains are of no case: how many entries, and their hash.
        assert (count(table) == 0) is (table != "journal_chain")

    @pytest.mark.parametrize("table", BEHIND)
    def test_reads_nothing_of_others(self, postgresql, as_role, request_, table):
        third = factories.person()
        db.session.commit()
        as_role(isolation.SITE, third.authority_id, third.id)
        assert (count(table) == 0) is (table != "journal_chain")

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

    def test_changes_and_deletes_no_entry_and_no_step(
        self, postgresql, as_role, of, request_
    ):
        asked, officer = of.asked.id, of.officer.id
        for statement in (
            "UPDATE request_event SET actor_name = 'x'",
            "DELETE FROM request_event",
            "UPDATE journal_entry SET kind = 'x'",
            "DELETE FROM journal_entry",
            "DELETE FROM outbox_message",
            "CREATE TABLE mine (id int)",
        ):
            as_role(isolation.SITE, asked, officer)
            with pytest.raises(ProgrammingError, match="permission denied"):
                db.session.execute(text(statement))

    def test_forgets_for_whom_it_worked_with_the_transaction(
        self, app, postgresql, of, request_
    ):
        home, user, wanted = of.asking.id, of.investigator.id, select(TraceRequest.id)
        engine = db.engine
        role = text(f"SET LOCAL ROLE {isolation.SITE}")
        db.session.commit()
        with app.test_request_context():
            isolation.work_for(home, user)
            with engine.begin() as connection:
                pid = connection.scalar(text("SELECT pg_backend_pid()"))
                assert len(connection.scalars(wanted).all()) == 1
        isolation.work_for_nobody()
        with engine.begin() as connection:
            connection.execute(role)
            assert connection.scalar(text("SELECT pg_backend_pid()")) == pid
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
    for column in ("requested_id", "requesting_id"):
        moved = text(f"UPDATE trace_request SET {column} = :to WHERE id = :id")
        with pytest.raises((DBAPIError, IntegrityError), match="stays with its sides"):
            db.session.execute(moved, {"to": third, "id": request_.id})
        db.session.rollback()


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
        isolation.work_for_nobody()
        found = db.session.scalars(select(TraceRequest.reference)).all()
        on_sqlite = db.engine.dialect.name == "sqlite"
        assert len(found) == (2 if on_sqlite else 0)
        db.session.rollback()
