"""What names people is closed in the database, and opens in its own place alone."""

import base64
import os

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from tests import factories
from tests.visitors import shown, signed_in
from tracing import create_app
from tracing.casework import queries, sections
from tracing.config import KEY_FILE, Settings, SettingsError, write_secrets
from tracing.extensions import db
from tracing.models import BreakGlass, Person, Recovery
from tracing.models.sealed import KeyMissing, SealBroken, Sealed, Sealing, new_seal
from tracing.security import fields
from tracing.security.fields import FieldKeys, Ring, alike
from workflows.facts import Text
from workflows.policies import Role
from workflows.states import Trigger

CANARY = "Zyxkanaria"
FORM = {
    "find_place": f"{CANARY} street 1",
    "find_latitude": "1.2921",
    "find_longitude": "136.8219",
    "find_circumstances": f"In the flat of {CANARY}.",
    "find_transport_registration": f"KXA {CANARY}",
    "basis_facts_summary": f"{CANARY} could show no licence.",
    "basis_offence": f"What {CANARY} did.",
    "header_officer_phone": "+254 20 1234567",
    "persons_persons-0-family_name": CANARY,
    "persons_persons-0-alias": f"The {CANARY}",
    "persons_persons-0-born": "1990-02-03",
    "persons_persons-0-nationality": "KE",
    "persons_persons-0-id_number": f"ID-{CANARY}-7",
}


@pytest.fixture
def of(session):
    return factories.sides()


@pytest.fixture
def case(of):
    """A request that names somebody in every place, with a step that does so too."""
    made = factories.sent(of, **FORM)
    said = Text(f"Is {CANARY} known to you?")
    factories.take(of, made, Trigger.ENQUIRE, said)
    db.session.add(
        BreakGlass(
            reference=made.reference,
            reason=f"{CANARY} is at large, and the case must be read.",
            asked_by_id=of.officer.id,
            asked_at=made.changed_at,
        )
    )
    db.session.commit()
    return made


def everything():
    """Every value of every table, as text."""
    db.session.commit()
    found = {}
    for table in inspect(db.engine).get_table_names():
        rows = db.session.execute(text(f'SELECT * FROM "{table}"')).all()
        found[table] = " ".join(str(value) for row in rows for value in row)
    return found


def run(statement, **given):
    db.session.execute(text(statement), given)
    db.session.commit()
    db.session.expire_all()


def test_no_table_holds_what_names_people(case):
    for table, content in everything().items():
        for canary in (CANARY, "1990-02-03", "136.8219", "1234567"):
            assert canary not in content, table


def test_what_was_closed_is_read_as_it_was_written(case, of):
    db.session.expire_all()
    found = queries.by_reference(case.reference, factories.actor_of(of.officer))
    values = sections.read(found)
    assert values["persons"]["persons"][0]["family_name"] == CANARY
    assert values["persons"]["persons"][0]["born"] == "1990-02-03"
    assert values["find"]["latitude"] == 1.2921
    assert found.events[-1].carried == {"text": f"Is {CANARY} known to you?"}
    assert db.session.query(BreakGlass).one().reason.startswith(CANARY)


def test_the_page_shows_it_and_the_list_opens_nothing(app, case, of, monkeypatch):
    opened = []
    real = FieldKeys.open
    monkeypatch.setattr(
        FieldKeys, "open", lambda *given: opened.append(given) or real(*given)
    )
    reader = signed_in(app, of.officer)
    for address in ("/queue", "/my-requests", "/"):
        assert reader.get(address).status_code == 200
    assert opened == []
    page = reader.get(f"/trace-requests/{case.reference}")
    assert CANARY in shown(page.text)
    assert 0 < len(opened) < 60


MOVED = [
    "UPDATE person SET family_name = given_name",
    "UPDATE person SET seal = 'another'",
    "UPDATE person SET authority_id = (SELECT max(id) FROM authority)",
    "UPDATE person SET family_name = 'v9' || substr(family_name, 3)",
    "UPDATE person SET family_name = 'Plain'",
    "UPDATE person SET family_name = ''",
    "UPDATE person SET family_name = (SELECT place FROM recovery)",
]


@pytest.mark.parametrize("statement", MOVED)
def test_what_was_moved_or_put_in_is_an_error_and_never_a_blank(app, case, statement):
    reader = signed_in(app, factories.person(case.requested, Role.OFFICER))
    run(statement)
    with pytest.raises(SealBroken):
        _ = db.session.query(Person).one().family_name
    db.session.rollback()
    page = reader.get(f"/trace-requests/{case.reference}")
    assert page.status_code == 500
    assert "cannot be opened" in shown(page.text)


