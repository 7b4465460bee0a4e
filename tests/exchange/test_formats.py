"""The formats: published as they are, without loss, and deaf to what is hostile."""

import base64
import json
from dataclasses import replace

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from tests.exchange import publish
from tests.exchange.documents import SECTIONS_OF_A_DRAFT, document
from tracing.config import Settings, SettingsError
from tracing.exchange import files, json_schema, niem, signing
from tracing.exchange.document import Unfit
from tracing.exchange.signing import Standing
from tracing.journal import checkpoints

PUBLISHED = niem.PUBLISHED
DOCS = publish.DOCS
SCHEMA = json_schema.whole()


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Settings of one installation."""
    return Settings.for_tests("sqlite://", tmp_path_factory.mktemp("instance"))


def refused(body: bytes) -> str:
    """What is said of a file that is not taken."""
    with pytest.raises(Unfit) as error:
        files.read(body)
    return str(error.value)


@pytest.mark.parametrize("name", publish.MADE)
def test_what_is_published_is_made_of_the_schemas_of_the_form(name):
    assert (PUBLISHED / name).read_text("utf-8") == publish.MADE[name](), "make schemas"


def test_the_documentation_has_the_same_files():
    names = sorted(path.name for path in PUBLISHED.iterdir())
    assert sorted(path.name for path in DOCS.iterdir()) == names
    for name in names:
        assert (DOCS / name).read_bytes() == (PUBLISHED / name).read_bytes()


def test_the_json_schema_is_one_of_2020_12_and_names_its_parts():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    anchors = {part.get("$anchor") for part in SCHEMA["$defs"].values()}
    assert {"request", "response", "event"} <= anchors


@tries(max_examples=150)
@given(SECTIONS_OF_A_DRAFT)
def test_nothing_is_lost_in_json_or_xml_and_one_signature_holds_for_both(
    settings, sections
):
    said = signing.signed(document(sections), settings)
    jsonschema.validate(said, SCHEMA, cls=jsonschema.Draft202012Validator)
    as_json = json.dumps(said, ensure_ascii=False, indent=3).encode()
    as_xml = niem.write(said)
    known = signing.known_keys(settings)
    for body in (as_json, as_xml):
        read = files.read(body)
        assert read == said
        assert signing.verdict(read, known).standing is Standing.OWN


@tries(max_examples=60)
@given(SECTIONS_OF_A_DRAFT, st.data())
def test_any_other_content_breaks_the_signature(settings, sections, data):
    said = signing.signed(document(sections), settings)
    name = data.draw(st.sampled_from(["exported", "issuer", "exporter"]))
    other = dict(said) | {name: "2026-11-23T10:00:01Z"}
    known = signing.known_keys(settings)
    assert signing.verdict(other, known).standing is Standing.BROKEN


def test_whoever_has_ed25519_checks_it_as_the_documentation_says(settings):
    said = signing.signed(
        document({"item": {"make": "Éxample", "year": 1998}}), settings
    )
    header, _payload, signature = said.pop("signature").split(".")
    # Without fractions, and with names of ASCII, this is RFC 8785.
    plain = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    x = signing.published(settings)["keys"][0]["x"]

    def octets(text):
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    key = Ed25519PublicKey.from_public_bytes(octets(x))
    key.verify(octets(signature), f"{header}.{plain}".encode())
    assert json.loads(octets(header))["crit"] == ["b64"]


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "Ed25519"},
        {"alg": "Ed25519", "b64": True, "crit": ["b64"]},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        {"alg": "Ed25519", "b64": False, "crit": ["b64", "exp"]},
    ],
)
def test_another_kind_of_signature_is_none(settings, header):
    said = signing.signed(document({}), settings)
    kid = signing.signing_key(settings).thumbprint()
    head = signing._b64(json.dumps(header | {"kid": kid}).encode())
    said["signature"] = f"{head}..{said['signature'].rpartition('.')[2]}"
    known = signing.known_keys(settings)
    assert signing.verdict(said, known).standing is Standing.BROKEN


def test_an_older_key_still_vouches_and_a_strangers_does_not(settings, tmp_path):
    said = signing.signed(document({}), settings)
    x = signing.published(settings)["keys"][0]["x"]
    newer = replace(settings, exchange_key="another" * 8, exchange_keys_before=x)
    assert signing.verdict(said, signing.known_keys(newer)).standing is Standing.OWN
    assert [key["x"] for key in signing.published(newer)["keys"]][1:] == [x]
    stranger = replace(newer, exchange_keys_before="", instance=str(tmp_path))
    found = signing.verdict(said, signing.known_keys(stranger))
    assert found.standing is Standing.UNKNOWN
    (tmp_path / signing.TRUSTED).mkdir()
    kept = tmp_path / signing.TRUSTED / "brasilia.json"
    kept.write_text(json.dumps(signing.published(settings)))
    (tmp_path / signing.TRUSTED / "broken.json").write_text("no keys")
    found = signing.verdict(said, signing.known_keys(stranger))
    assert (found.standing, found.name) == (Standing.KNOWN, "brasilia")


def test_an_older_key_that_is_none_stops_the_program(settings):
    wrong = replace(settings, exchange_keys_before="not a key")
    with pytest.raises(SettingsError, match="EXCHANGE_KEYS_BEFORE"):
        signing.init_app(None, wrong)


def test_the_key_of_files_is_not_that_of_the_journal(settings):
    public = checkpoints.signing_key(settings).public_key().public_bytes_raw()
    assert signing.published(settings)["keys"][0]["x"] != signing._b64(public)


# ------------------------------------------------------------------------ what is hostile

WHOLE = document({"item": {"kind": "FIREARM", "make": "Example Arms"}})
XML = niem.write(WHOLE).decode()
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
BOMB = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))


def within(old: str, new: str) -> bytes:
    """The document with one thing changed."""
    assert old in XML
    return XML.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            within(HEAD, f'<!DOCTYPE x [<!ENTITY a0 "ha">{BOMB}]>').replace(
                b"Example Arms", b"&a9;"
            ),
            "entities are not taken",
        ),
        (
            within(HEAD, '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
            "entities are not taken",
        ),
        (
            within(HEAD, '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
            "entities are not taken",
        ),
        (within("Example Arms", "&undefined;"), "not well-formed"),
        (XML.encode("utf-16"), "Choose a file of JSON or XML"),
        (
            within('encoding="UTF-8"', 'encoding="UTF-7"').replace(
                b"<trace:State>", b"+ADw-trace:State>"
            ),
            "not well-formed",
        ),
        (within("<trace:State>", "<trace:State>\x00"), "not well-formed"),
        (b"<" + b"a" * 1_000_001, "at most 1 MB"),
        (b"<a>" * 100 + b"</a>" * 100, "Nest at most 50 deep"),
        (b"<a>" * 50_000 + b"</a>" * 50_000, "not well-formed"),
        (
            within(
                "<trace:Exchange ",
                '<trace:Exchange xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
                ' xsi:schemaLocation="urn:x file:///etc/passwd" ',
            ),
            "leave the attributes out",
        ),
        (
            within("</trace:Exchange>", "<trace:Event/>" * 1101 + "</trace:Exchange>"),
            "elements, 1100 within one",
        ),
        (within("urn:x-firearms-trace:exchange:1", "urn:other"), "outermost element"),
        (within("niem-core/6.0", "niem-core/5.0"), "is not known here"),
        (
            within("<trace:State>", "<trace:Sta>x</trace:Sta><trace:State>"),
            "Sta is not known here",
        ),
        (within(">FIREARM<", ">CANNON<"), "value of Kind"),
        (
            within(
                "<trace:FirearmAugmentation>",
                "<trace:ItemAugmentation/><trace:FirearmAugmentation>",
            ),
            "says what the format does not know",
        ),
        (within("<j:Firearm>", "<j:Firearm>said between"), "not"),
        (within("</trace:Exchange>", "</trace:Exchange><a/>"), "not well-formed"),
    ],
)
def test_hostile_xml_is_refused_in_words(body, words):
    assert words in refused(body)


def test_what_a_schema_of_niem_leaves_open_is_not_passed_over():
    empty = "<nc:ItemQuantity>2</nc:ItemQuantity>"
    serial = (
        "<nc:ItemSerialIdentification><nc:IdentificationCategoryDescriptionText>x"
        "</nc:IdentificationCategoryDescriptionText></nc:ItemSerialIdentification>"
    )
    body = within("</nc:ItemMakeName>", f"</nc:ItemMakeName>{empty}{serial}")
    assert "says what the format does not know" in refused(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Choose a file"),
        (b"PK\x03\x04", "Choose a file"),
        (b"[]", "Choose a file"),
        (b'{"format": 1}', "format"),
        (b'{"a": 1, "a": 2}', "Send each name once"),
        (b"{" + b" " * 1_000_001 + b"}", "Send at most 1 MB"),
        (b'{"events": [' + b'{"a": 1},' * 50_000 + b"1]}", "Give at most 1000"),
        (b"{" + b'"a":{' * 30 + b"}" * 31, "Nest at most"),
        (json.dumps(WHOLE | {"<script>": 1}).encode(), "…: Leave this out"),
        (
            json.dumps(WHOLE | {"kind": "response"}).encode(),
            "Give the one answer of the response",
        ),
        (
            json.dumps(
                document({"item": {"make": "A\x00B"}, "persons": {"persons": [{}]}})
            ).encode(),
            "request.sections.item.make",
        ),
        (
            json.dumps(document({"header": {"requested_id": 1}})).encode(),
            "request.sections.header.requested_id: Leave this out",
        ),
    ],
)
def test_other_files_are_refused_in_words(body, words):
    said = refused(body)
    assert words in said
    assert "<script>" not in said
