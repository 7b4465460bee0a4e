"""The demonstration's requests find the records of their items."""

from tests.databases import on_sqlite
from tracing.casework import records
from tracing.cli.demo import load_demo
from tracing.extensions import db
from tracing.models import RegistryEvent, RegistryItem, SharedRecord, TraceRequest
from workflows.ranking import Traits
from workflows.states import State


@on_sqlite
def test_a_request_of_the_demonstration_finds_its_record_first(app, session):
    load_demo()
    found = 0
    for request in db.session.query(TraceRequest):
        serial = request.item.serial
        if request.state is State.DRAFT or serial is None:
            continue
        item = request.item
        of = Traits(item.make, item.model, item.calibre, item.country_of_manufacture)
        got = records.search(request.requested_id, serial.text, of)
        if not got.possible:
            continue
        found += 1
        assert got.possible[0].what.make == item.make, serial.text
    assert found > 50
    assert db.session.query(SharedRecord).count() > 3
    assert db.session.query(RegistryEvent).count() > found
    assert db.session.query(RegistryItem).count() > found
