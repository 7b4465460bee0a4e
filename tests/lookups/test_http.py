"""What another system can do to us: each has its outcome, and none is "no record"."""

import ipaddress
import time

import pytest

from tests.lookups.conftest import (
    ASKER,
    IMPATIENT,
    KEY,
    KNOWN,
    UNKNOWN,
    settings_for,
)
from tracing.lookups import http
from tracing.lookups.http import HttpSettings, is_allowed
from tracing.lookups.json_service import Iarms
from tracing.lookups.port import Answer, NotAnswered, NotYet
from tracing.reference import certificates
from tracing.reference.server import FAULTS
from workflows.vocabulary import LookupOutcome

OUT = LookupOutcome
AMOUNTS_TO = {
    "slow": OUT.TIMED_OUT,
    "hang": OUT.TIMED_OUT,
    "drip": OUT.TIMED_OUT,
    "error": OUT.UNAVAILABLE,
    "half": OUT.NOT_UNDERSTOOD,
    "cut": OUT.NOT_UNDERSTOOD,
    "other_case": OUT.NOT_UNDERSTOOD,
    "duplicates": OUT.HIT,
    "twice": OUT.NOT_UNDERSTOOD,
    "redirect": OUT.NOT_UNDERSTOOD,
    "huge": OUT.NOT_UNDERSTOOD,
    "incomplete": OUT.PARTIAL,
    "not_json": OUT.NOT_UNDERSTOOD,
}


def outcome(ask):
    """What one question amounts to."""
    try:
        return ask().outcome
    except NotAnswered as said:
        return said.outcome


def test_every_fault_of_the_server_is_tried():
    assert set(AMOUNTS_TO) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_outcome_within_the_deadline(iarms, faulty, fault):
    faulty(fault)
    late = AMOUNTS_TO[fault] is OUT.TIMED_OUT
    start = time.monotonic()
    lookup = iarms(**(IMPATIENT if late else {}))
    found = outcome(lambda: lookup.search(KNOWN, "a trace", ASKER))
    assert not late or time.monotonic() - start < 12
    assert found is AMOUNTS_TO[fault]


def test_nothing_but_a_whole_answer_says_that_there_is_no_record(iarms, faulty):
    assert iarms().search(UNKNOWN, "a trace", ASKER).outcome is OUT.NO_HIT
    for fault in FAULTS:
        # What a doubled nothing is, is nothing.
        if fault in ("duplicates", "twice", "slow", "hang", "drip"):
            continue
        faulty(fault)
        found = outcome(lambda: iarms().search(UNKNOWN, "a trace", ASKER))
        assert found is not OUT.NO_HIT, fault


def test_an_adapter_cannot_call_a_failure_an_answer():
    for word in (OUT.HIT, OUT.NO_HIT, OUT.PARTIAL):
        with pytest.raises(ValueError, match="is an answer"):
            NotAnswered(word, "x")
    assert Answer((), complete=False).outcome is OUT.PARTIAL


def test_the_same_candidate_twice_is_one(iarms, faulty):
    faulty("duplicates")
    assert len(iarms().search(KNOWN, "a trace", ASKER).candidates) == 1


class TestWhoItIs:
    def test_without_a_certificate_nobody_is_let_in(self, iarms):
        alone = iarms(client_certificate="", client_key="")
        assert outcome(lambda: alone.search(KNOWN, "x", ASKER)) is OUT.UNAVAILABLE

    def test_a_server_of_somebody_elses_is_not_spoken_to(self, iarms):
        other = iarms(ca_file="")
        with pytest.raises(NotAnswered, match="certificate") as said:
            other.search(KNOWN, "x", ASKER)
        assert said.value.outcome is OUT.UNAVAILABLE

    def test_a_wrong_key_is_not_permitted(self, iarms):
        with pytest.raises(NotAnswered, match="refuses us") as said:
            iarms(api_key="wrong").search(KNOWN, "x", ASKER)
        assert said.value.outcome is OUT.NOT_PERMITTED

    def test_a_certificate_that_changes_is_noticed(self, stand_in, tmp_path):
        pin = certificates.fingerprint(stand_in.folder / "server.pem")
        pinned = Iarms(settings_for(stand_in, fingerprint=pin), stand_in.folder)
        assert pinned.search(KNOWN, "x", ASKER).outcome is OUT.HIT
        wrong = settings_for(stand_in, fingerprint="ab" * 32)
        with pytest.raises(NotAnswered, match="not the one that is pinned") as said:
            Iarms(wrong, stand_in.folder).search(KNOWN, "x", ASKER)
        assert said.value.outcome is OUT.UNAVAILABLE
        certificates.make(tmp_path)
        stand_in.use(tmp_path)
        try:
            with pytest.raises(NotAnswered, match="certificate"):
                pinned.search(KNOWN, "x", ASKER)
        finally:
            stand_in.use(stand_in.folder)


