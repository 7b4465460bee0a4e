"""A program is told what happens: signed, again until it arrives, and nowhere inside."""

import json
import ssl
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlalchemy import select

from tests import factories
from tests.api.test_bad_inputs import is_a_problem
from tests.journal.conftest import entries
from tests.programs import program
from tracing.accounts.tokens import Scope
from tracing.casework import webhooks
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.journal.kinds import Kind
from tracing.models import ClientToken, Webhook, WebhookDelivery
from tracing.reference import certificates
from workflows.policies import Role
from workflows.states import Trigger

run = partial(webhooks.run, factories.actor_of)
INSIDE = {
    "S03": "https://0x7f.1/",
    "S04": "https://2130706433/",
    "S05": "https://017700000001/",
    "S06": "https://①②⑦.⓪.⓪.①/",
    "S07": "https://[::ffff:10.0.0.1]/",
    "S08": "https://[64:ff9b::7f00:1]/",
    "S09": "https://[2002:7f00:1::]/",
    "S10": "https://169.254.169.254/latest/meta-data/",
    "S11": "https://100.64.0.1/",
    "S13": "https://ok.example@127.0.0.1/",
    "no https": "http://cases.example/",
    "another port": "https://cases.example:22/",
    "a fragment": "https://cases.example/#a",
}


