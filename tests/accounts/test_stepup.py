"""A step-up: what is delicate asks for a factor of the last ten minutes."""

from tests import factories
from tests.visitors import signed_in
from workflows.policies import Role

DELICATE = {
    # what leaves the house
    *("journal.export", "keeping.export_person", "keeping.person", "exports.take"),
    *("exchange.export", "exchange.table"),
    # how long, and the end
    *("keeping.years", "keeping.lift", "keeping.order", "keeping.give"),
    *("record_reviews.ask", "record_reviews.give", "keeping.introduce"),
    # programs that work for somebody
    *("tokens.make", "tokens.revoke", "tokens.add_program"),
    # people and their roles
    *("people.invite", "people.invite_again", "people.roles", "people.disable"),
    *("people.enable", "people.end_sessions", "people.reset_factor"),
    # one's own account
    *("account.password", "account.recovery_codes", "account.remove_key"),
    *("account.remove_authenticator", "account.unlink", "signing.link"),
    # in an emergency
    *("emergency.ask", "emergency.give"),
}


def test_every_delicate_step_is_marked_and_no_other(app):
    marked = {
        name
        for name, view in app.view_functions.items()
        if getattr(view, "recent_factor", None) == 10
    }
    assert marked == DELICATE


def test_a_journal_is_not_exported_by_who_signed_in_an_hour_ago(app, session):
    auditor = factories.person(None, Role.AUDITOR)
    late, fresh = signed_in(app, auditor, minutes_ago=11), signed_in(app, auditor)
    form = {"back": "/journal"}
    assert late.post("/journal/export", form).location == "/confirm?next=/journal"
    assert fresh.post("/journal/export", form).mimetype == "text/plain"
    assert 'name="back" value="/journal"' in fresh.get("/journal").text
