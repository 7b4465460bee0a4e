"""The scanner's protocol: a verdict comes back, or an error; nothing in between."""

import socket

import pytest

from tests.clamd import running_clamd
from tests.factories.files import EICAR
from tracing.adapters.clamd import Clamd
from tracing.ports import NoVerdict, ScannerUnavailable


@pytest.fixture(params=["port", "file"])
def daemon(request, tmp_path):
    with running_clamd(tmp_path / "s" if request.param == "file" else None) as daemon:
        yield daemon


def test_a_clean_file_is_clean_however_long(daemon):
    content = b"x" * 200_001
    assert Clamd(daemon.address, 5).is_clean(content) is True
    assert daemon.seen == [content]


def test_a_virus_is_found(daemon):
    assert Clamd(daemon.address, 5).is_clean(b"before " + EICAR) is False


@pytest.mark.parametrize(
    "answer",
    [b"", b"\0", b"INSTREAM size limit exceeded. ERROR\0", b"stream: \0", b"OK\0"],
)
def test_any_other_answer_is_no_verdict(daemon, answer):
    daemon.answer = answer or b"\0"
    with pytest.raises(ScannerUnavailable):
        Clamd(daemon.address, 5).is_clean(b"x")


def test_a_file_that_is_too_large_for_it_says_nothing_of_others(daemon):
    daemon.too_large = b"x" * 5_000_000
    with pytest.raises(NoVerdict):
        Clamd(daemon.address, 5).is_clean(daemon.too_large)
    assert Clamd(daemon.address, 5).is_clean(b"y") is True


def test_a_daemon_that_is_down_or_silent_is_no_verdict(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ScannerUnavailable):
            Clamd(f"127.0.0.1:{port}", 0.2).is_clean(b"x")
    for address in (f"127.0.0.1:{port}", f"unix:{tmp_path / 'no'}", "nonsense", "a:b"):
        with pytest.raises(ScannerUnavailable):
            Clamd(address, 0.2).is_clean(b"x")