def test_any_flipped_bit_is_an_error(app, session):
    keys = fields.field_keys()
    sealed = keys.close("word", "here")
    head, _, rest = sealed.partition(".")
    raw = base64.b64decode(rest)
    for bit in range(len(raw) * 8):
        bent = bytearray(raw)
        bent[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            keys.open(f"{head}.{base64.b64encode(bytes(bent)).decode()}", "here")
    with pytest.raises(SealBroken):
        keys.open(sealed, "there")
    with pytest.raises(KeyMissing):
        keys.open(f"v7.{rest}", "here")


def test_the_same_words_are_never_closed_alike(app, session):
    keys = fields.field_keys()
    made = {keys.close("word", "here") for _ in range(20_000)}
    assert len({base64.b64decode(one[3:])[:12] for one in made}) == 20_000
    assert keys.used(1) >= 20_000


def test_a_value_that_stays_is_not_closed_again(case):
    recovery = db.session.query(Recovery).one()
    before = recovery.sealed_place
    recovery.place = f"{CANARY} street 1"
    assert recovery.sealed_place == before
    recovery.place = "Elsewhere"
    assert recovery.sealed_place != before


def test_a_row_says_whose_it_is_before_it_is_closed(session):
    with pytest.raises(ValueError, match="whose the row is"):
        Person(family_name="A")


def test_every_column_of_words_is_sealed_or_known_to_be_open():
    """A new text in a table of cases is a decision, not an accident."""
    open_words = {
        *("seal", "reference", "own_case_number", "seizure_number", "transit"),
        *("make", "model", "calibre", "place_of_manufacture", "finish", "lot_number"),
        *("headstamp", "importer_name", "regime", "calendar_version", "language"),
        *("origin", "dispatch", "destination", "country_of_manufacture"),
        *("import_country", "actor_name", "token", "form_key", "sha256", "media_type"),
        *("stored_sha256", "thumbnail_sha256"),
        *("stored", "thumbnail", "uploaded_by_name"),
        *("route", "key_hash", "fingerprint", "about", "headers"),
        *("url", "disabled_why", "step", "after", "by", "at", "key", "why"),
        *("name_mark", "family_mark", "alias_mark", "id_mark"),
        # which register, and what it calls what it has found
        *("register", "label", "years", "authority_code", "candidate", "number"),
        *("raw_hash", "lease_owner", "said_at"),
        # papers of an item by their numbers; who is named in them is sealed
        *("licence", "consignment", "mark", "source_record", "source_key"),
        *("country_from", "country_to", "changes"),
    }
    for mapper in _mappers():
        kept = vars(mapper.class_)
        for column in mapper.local_table.columns:
            words = type(column.type).__name__ in ("String", "Text", "JSON")
            if words and column.name not in open_words:
                assert isinstance(kept.get(column.name), Sealed), column


def _mappers():
    from tracing.models import Base

    return [m for m in Base.registry.mappers if issubclass(m.class_, Sealing)]


# ------------------------------------------------------------------ finding by a mark


def named(actor, name):
    return [request.reference for request in queries.persons_named(actor, name)]


def test_a_person_is_found_by_name_and_by_number_of_a_document(case, of):
    reader = factories.actor_of(of.officer)
    for name in (
        CANARY,
        f"Ewa {CANARY}",
        f"{CANARY.upper()}, Éwa",
        f"the  {CANARY}",
        f"id {CANARY} 7",
    ):
        assert named(reader, name) == [case.reference], name
    for name in ("", "Ewa", CANARY[:-1], "%", "'"):
        assert named(reader, name) == [], name


def test_a_third_authority_finds_nobody(case, of):
    third = factories.person(None, Role.OFFICER, Role.SUPERVISOR)
    assert named(factories.actor_of(third), CANARY) == []
    administrator = factories.person(of.asked, Role.ADMINISTRATOR)
    assert named(factories.actor_of(administrator), CANARY) == []


def test_two_authorities_have_different_marks_of_one_name(session):
    keys = fields.field_keys()
    assert keys.mark("name", 1, CANARY) != keys.mark("name", 2, CANARY)
    assert keys.mark("name", 1, CANARY) != keys.mark("number", 1, CANARY)
    assert keys.mark("name", 1, " -. ") is None
    assert alike("  D’Émile-\u00c5NGSTROM ") == "d emile angstrom"


# ------------------------------------------------------------------------- the keys

GOOD = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("1:" + base64.b64encode(bytes(31)).decode(), "key 1 is not 32 bytes"),
        ("1:" + base64.b64encode(bytes(16)).decode(), "key 1 is not 32 bytes"),
        ("1:not*base64", "number:base64"),
        (GOOD, "number:base64"),
        (f"0:{GOOD}", "number:base64"),
        (f"1:{GOOD},1:{GOOD}", "two keys 1"),
        (" , ", "no key"),
    ],
)
def test_a_key_that_is_none_stops_the_start_in_words(keys, says):
    with pytest.raises(SettingsError, match=says) as error:
        Ring.read(keys)
    assert GOOD not in str(error.value)


