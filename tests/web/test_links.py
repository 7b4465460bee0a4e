"""The links of mails, which name no State, lead where they should."""

import re

from tests import factories
from workflows.policies import Role


def signed_in(client, account):
    page = client.get("/sign-in")
    token = re.search(r'name="csrf_token" value="([^"]+)', page.text)[1]
    fields = {"email": account.email, "password": factories.PASSWORD}
    client.post("/sign-in", data={"csrf_token": token, **fields})
    return client


def test_the_number_of_a_mail_leads_to_its_request(client, session):
    of = factories.sides(password=factories.PASSWORD)
    request = factories.sent(of)
    session.commit()
    reference, number = request.reference, request.mail_number
    answer = signed_in(client, of.officer).get(f"/go/{number}")
    assert answer.status_code == 303
    assert answer.location.endswith(reference)


def test_a_foreign_number_is_as_if_it_were_not_there(client, session):
    of = factories.sides(password=factories.PASSWORD)
    number = factories.sent(of).mail_number
    stranger = factories.person(
        factories.authority(), Role.OFFICER, password=factories.PASSWORD
    )
    session.commit()
    signed_in(client, stranger)
    foreign, unknown = client.get(f"/go/{number}"), client.get("/go/2026-00000000")
    assert foreign.status_code == unknown.status_code == 404


def test_a_link_that_was_cut_is_not_found(client, session):
    of = factories.sides(password=factories.PASSWORD)
    session.commit()
    signed_in(client, of.officer)
    for cut in ("2026", "2026-", "x-y", "2026-٠٠٠٠٠٠٠A"):
        assert client.get(f"/go/{cut}").status_code == 404