class Receiver(HTTPServer):
    """Takes messages on this machine, by TLS; `answer` is the status it gives."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Taking)
        self.taken, self.answer = [], 204
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)


class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((dict(self.headers), body))
        self.send_response(self.server.answer)
        if self.server.answer == 302:
            self.send_header("Location", f"https://127.0.0.1:{self.server.server_port}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_given):
        """Say nothing."""


@contextmanager
def receiving(folder):
    server = Receiver(folder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver(app):
    folder = Path(app.instance_path)
    certificates.make(folder)
    with receiving(folder) as server:
        app.extensions["tracing.settings"] = replace(
            app.extensions["tracing.settings"],
            webhook_ports=str(server.server_port),
            webhook_networks="127.0.0.0/8",
            webhook_ca_file="ca.pem",
        )
        yield server


@pytest.fixture
def hook(asked, receiver):
    """A webhook of who answers."""
    url = f"https://127.0.0.1:{receiver.server_port}/trace"
    made = asked.post("webhooks", {"url": url})
    assert made.status_code == 201, made.text
    return made.json


def test_a_program_is_told_once_and_can_check_who_says_so(asked, of, hook, receiver):
    request = factories.sent(of)
    assert run() == 1
    assert run() == 0
    ((headers, body),) = receiver.taken
    said = json.loads(body)
    assert (said["step"], said["reference"]) == ("submit", request.reference)
    stamp, mark = headers["Trace-Signature"].split(",")
    right = webhooks.signature(hook["secret"], stamp.removeprefix("t="), body)
    assert mark == f"v1={right}"
    assert headers["Trace-Delivery"] == said["delivery"]
    (log,) = asked.get(f"{hook['href']}/deliveries").json["items"]
    assert (log["status"], log["attempts"]) == (204, 1)
    assert "secret" not in asked.get("webhooks").json["items"][0]
    again = asked.post(f"{hook['href']}/deliveries/{log['key']}/resend")
    assert again.status_code == 200
    assert run() == 1
    assert json.loads(receiver.taken[1][1]) == said


def test_what_does_not_arrive_is_tried_again_after_growing_pauses(of, hook, receiver):
    receiver.answer = 500
    factories.sent(of)
    now, due = utcnow(), []
    for _ in range(3):
        assert run(now=now) == 0
        row = db.session.scalars(select(WebhookDelivery)).one()
        due.append(row.next_at - now)
        now = row.next_at
        db.session.commit()
    assert due == list(webhooks.PAUSES[:3])
    assert due == sorted(set(due))
    receiver.answer = 200
    assert run(now=now) == 1
    assert len({headers["Trace-Delivery"] for headers, _ in receiver.taken}) == 1


def test_a_receiver_that_is_gone_is_told_nothing_more(asked, of, hook, receiver):
    receiver.answer = 410
    factories.after(of, Trigger.SUBMIT, Trigger.WITHDRAW)
    run()
    later = utcnow() + timedelta(days=3)
    assert run(now=later) == 0
    assert len(receiver.taken) <= 2
    (row,) = asked.get("webhooks").json["items"]
    assert row["disabled_why"] == "gone"


def test_a_receiver_that_leads_elsewhere_is_not_followed(asked, of, hook, receiver):
    receiver.answer = 302
    factories.sent(of)
    assert run() == 0
    assert len(receiver.taken) == 1
    (log,) = asked.get(f"{hook['href']}/deliveries").json["items"]
    assert (log["why"], log["status"]) == ("refused", 302)


@pytest.mark.parametrize("name", INSIDE)
def test_no_message_goes_inside(asked, name):
    answer = asked.post("webhooks", {"url": INSIDE[name]})
    said = is_a_problem(answer, 422, "invalid")
    assert said["errors"][0]["pointer"] == "/url"
    assert db.session.scalars(select(Webhook)).all() == []


def test_the_address_is_checked_again_when_it_is_connected(app, asked, of, receiver):
    row, _secret = webhooks.make(
        factories.actor_of(of.officer),
        f"https://127.0.0.1:{receiver.server_port}/trace",
    )
    assert row.id
    app.extensions["tracing.settings"] = replace(
        app.extensions["tracing.settings"], webhook_networks=""
    )
    factories.sent(of)
    assert run() == 0
    assert receiver.taken == []
    assert db.session.scalars(select(WebhookDelivery.why)).all() == ["blocked_address"]


def test_nobody_else_is_told_and_nothing_that_is_kept_from_the_account(
    app, of, hook, receiver
):
    factories.sent(factories.sides())
    factories.sent(of, **factories.CONFIDENTIAL)
    assert run() == 0
    assert receiver.taken == []
    other = program(app, factories.person(of.asked, Role.OFFICER))
    assert other.get("webhooks").json["items"] == []
    assert other.get(f"{hook['href']}/deliveries").status_code == 404
    assert other.call("DELETE", hook["href"], Idempotency_Key="k").status_code == 404


def test_a_webhook_that_has_ended_is_told_nothing(asked, of, hook, receiver):
    ended = asked.call("DELETE", hook["href"], Idempotency_Key="one")
    assert ended.json["disabled_at"]
    factories.sent(of)
    assert run() == 0
    assert receiver.taken == []


@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize("why", ["revoked", "expired", "other scopes", "account"])
def test_who_may_not_read_is_told_nothing_more(app, of, hook, receiver, why, planned):
    receiver.answer = 500
    if planned:
        factories.sent(of)
        assert run() == 0
        receiver.taken.clear()
    token, now = db.session.scalars(select(ClientToken)).one(), utcnow()
    match why:
        case "revoked":
            token.revoked_at = now
        case "expired":
            token.expires_at = now
        case "other scopes":
            token.scopes = (Scope.READ,)
        case "account":
            token.account.active = False
    db.session.commit()
    factories.sent(of)
    receiver.answer = 204
    assert run(now=now + timedelta(hours=1)) == 0
    assert receiver.taken == []
    row = db.session.scalars(select(Webhook)).one()
    assert row.disabled_at
    assert row.disabled_why == ("account" if why == "account" else "token")
    said = entries(of.asked.id, Kind.WEBHOOK_CHANGED)[-1].payload
    assert said == {"webhook": row.id, "disabled": row.disabled_why}


def test_a_webhook_goes_on_with_the_next_token(app, of, hook, receiver):
    token = db.session.scalars(select(ClientToken)).one()
    token.revoked_at = utcnow()
    program(app, of.officer, Scope.FEED)
    factories.sent(of)
    assert run() == 1
    assert webhooks.FOLLOWS == Scope.FEED
