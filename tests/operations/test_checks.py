"""Each check: a healthy installation passes, and one broken thing gives one message."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.operations.healthy import (
    FACTS,
    NOW,
    SETTINGS,
    but,
    on_sqlite,
    with_values,
)
from tracing.notifications.outbox import Pending
from tracing.operations.checks import CHECKS, Level
from tracing.operations.doctor import Finding, judge, lines, worst
from tracing.operations.facts import Shown
from tracing.operations.pause import Pause

HOURS = timedelta(hours=1)
W, E = Level.WARNING, Level.ERROR
SAME = SETTINGS.secret_key

BROKEN = [
    (but(python=(3, 10, 9)), "python", E, "Python 3.10.9 is too old: use 3.11"),
    (but(python=(3, 11, 7)), "python", W, "3.11.7 lacks security repairs: use 3.11.15"),
    (but(unmet=("flask is missing",)), "dependencies", E, "flask is missing: install"),
    (but(has_zones=False), "time-zones", E, "no time zones are known: install tzdata"),
    (but(unknown_zones=("X/Y",)), "time-zones", E, "no time zone X/Y"),
    (but(free=0.05), "disk", W, "5% of the disk of the instance folder is free"),
    (but(free=0.01), "disk", E, "1% of the disk .* nothing can be kept soon"),
    (but(debug=True), "debug", E, "debugging is on: take away FLASK_DEBUG"),
    (
        but(passwords_age=timedelta(days=101)),
        "password-list",
        W,
        "guessed first is 101 days here: renew zxcvbn",
    ),
    (but(fips=False), "fips", E, "does not keep to FIPS 140"),
    (but(folder_mode=0o750), "instance-folder", E, r"\(mode 0750\): chmod 700 /srv"),
    (but(open_files=("tracing.sqlite",)), "instance-files", E, r"\(tracing.sqlite\)"),
    (but(open_files=("config.py",)), "secrets-file", E, "chmod 600 .*config.py"),
    (but(open_files=("lookups.toml",)), "registers-file", E, "chmod 600 .*lookups.t"),
    (
        but(certificates=(Shown("bureau", "us.pem", NOW + timedelta(days=9)),)),
        "certificates",
        W,
        "register bureau is shown ends in 9 days: ask for a new one, put it at us.pem",
    ),
    (
        but(certificates=(Shown("bureau", "us.pem", NOW - 3 * HOURS),)),
        "certificates",
        W,
        "register bureau is shown ended 3 hours ago: ask for a new one",
    ),
    (
        but(certificates=(Shown("bureau", "us.pem", None),)),
        "certificates",
        W,
        "cannot be read: put a PEM file at us.pem",
    ),
    (but(look_up=NOW - 2 * HOURS), "look-ups", W, "waits since 2 hours: see that the"),
    (but(broken=("bureau",)), "registers", W, "bureau: left in peace.*Test now"),
    (but(of_nobody=("bureau",)), "notices", W, "set notices_to .* --again bureau"),
    (but(totp_key="short"), "secrets", E, "TRACING_TOTP_KEY is short or not random"),
    (but(secret_key="a" * 40), "secrets", E, "TRACING_SECRET_KEY is short or not"),
    (but(journal_key=SAME), "secrets", E, "one secret is used for two things"),
    (but(metrics_token="abc"), "secrets", E, "TRACING_METRICS_TOKEN is short"),
    (but(version=(14, 9)), "database-version", E, "PostgreSQL 14.9 is too old: use 15"),
    (but(superuser=True), "database-role", E, "as a superuser: .* NOSUPERUSER"),
    (but(owns=True), "database-role", E, "IN ROLE tracing_app"),
    (but(bypasses=True), "database-role", E, "with BYPASSRLS: .* NOBYPASSRLS"),
    (
        but(unforced=("alembic_version", "trace_request")),
        "row-security",
        E,
        "not forced on trace_request: ALTER TABLE",
    ),
    (with_values(fsync="off"), "database-settings", E, "fsync is off"),
    (with_values(lock_timeout="0"), "database-settings", E, "lock_timeout is without"),
    (
        with_values(statement_timeout="0"),
        "database-settings",
        E,
        "statement_timeout is without limit: put the settings of the postgresql.conf",
    ),
    (on_sqlite(synchronous="1"), "database-settings", E, "synchronous is 1"),
    (on_sqlite(busy_timeout="100"), "database-settings", E, "busy_timeout is under 5"),
    (with_values(data_checksums="off"), "database-checksums", W, "pg_checksums"),
    (
        but(database_url="postgresql://db.example/tracing?sslmode=require"),
        "database-tls",
        E,
        r"add \?sslmode=verify-full to TRACING_DATABASE_URL",
    ),
    *(
        (
            but(**{name: "postgresql://db.example/tracing?sslmode=require"}),
            "database-tls",
            E,
            f"add .*sslmode=verify-full to TRACING_{name.upper()}",
        )
        for name in ("worker_database_url", "owner_database_url", "backup_database_url")
    ),
    (but(policies=False), "row-security", E, "no table has a policy: run the migr"),
    (but(weak_keys=(3,)), "secrets", E, "key 3 of the personal fields was not drawn"),
    (but(disk="nfs4"), "database-disk", E, r"another machine \(nfs4\): keep it on"),
    (but(wal=300 << 20), "database-log", W, "has grown to 300 MB"),
    (but(revision="a"), "schema", E, "are of version a, .* needs b: run tracing db up"),
    (but(offset=-3.0), "clock", E, "is -3.0 s off that of this machine: keep both"),
    (but(public_url=""), "https", E, "TRACING_PUBLIC_URL does not begin with https"),
    (but(proxies=0), "proxies", E, "TRACING_PROXIES is 0 behind a web server"),
    (but(allowed_hosts=""), "hosts", E, "TRACING_ALLOWED_HOSTS is empty"),
    (
        but(second_factor_required=False),
        "second-factor",
        E,
        "a password alone lets people in",
    ),
    (but(demonstration=True), "demonstration", W, "this is a demonstration"),
    (
        but(administrators=1),
        "administrators",
        W,
        r"have a second factor \(1\): make it two",
    ),
    (but(mail_fault="Bcc"), "mail-headers", E, "no mail may be sent: Bcc"),
    (but(mail_from="a@b.example"), "mail-sender", W, "MAIL_FROM is that of an example"),
    (but(smtp_security="none"), "mail-tls", E, "in the clear: set TRACING_SMTP_SEC"),
    (
        but(mail=Pending(3, 0, NOW - HOURS)),
        "mail-out",
        W,
        "the oldest message has waited 60 minutes",
    ),
    (but(mail=Pending(0, 2, None)), "mail-dead", W, "2 messages were given up"),
    (
        but(pause=Pause(NOW - 3 * HOURS, "a restore")),
        "mail-paused",
        W,
        r"paused since 3 hours \(a restore\): tracing mail resume",
    ),
    (but(owed=NOW - HOURS), "reminders", W, "a reminder is owed since 60 minutes"),
    (but(worker=None), "worker", W, "the worker has never run here"),
    (
        but(worker=replace(FACTS.worker, at=NOW - 50 * HOURS)),
        "worker",
        W,
        "the worker is silent since 2 days: start",
    ),
    (but(scanner_fault="refused"), "scanner", W, r"does not answer \(refused\)"),
    (but(backup=None), "backup", W, "there has never been a backup: tracing backup"),
    (but(backup=NOW - 25 * HOURS), "backup", W, "the last backup is 25 hours old"),
    (but(backup_recipient=""), "backup-key", W, "tracing backup-key FILE makes a key"),
    (but(backup_recipient="age1x"), "backup-key", E, "is not a public key"),
    (but(drill=None), "restore-drill", W, "nobody has tried to restore a backup"),
    (but(drill=NOW - 91 * 24 * HOURS), "restore-drill", W, "was 91 days ago: tracing"),
    (but(index_key="short"), "secrets", E, "TRACING_INDEX_KEY is short or not"),
    (
        but(unopened="person.alias: key 3 is not in the ring"),
        "field-keys",
        E,
        r"does not open \(person.alias: key 3 is not in the ring\): put the field keys",
    ),
    (but(key_used=0.51), "key-use", W, "is used up to 51%: tracing keys add"),
    (but(unerased=NOW - HOURS), "erasures", W, "an erasure waits since 60 minutes"),
    (
        but(journal=("KE, entry 7 was changed",)),
        "journal",
        E,
        "KE, entry 7 was changed",
    ),
    (
        but(signature="unknown key"),
        "signing-key",
        E,
        "does not fit TRACING_JOURNAL_KEY",
    ),
    (but(unsigned=NOW - HOURS), "checkpoints", W, "not been signed for 60 minutes"),
    (but(missing_files=2), "files", E, "2 of the newest files are gone"),
    (but(changed_files=3), "files", E, "3 of the newest files were changed where"),
    (but(unknown_calendars=("XK",)), "calendars", W, "not all known for XK: renew the"),
]


def faults(facts) -> list[Finding]:
    return [found for found in judge(facts) if found.level is not Level.OK]


@pytest.mark.parametrize("facts", [FACTS, on_sqlite()], ids=["postgresql", "sqlite"])
def test_of_a_healthy_installation_there_is_nothing_to_say(facts):
    assert faults(facts) == []
    assert worst(judge(facts)) is Level.OK
    assert list(lines(judge(facts))) == [f"{len(CHECKS)} checks: 0 errors, 0 warnings"]


@pytest.mark.parametrize(
    ("facts", "name", "level", "text"),
    BROKEN,
    ids=[f"{b[1]}-{b[3][:20]}" for b in BROKEN],
)
def test_one_broken_thing_gives_its_message_and_no_other(facts, name, level, text):
    (found,) = faults(facts)
    assert (found.name, found.level) == (name, level)
    assert re.search(text, found.text), found.text
    assert ": " in found.text, "the remedy stands after what is wrong"


def test_a_site_that_others_reach_in_the_clear_is_an_error_of_its_own():
    given = replace(SETTINGS, host="0.0.0.0", behind_https=False)
    (found,) = faults(replace(FACTS, settings=given))
    assert (found.name, found.level) == ("https", E)
    assert "listens on 0.0.0.0 without HTTPS" in found.text


def test_a_database_that_is_gone_is_one_error_and_hides_no_other():
    facts = replace(but(debug=True), database=None, contents=None)
    found = faults(replace(facts, database_fault="connection refused"))
    assert [f.name for f in found] == ["debug", "database"]
    assert "cannot be reached (connection refused)" in found[1].text


def test_each_check_is_broken_by_a_test():
    broken = {name for _facts, name, _level, _text in BROKEN}
    assert {check.name for check in CHECKS} - broken == {"database"}
    assert len(CHECKS) >= 25
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_a_demonstration_is_let_off_what_it_cannot_keep_and_told_so():
    given = replace(SETTINGS, demonstration=True, second_factor_required=False)
    found = {f.name: f for f in faults(replace(FACTS, settings=given))}
    assert set(found) == {"demonstration", "second-factor"}
    assert found["second-factor"].level is W
    assert found["second-factor"].text.startswith("only as a demonstration: a password")


def test_a_demonstration_is_not_let_off_what_it_can_keep():
    given = replace(SETTINGS, demonstration=True, secret_key="changeme")
    found = {f.name: f.level for f in faults(replace(FACTS, settings=given))}
    assert found["secrets"] is E


def test_a_start_does_not_ask_for_what_needs_a_running_service():
    facts = replace(but(owed=NOW - HOURS), worker=None)
    assert [f.name for f in judge(facts, starting=True) if f.level] == []
    assert {f.name for f in faults(facts)} == {"reminders", "worker"}


def test_a_host_on_this_machine_needs_no_encryption():
    local = but(smtp_security="none")
    assert not faults(replace(local, settings=replace(local.settings, smtp_host="::1")))
    assert not faults(but(database_url="postgresql://u@/d?host=/run/postgresql"))


def test_the_page_for_operators_lists_the_checks_there_are():
    page = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| (.+\.) \| ([dr]*) \|$", page, re.MULTILINE)
    marks = {True: "d", False: ""}, {True: "r", False: ""}
    assert rows == [
        (c.name, c.promise, marks[0][c.lenient] + marks[1][c.running]) for c in CHECKS
    ]
