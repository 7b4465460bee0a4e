"""Every answer, whatever it is: its headers, its host, its token."""

import re
from dataclasses import replace
from itertools import product

import pytest

from tests import factories
from tests.conftest import client_of
from tests.databases import on_sqlite
from tests.factories import files
from tests.programs import program
from tests.visitors import shown, signed_in, stranger
from tests.web.test_files import WHOLE, filed, rows, sent
from tracing.api.documents import POLICY as DRAWN
from tracing.config import Settings, SettingsError, load
from tracing.security.headers import OWN, POLICY
from tracing.security.programs import ROOT
from workflows.policies import Role

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
STATIC = "static"


def address_of(rule, request, token: str) -> str:
    values = {
        "reference": request.reference,
        "number": request.mail_number,
        "step": "note",
        "code": request.requested.code,
        "filename": "app.css",
        "form": "csv",
        "token": token,
    }
    known = re.sub(r"<int:\w+>", "1", rule.rule)
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda m: values.get(m[1], "1"), known)


def wrong(answer) -> list[str]:
    """Which headers an answer lacks."""
    found = [
        f"{name}: {answer.headers.get(name)}"
        for name, value in EVERYWHERE.items()
        if answer.headers.get(name) != value
    ]
    policy = answer.headers.get("Content-Security-Policy", "")
    drawn = answer.request.path == "/interface" and policy == DRAWN
    sandboxed = policy.startswith("sandbox; default-src 'none'")
    if policy != POLICY and not (sandboxed or drawn):
        found.append(f"Content-Security-Policy: {policy}")
    allowed = answer.headers.get("Permissions-Policy", "")
    if set(re.findall(r"([\w-]+)=(?!\(\))", allowed)) != set(OWN):
        found.append(f"Permissions-Policy: {allowed}")
    if {"geolocation=()", "camera=()"} - set(allowed.split(", ")):
        found.append(f"Permissions-Policy: {allowed}")
    kept = answer.headers.get("Cache-Control") == "private, no-store"
    is_static = answer.request.path.startswith("/static/") and answer.status_code < 400
    if kept is is_static:
        found.append(f"Cache-Control: {answer.headers.get('Cache-Control')}")
    told = {"Access-Control-Allow-Origin", "Server", "X-Powered-By"}
    return found + sorted(told & set(answer.headers.keys()))


@pytest.fixture
def request_(app, of):
    visitor = signed_in(app, of.investigator)
    return filed(visitor, of, **{WHOLE: [sent(files.png())]})


def test_scripts_make_no_page_and_nothing_comes_from_elsewhere():
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in POLICY
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


@on_sqlite
def test_every_answer_has_its_headers(app, of, request_):
    (row,) = rows()
    people = [
        stranger(app),
        signed_in(app, of.investigator),
        signed_in(app, of.officer),
        signed_in(app, factories.person(of.asking, *Role)),
    ]
    seen = set()
    for account in (of.investigator, of.officer):
        rules = product(app.url_map.iter_rules(), METHODS)
        asks_with_a_token(app, program(app, account), rules, request_, row.token)
    for visitor in people:
        # What no page takes is refused before anybody is asked who he is.
        methods = METHODS if visitor in (people[0], people[-1]) else METHODS[:4]
        for rule, method in product(app.url_map.iter_rules(), methods):
            answer = visitor.client.open(
                address_of(rule, request_, row.token), method=method
            )
            assert wrong(answer) == [], f"{method} {rule}: {answer.status_code}"
            assert answer.status_code < 500 or rule.endpoint == "watch.ready"
            seen.add(answer.status_code)
            answer.close()
    assert seen >= {200, 303, 400, 404, 405}


def asks_with_a_token(app, client, rules, request, token):
    for rule, method in rules:
        if not rule.rule.startswith(ROOT):
            continue
        where = address_of(rule, request, token)
        answer = client.call(method, where, Idempotency_Key=f"{method} {where}"[:99])
        assert wrong(answer) == [], f"{method} {rule}: {answer.status_code}"
        assert answer.status_code < 500
        assert "Set-Cookie" not in answer.headers
        if answer.status_code >= 400 and method != "HEAD":
            assert answer.mimetype == "application/problem+json"


METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")


def test_an_answer_to_nonsense_has_its_headers_too(app, of):
    visitor = signed_in(app, of.officer)
    for address in ("/nope", "/static/nope.css", "/static/../config.py", "/.git/HEAD"):
        answer = visitor.get(address)
        assert answer.status_code == 404
        assert wrong(answer) == []
    large = visitor.post("/sign-in", {"email": "x" * 3_000_000})
    assert large.status_code == 413
    assert wrong(large) == []


def test_a_page_that_breaks_has_its_headers_and_tells_nothing(app, of, caplog):
    def breaks():
        raise RuntimeError("secret path /srv/tracing")

    app.add_url_rule("/breaks", "breaks", breaks)
    answer = signed_in(app, of.officer).get("/breaks")
    assert answer.status_code == 500
    assert wrong(answer) == []
    assert "secret path" not in answer.text
    assert "Traceback" not in answer.text
    assert "unexpected in breaks" in caplog.text


def test_signing_out_empties_the_browser(app, of):
    visitor = signed_in(app, of.officer)
    visitor.get("/queue")
    answer = visitor.post("/sign-out")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    with visitor.client.session_transaction() as left:
        assert "sid" not in left
    assert visitor.get("/queue").status_code == 303


