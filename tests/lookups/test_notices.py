"""A search elsewhere has met a record of ours: its owner is told, once."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.journal.conftest import entries
from tests.lookups.conftest import KEY, KNOWN, asker, settings_for
from tests.visitors import shown, signed_in
from tracing.casework import notices
from tracing.casework.apply import utcnow
from tracing.cli.lookups import hits
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.lookups import registers
from tracing.lookups.json_service import Iarms
from tracing.lookups.port import ExternalLookup, Notice
from tracing.lookups.registers import Register
from tracing.models import HitNotice, NoticeSource, OutboxMessage
from tracing.reference import server as reference
from tracing.security import isolation
from workflows.errors import NotPermitted
from workflows.policies import Role
from workflows.vocabulary import LookupOutcome


class Teller(ExternalLookup):
    """Tells what it is given, whatever it is asked."""

    Settings = list
    capabilities = Iarms.capabilities

    def search(self, query, purpose, asker):
        raise AssertionError

    def check(self):
        """Always there."""

    def notices(self, since):
        return self.settings(since) if callable(self.settings) else self.settings


@pytest.fixture
def server(tmp_path):
    """A stand-in of its own: what others ask it is not told here."""
    with reference.running(tmp_path / "stand-in", KEY) as server:
        yield server


@pytest.fixture
def owner(session):
    """The authority whose record is met, in Kenya as the record says."""
    return factories.authority(country="KE")


@pytest.fixture
def desk(app, session, owner):
    """Sets up one register that tells of hits."""

    def made(lookup, **given):
        usual = {"adapter": "x", "label": "The bureau", "authorities": ("*",)}
        one = Register(name="bureau", lookup=lookup, **(usual | given))
        known = {"bureau": one, "by-hand": registers.all_of(app)["by-hand"]}
        app.extensions[registers.REGISTERS] = known
        db.session.commit()
        return one

    return made


def told():
    db.session.rollback()
    return db.session.scalars(select(HitNotice).order_by(HitNotice.id)).all()


def mails():
    db.session.rollback()
    return db.session.scalars(select(OutboxMessage.recipient)).all()


def poll(minutes=0):
    at = utcnow() + timedelta(minutes=minutes)
    return notices.poll("worker-of-the-test", lambda: at)


def source():
    db.session.rollback()
    return db.session.scalars(select(NoticeSource)).one()


def test_the_owner_is_told_of_a_hit_once_by_a_row_a_mail_and_an_entry(
    desk, owner, server
):
    lookup = Iarms(settings_for(server), server.folder)
    desk(lookup)
    assert poll() == 0
    lookup.search(KNOWN, "a trace", asker("7" * 32))
    assert poll() == 0  # not before its time
    assert poll(1) == 1
    assert [poll(minutes) for minutes in (2, 3)] == [0, 0]
    (row,) = told()
    assert (row.authority_id, row.record, row.searched_by) == (
        *(owner.id, "iarms-A-1", "BR-1"),
    )
    assert mails() == [owner.email]
    (entry,) = entries(owner.id, Kind.HIT_TOLD)
    assert entry.payload == {"register": "bureau", "notices": [row.number]}
    stored = db.session.execute(select(HitNotice.__table__)).one()
    assert "iarms-A-1" not in str(stored)


def test_read_again_from_its_start_tells_nobody_twice(app, desk, owner, server):
    lookup = Iarms(settings_for(server), server.folder)
    desk(lookup)
    lookup.search(KNOWN, "a trace", asker("8" * 32))
    run = app.test_cli_runner().invoke
    assert "1 notices told" in run(hits, []).output
    source().next_at = None
    db.session.commit()
    done = run(hits, ["--again", "bureau"])
    assert "0 notices told" in done.output
    assert source().cursor == "1"
    assert len(told()) == len(mails()) == 1
    wrong = run(hits, ["--again", "by-hand"])
    assert (wrong.exit_code, "No such register" in wrong.output) == (1, True)


def test_pages_are_read_until_nothing_is_new(desk, owner):
    everything = [Notice(str(n), f"R-{n}", "X", "", owner.code) for n in range(1, 8)]

    def page(since):
        return tuple(n for n in everything if int(n.id) > int(since or 0))[:3]

    desk(Teller(page, None))
    assert poll() == 7
    assert [row.number for row in told()] == list("1234567")
    assert len(mails()) == 3


def test_a_register_that_says_the_same_for_ever_is_believed_once(desk, owner):
    desk(Teller((Notice("1", "R", "X", ""),) * 2, None), authorities=(owner.code,))
    assert [poll(minutes) for minutes in range(3)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("named", "given", "found"),
    [
        ("KE-OWN", {}, True),
        ("KE", {}, True),
        ("FR", {}, False),
        ("", {}, False),
        ("", {"authorities": ("KE-OWN",)}, True),
        ("FR", {"notices_to": "KE-OWN"}, True),
        ("KE", {"authorities": ("XX-9", "XX-8")}, False),
    ],
)
def test_whose_record_it_is_says_the_notice_or_the_settings(
    desk, owner, named, given, found
):
    owner.code = "KE-OWN"
    one = desk(Teller((Notice("1", "R", "X", "", named),), None), **given)
    assert poll() == int(found)
    assert source().of_nobody == int(not found)
    assert (notices.owner_of(one, named) is not None) is found


def test_of_two_authorities_of_a_state_neither_is_told(desk, owner):
    factories.authority(country="KE")
    desk(Teller((Notice("1", "R", "X", "", "KE"),), None))
    assert poll() == 0


def test_who_is_told_must_be_served():
    with pytest.raises(ValueError, match="notices_to"):
        Register(adapter="x", label="L", authorities=("A",), notices_to="B")


def test_a_register_that_does_not_answer_harms_nothing(desk, owner, server):
    nowhere = settings_for(server, url="https://127.0.0.1:9", ports=("9",), tries=1)
    desk(Iarms(nowhere, server.folder), breaker_after=1)
    assert [poll(0), poll(1)] == [0, 0]
    assert source().outcome is LookupOutcome.UNAVAILABLE
    desk(Teller(lambda since: [None], None))
    assert poll(5) == 0
    assert source().outcome is LookupOutcome.NOT_UNDERSTOOD


def test_a_worker_that_dies_leaves_them_to_the_next(desk, owner):
    one = desk(Teller((Notice("1", "R", "X", "", "KE"),), None))
    now = utcnow()
    assert notices._claim(one, "dead", now) == ""
    assert poll() == 0
    assert poll(2) == 1
    # The dead one comes back, and keeps nothing.
    late = {"9": Notice("9", "R", "X", "", "KE")}
    assert notices._keep(one, "dead", late, now) is None
    assert len(told()) == 1


def test_the_worker_needs_no_more_than_its_role_has(desk, owner):
    """On PostgreSQL as `tracing_worker`; SQLite knows no roles."""
    desk(Teller((Notice("1", "R", "X", "", "KE"),), None))

    def begin(connection):
        connection.exec_driver_sql(f"SET LOCAL ROLE {isolation.WORKER}")

    if db.engine.dialect.name == "postgresql":
        event.listen(db.engine, "begin", begin)
    try:
        assert poll() == 1
    finally:
        if event.contains(db.engine, "begin", begin):
            event.remove(db.engine, "begin", begin)


def test_they_are_shown_to_their_own_authority_alone(app, desk, owner):
    desk(Teller((Notice("1", "R-77", "FR-Desk", "", "KE"),), None))
    assert poll() == 1
    keeper = factories.person(owner, Role.ADMINISTRATOR)
    officer = signed_in(app, factories.person(owner, Role.OFFICER))
    text = shown(officer.get("/registers/hits").text)
    assert "R-77" in text
    assert "FR-Desk" in text
    assert "Hits on our records" in shown(officer.get("/").text)
    assert len(entries(owner.id, Kind.LOOKUP_READ)) == 1
    assert "/registers/hits" in signed_in(app, keeper).get("/registers").text
    stranger = signed_in(app, factories.person(None, Role.OFFICER))
    text = shown(stranger.get("/registers/hits").text)
    assert "None so far" in text
    assert "R-77" not in text
    operator = factories.actor_of(factories.person(None, Role.OPERATOR))
    with pytest.raises(NotPermitted):
        notices.of_authority(operator)