class TestWhereItGoes:
    def test_not_to_this_machine_unless_it_is_named(self, iarms):
        with pytest.raises(NotAnswered, match="address that is not allowed") as said:
            iarms(networks=()).search(KNOWN, "x", ASKER)
        assert said.value.outcome is OUT.UNAVAILABLE

    @pytest.mark.parametrize(
        "address",
        [
            *("127.0.0.1", "10.0.0.1", "172.16.9.9", "192.168.1.1", "169.254.169.254"),
            *("100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::"),
            *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1"),
            *("fc00::1", "ff02::1", "192.0.0.8", "2001:db8::1"),
        ],
    )
    def test_to_no_address_of_a_house(self, address):
        assert not is_allowed(ipaddress.ip_address(address))

    def test_to_one_in_the_world_or_in_a_network_that_is_named(self):
        assert is_allowed(ipaddress.ip_address("9.9.9.9"))
        assert is_allowed(ipaddress.ip_address("2620:fe::fe"))
        assert is_allowed(ipaddress.ip_address("10.1.2.3"), ("10.1.0.0/16",))
        assert not is_allowed(ipaddress.ip_address("10.2.2.3"), ("10.1.0.0/16",))

    def test_what_was_checked_is_what_is_connected_to(
        self, iarms, stand_in, monkeypatch
    ):
        """A name that would lead elsewhere the second time is resolved once."""
        asked = []
        real = http.socket.getaddrinfo

        def resolve(host, *given, **more):
            asked.append(host)
            return real(host, *given, **more)

        monkeypatch.setattr(http.socket, "getaddrinfo", resolve)
        service = iarms(url=f"https://localhost:{stand_in.server_port}/v1")
        assert service.search(UNKNOWN, "x", ASKER).outcome is OUT.NO_HIT
        assert asked.count("localhost") == 1


class TestSettings:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"url": "http://bureau.example/v1"}, "https"),
            ({"url": "https://a:b@bureau.example/"}, "https"),
            ({"url": "https://bureau.example:8443/"}, "ports"),
            ({"url": "https://bureau.example/?q=1"}, "leave out"),
            ({"url": "https://a.example/", "hosts": ("b.example",)}, "hosts"),
            ({"url": "https://a.example/", "client_key": "k"}, "both"),
            ({"url": "https://a.example/", "fingerprint": "12"}, "64"),
            ({"url": "https://a.example/", "deadline": 600.0}, "deadline"),
        ],
    )
    def test_that_cannot_be_safe_are_refused(self, given, words):
        with pytest.raises(ValueError, match=words):
            HttpSettings(**given)


def test_only_what_is_safe_is_tried_again(iarms, faulty, stand_in):
    faulty("error")
    before = stand_in.records.asked().get("safe", 0)
    service = iarms(tries=3)
    who = ASKER.__class__("BR-1", "BR-1/17", "safe")
    assert outcome(lambda: service.search(KNOWN, "x", who)) is OUT.UNAVAILABLE
    assert stand_in.records.asked()["safe"] - before == 3
    other = ASKER.__class__("BR-1", "BR-1/17", "unsafe")
    with pytest.raises(NotAnswered):
        service.submit_trace(KNOWN, "x", other)
    assert stand_in.records.asked()["unsafe"] == 1


class TestTraces:
    def test_submitted_twice_under_one_key_are_one(self, iarms):
        service = iarms()
        who = ASKER.__class__("BR-1", "BR-1/17", "trace-key")
        first = service.submit_trace(KNOWN, "x", who)
        assert service.submit_trace(KNOWN, "x", who) == first

    def test_go_on_until_they_are_answered(self, iarms, stand_in):
        service = iarms()
        who = ASKER.__class__("BR-1", "BR-1/17", "trace-2")
        number = service.submit_trace(KNOWN, "x", who)
        with pytest.raises(NotYet):
            service.poll(number, who)
        stand_in.records.answer_traces()
        assert service.poll(number, who).outcome is OUT.HIT


def test_the_owner_of_a_record_is_told_of_a_hit(iarms):
    service = iarms()
    last = ""
    while known := service.notices(last):
        last = known[-1].id
    service.search(KNOWN, "x", ASKER)
    (notice,) = service.notices(last)
    assert (notice.record, notice.by) == ("iarms-A-1", "BR-1")


def test_the_key_never_stands_in_what_is_said_of_a_failure(iarms):
    with pytest.raises(NotAnswered) as said:
        iarms(networks=()).search(KNOWN, "x", ASKER)
    assert KEY not in str(said.value)