def test_the_file_of_keys_is_private_or_the_system_does_not_start(tmp_path):
    environ = {"TRACING_JOURNAL_KEY": "x" * 40}
    assert write_secrets(tmp_path, environ)
    file = tmp_path / KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    keys = FieldKeys(Settings(index_key="x" * 40), tmp_path)
    assert keys.open(keys.close("word", "here"), "here") == "word"
    assert "bytes" not in repr(keys.ring)
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        FieldKeys(Settings(index_key="x" * 40), tmp_path)
    file.unlink()
    with pytest.raises(SettingsError, match="cannot be read"):
        FieldKeys(Settings(index_key="x" * 40), tmp_path)
    with pytest.raises(SettingsError, match="shorter than"):
        FieldKeys(Settings(index_key="x", field_keys=f"1:{GOOD}"), tmp_path)


def test_keys_that_could_not_be_read_are_read_once_they_can_be(tmp_path, caplog):
    file = tmp_path / KEY_FILE
    write_secrets(tmp_path, {})
    keys = FieldKeys(Settings(index_key="x" * 40), tmp_path)
    fields.write_keys(file, keys.ring.with_new())
    file.chmod(0o640)
    keys.look(now=True)
    assert keys.ring.first == 1
    assert "the field keys stay as they were" in caplog.text
    file.chmod(0o600)
    keys.look(now=True)
    assert keys.ring.first == 2


def test_the_system_does_not_start_without_keys(tmp_path):
    settings = Settings.for_tests(f"sqlite:///{tmp_path / 'x.sqlite'}", tmp_path)
    bare = {name: getattr(settings, name) for name in ("database_url", "index_key")}
    with pytest.raises(SettingsError, match="cannot be read"):
        create_app(Settings(**bare, secret_key="x" * 40, instance=str(tmp_path)))


def test_a_key_that_has_closed_enough_says_so(tmp_path, caplog):
    keys = FieldKeys(Settings(index_key="x" * 40, field_keys=f"1:{GOOD}"), tmp_path)
    used = tmp_path / f"{KEY_FILE}.1.used"
    used.touch()
    os.truncate(used, fields.LIMIT // fields.BLOCK // 2)
    keys.close("word", "here")
    assert "half used up" in caplog.text
    os.truncate(used, fields.LIMIT // fields.BLOCK)
    keys._left.clear()
    with pytest.raises(KeyMissing, match="tracing keys add"):
        keys.close("word", "here")


# ------------------------------------------------------------- rows of an older version


@pytest.mark.filterwarnings("ignore:.*batch.*:UserWarning")
def test_older_rows_are_closed_on_the_way_up_and_opened_on_the_way_down(app, case, of):
    reference, number = case.reference, case.id
    reader = factories.actor_of(of.officer)
    before = sections.digest(case)
    db.session.remove()
    downgrade(revision="0004")
    plain = everything()
    for table in (
        "person",
        "recovery",
        "request_event",
        "break_glass",
        "journal_payload",
    ):
        assert CANARY in plain[table], table
    assert "1990-02-03" in plain["person"]
    db.session.remove()
    upgrade()
    assert CANARY not in " ".join(everything().values())
    found = queries.by_reference(reference, reader)
    assert (found.id, sections.digest(found)) == (number, before)
    assert found.events[-1].carried == {"text": f"Is {CANARY} known to you?"}
    assert named(reader, CANARY) == [reference]


def test_a_seal_is_never_the_same_twice():
    assert len({new_seal() for _ in range(1000)}) == 1000
