"""What the tests of look-ups share: the stand-in server, and questions."""

from dataclasses import replace

import pytest

from tracing.lookups.http import HttpSettings
from tracing.lookups.json_service import Iarms
from tracing.lookups.port import Asker, Query
from tracing.reference import server as reference

KEY = "key-of-the-tests"
KNOWN = Query("EX-1234-7", make="Example Arms", model="A1", kind="FIREARM")
UNKNOWN = Query("NOBODY-000")
ASKER = Asker("BR-1", "BR-1/17", "a" * 32)


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """The server of the whole run; a test that makes it do wrong puts it right."""
    with reference.running(tmp_path_factory.mktemp("stand-in"), KEY) as server:
        yield server


@pytest.fixture
def faulty(stand_in):
    """Makes the server do wrong, in this test."""

    def do(fault):
        stand_in.fault = fault

    yield do
    stand_in.fault = ""


def settings_for(server, prefix="/v1", **given):
    """The settings with which a register reaches the server."""
    usual = {
        "url": f"{server.url}{prefix}",
        "ports": (str(server.server_port),),
        "networks": ("127.0.0.0/8",),
        "ca_file": "ca.pem",
        "client_certificate": "client.pem",
        "client_key": "client.key",
        "api_key": KEY,
        "deadline": 10.0,
        "tries": 2,
    }
    return HttpSettings(**(usual | given))


IMPATIENT = {"connect_timeout": 0.8, "read_timeout": 0.6, "deadline": 1.0}


@pytest.fixture
def iarms(stand_in):
    """An iARMS-style register, with settings that a test may change."""

    def made(**given):
        return Iarms(settings_for(stand_in, **given), stand_in.folder)

    return made


def asker(key):
    """Somebody who asks under a key of the test's own."""
    return replace(ASKER, key=key)
