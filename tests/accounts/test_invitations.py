"""Invitations and new passwords: links that are good once, and only for a while."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, select

from tests import factories
from tests.accounts.desk import Desk
from tests.environ import SECRETS
from tests.journal.conftest import entries
from tests.visitors import bare, shown, signed_in
from tracing.config import SettingsError, load
from tracing.extensions import db
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Account, AccountToken, Authority, OutboxMessage
from tracing.notifications.render import render
from workflows.policies import Role

CHOSEN = "seven quiet herons wade"
OTHER = "eleven loud ravens circle"
ADDRESS = "new.person@desk.example"


@pytest.fixture
def settings(settings):
    return replace(settings, second_factor_required=True, administrator_keys=0)


@pytest.fixture
def admin(session):
    home = factories.authority(email="office@desk.example")
    made = factories.person(home, Role.ADMINISTRATOR, password=factories.PASSWORD)
    session.commit()
    return made


def link_of(app, event):
    """The link of the newest mail of a kind, as its reader finds it."""
    db.session.expire_all()
    row = db.session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.event == event)
        .order_by(OutboxMessage.id.desc())
    ).first()
    with app.app_context():
        written = render(row, "https://desk.example", "desk@desk.example")
    return re.search(r"https://desk\.example(/\S+)", written.text)[1], row, written


def invite(app, admin, **changed):
    visitor = signed_in(app, admin)
    visitor.get("/people/invite")
    form = {
        "name": "New Person",
        "email": ADDRESS,
        "language": "fr",
        "roles": ["officer", "investigator"],
    }
    return visitor.post("/people/invite", form | changed)


class TestAnInvitation:
    def test_leads_to_a_password_a_second_factor_and_the_desk(self, app, admin):
        assert invite(app, admin).status_code == 303
        link, row, _ = link_of(app, "invitation")
        assert (row.recipient, row.language) == (ADDRESS, "fr")
        assert row.authority_id == admin.authority_id
        guest = Desk.of(app)
        page = guest.get(link)
        assert page.status_code == 200
        assert ADDRESS in page.text
        answer = guest.post(link, {"password": CHOSEN})
        assert answer.location.startswith("/second-factor")
        assert guest.get("/queue").status_code == 303
        guest.sets_up()
        assert guest.get("/queue").status_code == 200
        made = db.session.scalar(select(Account).where(Account.email == ADDRESS))
        assert made.role_names == {Role.OFFICER, Role.INVESTIGATOR}

    def test_is_good_once(self, app, admin):
        invite(app, admin)
        link, *_ = link_of(app, "invitation")
        first, second = Desk.of(app), Desk.of(app)
        first.get(link)
        second.get(link)
        first.post(link, {"password": CHOSEN})
        answer = second.post(link, {"password": "eleven loud ravens circle"})
        assert answer.status_code == 404
        assert "no longer good" in shown(answer.text)
        assert second.get(link).status_code == 404
        assert Desk.of(app).signs_in(ADDRESS, CHOSEN).status_code == 302

    @pytest.mark.parametrize(("hours", "status"), [(71.9, 200), (72.1, 404)])
    def test_lasts_72_hours(self, app, admin, hours, status):
        invite(app, admin)
        link, *_ = link_of(app, "invitation")
        later = datetime.now(UTC) + timedelta(hours=hours)
        with time_machine.travel(later, tick=False):
            assert Desk.of(app).get(link).status_code == status

    def test_is_void_when_another_was_sent_or_the_account_disabled(self, app, admin):
        invite(app, admin)
        first, *_ = link_of(app, "invitation")
        made = db.session.scalar(select(Account).where(Account.email == ADDRESS))
        visitor = signed_in(app, admin)
        visitor.get("/people")
        visitor.post(f"/people/{made.id}/invite-again")
        second, *_ = link_of(app, "invitation")
        assert Desk.of(app).get(first).status_code == 404
        assert Desk.of(app).get(second).status_code == 200
        visitor.post(f"/people/{made.id}/disable")
        assert Desk.of(app).get(second).status_code == 404

    def test_stands_nowhere_in_the_database(self, app, admin):
        invite(app, admin)
        link, row, _ = link_of(app, "invitation")
        token = link.rpartition("/")[2]
        stored = db.session.scalars(select(AccountToken)).one()
        assert len(token) == 43
        assert token not in repr((vars(stored), vars(row)))

    def test_is_not_shown_to_the_administrator(self, app, admin):
        invite(app, admin)
        link, *_ = link_of(app, "invitation")
        page = signed_in(app, admin).get("/outgoing")
        assert link not in page.text
        assert ADDRESS not in page.text

    @pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "é", "x" * 3000])
    def test_that_was_invented_is_not_found(self, app, admin, token):
        assert Desk.of(app).get(f"/invitation/{token}").status_code == 404
        assert Desk.of(app).get(f"/new-password/{token}").status_code == 404

    def test_asks_for_a_good_password_and_is_not_used_up_by_a_bad_one(self, app, admin):
        invite(app, admin)
        link, *_ = link_of(app, "invitation")
        guest = Desk.of(app)
        guest.get(link)
        assert guest.post(link, {"password": "passwordpassword"}).status_code == 422
        assert guest.post(link, {"password": CHOSEN}).status_code == 302

    @pytest.mark.parametrize(
        ("changed", "says"),
        [
            (
                {"email": "somebody@elsewhere.example"},
                "Use an address of your authority",
            ),
            ({"email": "not an address"}, "Write an e-mail address"),
            ({"email": ""}, "Write an e-mail address"),
            ({"name": " "}, "Write the name"),
            ({"name": "x" * 201}, "Write the name"),
            ({"name": "A\0B"}, "Write the name"),
            ({"roles": []}, "Choose at least one role"),
            ({"roles": ["king"]}, "Choose at least one role"),
        ],
    )
    def test_that_cannot_be_sent_says_what_to_change(self, app, admin, changed, says):
        answer = invite(app, admin, **changed)
        assert answer.status_code == 422
        assert says in shown(answer.text)
        assert not db.session.scalar(select(OutboxMessage.id))

    def test_does_not_tell_who_has_an_account_elsewhere(self, app, admin):
        taken = factories.person(None, email="taken@desk.example").email
        answers = [
            invite(app, admin, email=email)
            for email in (taken, "nobody@elsewhere.example")
        ]
        first, second = (shown(answer.text).replace(taken, "") for answer in answers)
        assert first == second


class TestTheDomainsThatAreSet:
    @pytest.fixture
    def settings(self, settings):
        domains = "XD-1=police.example, Labs.example; *=other.example"
        return replace(settings, mail_domains=domains)

    @pytest.mark.parametrize(
        ("code", "domain", "status"),
        [
            ("XD-1", "police.example", 303),
            ("XD-1", "labs.example", 303),
            ("XD-1", "sub.police.example", 422),
            # Its own mailbox has this one; what is set counts.
            ("XD-1", "desk.example", 422),
            ("XD-1", "other.example", 422),
            ("XD-2", "other.example", 303),
            ("XD-2", "police.example", 422),
        ],
    )
    def test_are_the_only_ones(self, app, admin, code, domain, status):
        admin.authority.code = code
        db.session.commit()
        answer = invite(app, admin, email=f"new@{domain}")
        assert answer.status_code == status
        if status == 422:
            assert "Use an address of your authority" in shown(answer.text)

    @pytest.mark.parametrize("text", ["police.example", "XD-1=", "=a.example", "A=b@c"])
    def test_that_are_not_written_as_they_should_be_stop_the_start(
        self, tmp_path, text
    ):
        with pytest.raises(SettingsError, match="TRACING_MAIL_DOMAINS"):
            load(tmp_path, SECRETS | {"TRACING_MAIL_DOMAINS": text})


class TestAForgottenPassword:
    @pytest.fixture
    def officer(self, admin, session):
        made = factories.person(
            admin.authority, Role.OFFICER, password=factories.PASSWORD
        )
        session.commit()
        return made

    def asked(self, app, officer):
        desk = Desk.of(app)
        desk.get("/forgotten")
        desk.post("/forgotten", {"email": officer.email.upper()})
        return link_of(app, "new_password")[0]

    def test_is_replaced_and_the_second_factor_stays(self, app, officer):
        desk = Desk.of(app)
        desk.signs_in(officer)
        desk.sets_up()
        link = self.asked(app, officer)
        thief = Desk.of(app)
        thief.get(link)
        answer = thief.post(link, {"password": CHOSEN})
        assert answer.location == "/sign-in"
        assert desk.get("/queue").status_code == 303
        assert Desk.of(app).signs_in(officer).status_code == 422
        asked = thief.signs_in(officer, CHOSEN)
        assert asked.location.startswith("/second-factor/code")
        assert thief.get("/queue").status_code == 303

    @pytest.mark.parametrize(("minutes", "status"), [(29, 200), (31, 404)])
    def test_link_lasts_half_an_hour(self, app, officer, minutes, status):
        link = self.asked(app, officer)
        later = datetime.now(UTC) + timedelta(minutes=minutes)
        with time_machine.travel(later, tick=False):
            assert Desk.of(app).get(link).status_code == status

    def test_link_is_good_once(self, app, officer):
        link = self.asked(app, officer)
        desk = Desk.of(app)
        desk.get(link)
        assert desk.post(link, {"password": CHOSEN}).status_code == 303
        assert desk.post(link, {"password": CHOSEN}).status_code == 404

    def test_link_of_one_kind_is_none_of_another(self, app, officer):
        token = self.asked(app, officer).rpartition("/")[2]
        assert Desk.of(app).get(f"/invitation/{token}").status_code == 404

    def test_is_not_asked_for_without_end(self, app, officer):
        """A stranger fills no mailbox, learns nothing, and makes nobody wait."""
        known, stranger = Desk.of(app), Desk.of(app)
        known.signs_in(officer)
        known.sets_up()
        known.get("/account")
        known.post("/sign-out")
        db.session.execute(delete(OutboxMessage))
        form = {"email": officer.email}
        stranger.get("/forgotten")
        known.get("/forgotten")
        asked = [stranger.post("/forgotten", form) for _ in range(7)]
        assert [one.status_code for one in asked] == [200] * 7
        assert len({bare(one.text) for one in asked}) == 1
        assert len(mails("new_password")) == 5
        assert known.post("/forgotten", form).status_code == 200
        assert len(mails("new_password")) == 6

    def test_of_a_known_browser_waits_by_itself(self, app, officer):
        known = Desk.of(app)
        known.signs_in(officer)
        known.sets_up()
        known.get("/account")
        known.post("/sign-out")
        form = {"email": officer.email}
        known.get("/forgotten")
        asked = [known.post("/forgotten", form).status_code for _ in range(6)]
        assert asked == [200] * 5 + [429]

    def test_link_is_not_voided_by_who_asks_again_and_again(self, app, officer):
        first = self.asked(app, officer)
        assert self.asked(app, officer) != first
        desk = Desk.of(app)
        assert desk.get(first).status_code == 200
        later = datetime.now(UTC) + timedelta(minutes=31)
        for _ in range(6):
            desk.post("/forgotten", {"email": officer.email})
        sent = len(mails("new_password"))
        # Past the limit one is sent again as soon as none is good any more.
        with time_machine.travel(later, tick=False):
            desk.post("/forgotten", {"email": officer.email})
        assert len(mails("new_password")) == sent + 1

    def test_links_are_void_once_a_password_was_chosen(self, app, officer):
        first, second = self.asked(app, officer), self.asked(app, officer)
        desk = Desk.of(app)
        desk.get(second)
        assert desk.post(second, {"password": CHOSEN}).status_code == 303
        assert desk.get(first).status_code == 404
        third = self.asked(app, officer)
        here = signed_in(app, officer)
        here.get("/account/password")
        assert here.post("/account/password", {"password": OTHER}).status_code == 303
        assert desk.get(third).status_code == 404

    def test_is_entered_without_what_was_typed(self, app, officer):
        desk = Desk.of(app)
        desk.get("/forgotten")
        desk.post("/forgotten", {"email": officer.email})
        desk.post("/forgotten", {"email": "nobody@elsewhere.example"})
        db.session.expire_all()
        (ours,) = entries(officer.authority_id, Kind.PASSWORD_ASKED)
        assert ours.payload == {"account": officer.id}
        (nobody,) = entries(journal.SYSTEM, Kind.PASSWORD_ASKED)
        assert "elsewhere" not in nobody.text


def mails(event):
    db.session.expire_all()
    found = select(OutboxMessage).where(OutboxMessage.event == event)
    return db.session.scalars(found).all()


def test_mails_about_accounts_hold_nothing_of_a_case_or_a_state(app, admin, session):
    invite(app, admin)
    _, row, written = link_of(app, "invitation")
    home = session.scalar(select(Authority).where(Authority.id == admin.authority_id))
    text = written.subject + written.text + written.html
    assert home.name not in text
    assert "Kenya" not in text
    assert row.request_id is None
    assert written.thread == ""