class TestBehindHttps:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, behind_https=True, allowed_hosts="trace.example")

    def test_browsers_are_told_to_stay_with_it(self, app):
        answer = client_of(app).get("/sign-in", headers={"Host": "trace.example"})
        told = "max-age=31536000; includeSubDomains"
        assert answer.headers["Strict-Transport-Security"] == told
        for address in ("/nope", "/static/app.css", "/", "/healthz"):
            host = {"Host": "trace.example"}
            answer = client_of(app).get(address, headers=host)
            assert answer.headers["Strict-Transport-Security"] == told
            answer.close()
        answer = client_of(app).get("/", headers={"Host": "other.example"})
        assert answer.status_code == 400
        assert answer.headers["Strict-Transport-Security"] == told


class TestFormsBehindAProxyThatSpeaksHttps:
    @pytest.fixture
    def settings(self, settings):
        return replace(
            settings, behind_https=True, proxies=1, allowed_hosts="trace.example"
        )

    def sent_in(self, app, officer, **more):
        """A browser posts no Referer: our own policy tells it to send none."""
        given = {
            "headers": {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"},
            "base_url": "https://trace.example",
        }
        desk = stranger(app)
        assert desk.get("/sign-in", **given).status_code == 200
        given["headers"] |= more
        form = {"email": officer.email, "password": factories.PASSWORD}
        return desk.post("/sign-in", form, **given)

    def test_are_taken_without_a_referer(self, app, of):
        officer = factories.person(of.asked, Role.OFFICER, password=factories.PASSWORD)
        answer = self.sent_in(app, officer, **{"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 302
        assert self.sent_in(app, officer).status_code == 302

    @pytest.mark.parametrize("place", ["cross-site", "same-site"])
    def test_are_refused_where_a_browser_says_they_come_from_elsewhere(
        self, app, of, place
    ):
        officer = factories.person(of.asked, Role.OFFICER, password=factories.PASSWORD)
        answer = self.sent_in(app, officer, **{"Sec-Fetch-Site": place})
        assert answer.status_code == 400
        assert "reload it, and send it again" in shown(answer.text)


class TestTheHost:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, allowed_hosts="trace.example, .desk.example")

    @pytest.mark.parametrize(
        "host",
        ["trace.example", "trace.example:8000", "TRACE.example", "a.desk.example"],
    )
    def test_that_is_ours_is_served(self, app, host):
        answer = client_of(app).get("/sign-in", headers={"Host": host})
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "trace.example.evil.example",
            "trace.example@evil.example",
            "xtrace.example",
            "127.0.0.1",
            "[::1]",
            "trace.example/",
            "trace.example:port",
            "trace.example, evil.example",
            "",
            "\0",
            "x" * 9000,
        ],
    )
    @pytest.mark.parametrize("address", ["/sign-in", "/nope", "/static/app.css"])
    def test_of_another_name_is_refused_everywhere(self, app, host, address):
        answer = client_of(app).get(address, headers={"Host": host})
        assert answer.status_code == 400
        assert wrong(answer) == []
        assert "evil" not in answer.text
        assert "Use the address that your administrator gave you" in answer.text


class TestTheSettingOfHosts:
    SECRETS = (
        *("SECRET_KEY", "PASSWORD_SALT", "TOTP_KEY"),
        *("JOURNAL_KEY", "INDEX_KEY", "FIELD_KEYS"),
    )

    def loaded(self, tmp_path, **given: str) -> Settings:
        environ = {f"TRACING_{name}": "x" * 40 for name in self.SECRETS}
        more = {f"TRACING_{name.upper()}": value for name, value in given.items()}
        return load(tmp_path, environ | more)

    @pytest.mark.parametrize(
        "given", [{}, {"host": "::1"}, {"host": "0.0.0.0", "demonstration": "yes"}]
    )
    def test_may_stay_empty_on_this_machine_and_in_a_demonstration(
        self, tmp_path, given
    ):
        assert self.loaded(tmp_path, **given).hosts == ()

    @pytest.mark.parametrize("given", [{"host": "0.0.0.0"}, {"behind_https": "yes"}])
    def test_is_asked_for_by_a_service(self, tmp_path, given):
        with pytest.raises(SettingsError, match="TRACING_ALLOWED_HOSTS"):
            self.loaded(tmp_path, **given)
        found = self.loaded(tmp_path, **given, allowed_hosts="a.example,b.example")
        assert found.hosts == ("a.example", "b.example")


def test_no_form_is_taken_without_the_token_of_its_session(
    app, of, request_, everything
):
    """Every address that takes a POST, signing in among them."""
    (row,) = rows()
    people = [
        stranger(app),
        signed_in(app, of.investigator),
        signed_in(app, factories.person(of.asking, *Role)),
    ]
    other = signed_in(app, of.officer)
    other.get("/queue")
    # Programs bring no session, and none of theirs is taken: tests/api.
    posting = [
        rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith(ROOT)
    ]
    assert {"signing.give_password", "signing.sign_out"} <= {
        r.endpoint for r in posting
    }
    assert len(posting) >= 10
    form = factories.complete_form(of.asked) | {"version": "1", "authorised": "true"}
    form |= {"email": "a@b.example", "password": factories.PASSWORD, "text": "x"}
    before = everything()
    for visitor in people:
        for rule in posting:
            address = address_of(rule, request_, row.token)
            for token in ({}, {"csrf_token": ""}, {"csrf_token": other.token}):
                answer = visitor.client.post(address, data=form | token)
                assert answer.status_code == 400, (rule, token)
                assert "reload it, and send it again" in shown(answer.text), rule
    assert everything() == before
