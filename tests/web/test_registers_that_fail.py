"""The register goes wrong in each way there is, and the screen tells the truth."""

import re

import pytest

from tests import factories
from tests.lookups.conftest import IMPATIENT, faulty, settings_for, stand_in  # noqa: F401
from tests.lookups.test_http import AMOUNTS_TO
from tests.visitors import shown, signed_in
from tracing.extensions import db
from tracing.lookups import registers, running
from tracing.lookups.http import Client
from tracing.lookups.json_service import Iarms
from tracing.lookups.port import NotAnswered
from tracing.lookups.registers import Register
from tracing.models import Lookup
from tracing.reference import certificates
from tracing.reference.server import FAULTS
from workflows.states import Trigger
from workflows.vocabulary import LookupOutcome

OUT = LookupOutcome
WHY = {"purpose": "To answer it", "register": "iarms"}
NOT_ANSWERED = {OUT.NOT_PERMITTED, OUT.UNAVAILABLE, OUT.TIMED_OUT, OUT.NOT_UNDERSTOOD}


@pytest.fixture
def desk(app, session, stand_in):  # noqa: F811
    """An officer with a request, and one register, reached with a certificate."""
    settings = settings_for(stand_in, tries=1, **IMPATIENT)
    one = Register(
        name="iarms",
        adapter="iarms",
        label="The bureau",
        authorities=("*",),
        breaker_after=1000,
        at_once=9,
        lookup=Iarms(settings, stand_in.folder),
    )
    app.extensions[registers.REGISTERS] = {"iarms": one}
    of = factories.sides()
    steps = (Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    request = factories.after(of, *steps, markings_serial="EX 1234 7")
    return signed_in(app, of.officer), f"/trace-requests/{request.reference}"


@pytest.fixture
def switch(stand_in, faulty):  # noqa: F811
    """Switches the server to a fault as anybody does: over HTTPS, with a certificate."""
    client = Client(settings_for(stand_in, prefix=""), stand_in.folder)

    def to(fault):
        client.ask("POST", "/faults", {"fault": fault}, safe=True)
        assert stand_in.fault == fault

    return to


def asked(desk):
    """Ask the register by the page; return what two pages say in the end."""
    officer, page = desk
    assert officer.post(f"{page}/look-ups", WHY).status_code == 303
    running.drain("worker-of-the-test")
    db.session.rollback()
    row = db.session.query(Lookup).order_by(Lookup.id.desc()).first()
    listed = officer.get(f"{page}/look-ups").text
    cells = re.findall(rf'data-key="{row.key}">(.*?)</td>', listed, re.DOTALL)
    own = officer.get(f"{page}/look-ups/{row.key}").text
    return row, shown(cells[0]).strip(), shown(own)


def test_switched_to_each_fault_the_screen_tells_the_truth(desk, switch):
    for fault in FAULTS:
        switch(fault)
        row, listed, own = asked(desk)
        wanted = AMOUNTS_TO[fault]
        assert (fault, row.outcome) == (fault, wanted)
        assert listed == wanted.label, fault
        assert wanted.label in own
        assert OUT.NO_HIT.label not in listed
        if wanted in NOT_ANSWERED:
            assert row.why in own
            assert "iarms-A-1" not in own
        else:
            assert own.count("Example Arms A1 9x18") == 1, fault
        switch("")
    row, listed, _ = asked(desk)
    assert (row.outcome, listed) == (OUT.HIT, OUT.HIT.label)


def test_a_certificate_that_is_another_one_is_not_available(
    desk,
    stand_in,  # noqa: F811
    tmp_path,
):
    certificates.make(tmp_path)
    stand_in.use(tmp_path)
    try:
        row, listed, own = asked(desk)
    finally:
        stand_in.use(stand_in.folder)
    assert (row.outcome, listed) == (OUT.UNAVAILABLE, OUT.UNAVAILABLE.label)
    assert "Its certificate, or ours, is not accepted." in own


def test_who_switches_needs_the_certificate_and_the_key(stand_in):  # noqa: F811
    for wrong in ({"api_key": "x"}, {"client_certificate": "", "client_key": ""}):
        client = Client(settings_for(stand_in, prefix="", **wrong), stand_in.folder)
        with pytest.raises(NotAnswered):
            client.ask("POST", "/faults", {"fault": "hang"}, safe=False)
    assert stand_in.fault == ""
