"""Exported documents as XML: NIEM 6.0 where it has a word, an extension where not.

The XML says exactly what the JSON says, so that one signature holds for both. What is
read is checked by the XML Schemas beside this module first; nothing is fetched, no
entity is resolved, no attribute and no document type is taken.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Final

from lxml import etree
from marshmallow import fields

from tracing.exchange.document import MOST_FAULTS, One, Unfit, shape
from tracing.schemas.fields import (
    Degrees,
    Rows,
    Tick,
    Told,
    Whole,
)
from workflows.vocabulary import N_, ItemKind

PUBLISHED: Final = Path(__file__).parent / "published"
NC: Final = "https://docs.oasis-open.org/niemopen/ns/model/niem-core/6.0/"
J: Final = "https://docs.oasis-open.org/niemopen/ns/model/domains/justice/6.0/"
TRACE: Final = "urn:x-firearms-trace:exchange:1"
SPACES: Final = {"nc": NC, "j": J, "trace": TRACE}
MOST_BYTES: Final = 1_000_000
MOST_DEEP: Final = 50
MOST_ELEMENTS: Final = 40_000
MOST_WITHIN: Final = 1100
ROOT: Final = "trace:Exchange"

Element = etree._Element
Paths = tuple[tuple[str, str, str], ...]

# Which field of which section stands where, in the order of the types of NIEM.
ITEM: Final = (
    ("item", "make", "nc:ItemMakeName"),
    ("item", "model", "nc:ItemModelName"),
    ("item", "year", "nc:ItemModelYearDate"),
    ("markings", "marks", "nc:ItemOtherIdentification"),
    ("item", "quantity", "nc:ItemQuantity"),
    ("markings", "serial", "nc:ItemSerialIdentification/nc:IdentificationID"),
)
FIREARM: Final = (
    *ITEM,
    ("item", "firearm_type", "j:FirearmCategoryText"),
    ("item", "barrel_length_mm", "j:FirearmBarrelLengthMeasure/nc:MeasureIntegerValue"),
    ("item", "calibre", "j:FirearmBoreSizeText"),
    ("item", "finish", "j:FirearmFinishText"),
)
SEIZURE: Final = (
    ("find", "seizure_number", "nc:ActivityIdentification/nc:IdentificationID"),
    ("find", "found_on", "nc:ActivityDate/nc:Date"),
    ("find", "circumstances", "nc:ActivityDescriptionText"),
    ("find", "place", "nc:ActivityLocation/nc:LocationDescriptionText"),
    ("find", "mode", "j:ItemSeizureMethodText"),
)
MARK: Final = (
    ("mark", "text", "nc:IdentificationID"),
    ("mark", "type", "nc:IdentificationCategoryDescriptionText"),
)
PERSON: Final = (
    ("person", "born", "nc:PersonBirthDate/nc:Date"),
    ("person", "given_name", "nc:PersonName/nc:PersonGivenName"),
    ("person", "family_name", "nc:PersonName/nc:PersonSurName"),
    ("person", "id_number", "nc:PersonOtherIdentification/nc:IdentificationID"),
)
OVERLAID: Final = {
    ("DocumentPart", "exported"): "nc:DocumentCreationDate/nc:DateTime",
    ("RequestPart", "reference"): "nc:DocumentIdentification/nc:IdentificationID",
    ("AuthorityPart", "code"): "nc:OrganizationIdentification/nc:IdentificationID",
    ("AuthorityPart", "name"): "nc:OrganizationName",
    ("ChainEventSchema", "licence"): (
        "j:RegistrationIdentification/nc:IdentificationID"
    ),
}
"""Fields of other parts that NIEM has a word for."""

NAMED: Final = {
    "request": "TraceRequest",
    "respond": "TraceResponse",
    "events": "Event",
    "chain": "ChainEvent",
}
ALIAS: Final = "nc:PersonName/nc:PersonFullName"
ALTERNATE: Final = "Alternate"
LENGTH_UNIT: Final = "mm"
POSSESSOR: Final = "POSSESSOR"
MERGED: Final = ("markings", "item", "find", "persons")
"""The sections that NIEM has words for."""


def _q(name: str) -> str:
    space, local = name.split(":")
    return f"{{{SPACES[space]}}}{local}"


def camel(name: str) -> str:
    """Return the name of a field as XML writes it."""
    plain = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return NAMED.get(name, plain)


def _own(name: str) -> str:
    return _q(f"trace:{camel(name)}")


def _way(path: str) -> str:
    return "/".join(map(_q, path.split("/")))


def overlaid(schema: Any, name: str) -> str:
    """Return the way to a field by the words of NIEM, if there is one."""
    return OVERLAID.get((type(schema).__name__, name), "")


# ------------------------------------------------------------------- the values in text


def _written(field: Any, value: Any) -> str:
    if isinstance(field, Tick):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _read(field: Any, text: str) -> Any:
    try:
        if isinstance(field, Tick):
            return text.strip() in ("true", "1")
        if isinstance(field, Whole):
            return int(text)
        if isinstance(field, Degrees):
            return float(text)
    except ValueError as error:
        raise Unfit([("", str(field.error_messages["invalid"]))]) from error
    return text


def section_of(key: str) -> Any:
    """Return the section of that key, or a row of one."""
    parts = shape().fields["request"].schema.fields["sections"].schema.fields  # type: ignore[attr-defined]
    match key:
        case "mark":
            return parts["markings"].schema.fields["marks"].schema
        case "person":
            return parts["persons"].schema.fields["persons"].schema
        case _:
            return parts[key].schema


# ------------------------------------------------------------------------- out to XML


def write(said: Mapping[str, Any]) -> bytes:
    """Return a document as XML."""
    root = etree.Element(_q(ROOT), nsmap=SPACES)
    _put_all(root, shape(), said)
    etree.indent(root, space=" ")
    body = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def _put_all(parent: Element, schema: Any, values: Mapping[str, Any]) -> None:
    for name, field in schema.fields.items():
        if name not in values:
            continue
        value = values[name]
        if name == "sections":
            _put_sections(parent, value)
        elif way := overlaid(schema, name):
            _descend(parent, way).text = _written(field, value)
        elif isinstance(field, One):
            _put_all(etree.SubElement(parent, _own(name)), field.schema, value)
        elif isinstance(field, Rows):
            for row in value:
                _put_all(etree.SubElement(parent, _own(name)), field.schema, row)
        elif isinstance(field, fields.List):
            for one in value:
                _put(parent, _own(name), _written(field.inner, one))
        else:
            _put(parent, _own(name), _written(field, value))


def _put(parent: Element, tag: str, text: str) -> None:
    etree.SubElement(parent, tag).text = text


def _put_sections(parent: Element, sections: Mapping[str, Any]) -> None:
    inside = etree.SubElement(parent, _q("trace:Sections"))
    if "markings" in sections or "item" in sections:
        _put_item(inside, sections)
    if "find" in sections:
        seizure = etree.SubElement(inside, _q("j:ItemSeizure"))
        _put_paths(seizure, SEIZURE, sections)
        _put_rest(seizure, "trace:ItemSeizureAugmentation", SEIZURE, sections, "find")
    for person in sections.get("persons", {}).get("persons", ()):
        _put_person(inside, person)
    others = _schema_of_sections()
    for name, field in others.items():
        if name in sections and name not in MERGED:
            _put_all(etree.SubElement(inside, _own(name)), field.schema, sections[name])


def _schema_of_sections() -> Mapping[str, Any]:
    found: Mapping[str, Any] = (
        shape().fields["request"].schema.fields["sections"].schema.fields  # type: ignore[attr-defined]
    )
    return found


def _put_item(parent: Element, sections: Mapping[str, Any]) -> None:
    firearm = sections.get("item", {}).get("kind") == ItemKind.FIREARM.value
    tag, paths = ("j:Firearm", FIREARM) if firearm else ("nc:Item", ITEM)
    found = etree.SubElement(parent, _q(tag))
    _put_paths(found, paths, sections)
    rest = "trace:FirearmAugmentation" if firearm else "trace:ItemAugmentation"
    _put_rest(found, rest, paths, sections, "item", "markings")


def _put_paths(
    parent: Element,
    paths: Paths,
    sections: Mapping[str, Any],
) -> None:
    for section, name, path in paths:
        if name not in sections.get(section, {}):
            continue
        value = sections[section][name]
        if name == "marks":
            for mark in value:
                _put_mark(etree.SubElement(parent, _q(path)), mark)
            continue
        leaf = _descend(parent, path)
        leaf.text = _written(section_of(section).fields[name], value)
        if name == "barrel_length_mm":
            _put(leaf.getparent(), _q("nc:MeasureUnitText"), LENGTH_UNIT)  # type: ignore[arg-type]


def _descend(parent: Element, path: str) -> Element:
    """Return a new leaf; what leads there is taken again if it is the newest."""
    *above, leaf = map(_q, path.split("/"))
    for tag in above:
        last = parent[-1] if len(parent) else None
        same = last is not None and last.tag == tag
        parent = last if same and last is not None else etree.SubElement(parent, tag)
    return etree.SubElement(parent, leaf)


def _put_mark(parent: Element, mark: Mapping[str, Any]) -> None:
    _put_paths(parent, MARK, {"mark": mark})
    _put_rest(parent, "trace:MarkAugmentation", MARK, {"mark": mark}, "mark")


def _put_person(parent: Element, person: Mapping[str, Any]) -> None:
    possessed = person.get("role") == POSSESSOR
    tag = "j:ItemSeizurePossessingPerson" if possessed else "trace:InvolvedPerson"
    found, given = etree.SubElement(parent, _q(tag)), {"person": person}
    *before, last = PERSON
    _put_paths(found, tuple(before), given)
    if "alias" in person:
        alias = etree.SubElement(found, _q("nc:PersonName"))
        _put(alias, _q("nc:PersonFullName"), person["alias"])
        _put(alias, _q("nc:PersonNameCategoryCode"), ALTERNATE)
    _put_paths(found, (last,), given)
    known = (*PERSON, ("person", "alias", ALIAS))
    _put_rest(found, "trace:PersonAugmentation", known, given, "person")


def _put_rest(
    parent: Element,
    tag: str,
    paths: Paths,
    values: Mapping[str, Any],
    *keys: str,
) -> None:
    """Put what NIEM has no word for, by our own names."""
    rest = etree.Element(_q(tag))
    for key in keys:
        done = {name for section, name, _path in paths if section == key}
        left = {k: v for k, v in values.get(key, {}).items() if k not in done}
        _put_all(rest, section_of(key), left)
    if len(rest):
        parent.append(rest)


# --------------------------------------------------------------------------- in again


def read(body: bytes, *, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return the document that XML says, or tell what is wrong with it."""
    root = _parsed(body, most_bytes)
    schema = _schema()
    if not schema.validate(root):
        raise Unfit(list(_faults(schema)))
    said = _take_all(root, shape())
    _require_whole(root, said)
    return said


def _require_whole(root: Element, said: Mapping[str, Any]) -> None:
    """Refuse what would be lost: written again, the document must be the same.

    The schemas of NIEM leave more open than the format says.
    """
    again = etree.fromstring(write(said))
    for one, other in zip_longest(root.iter(), again.iter()):
        if (
            one is None
            or other is None
            or one.tag != other.tag
            or not _alike(one, other)
        ):
            line = one.sourceline if one is not None else root.sourceline
            words = N_("Line %(line)s: this place says what the format does not know")
            _refuse(Told(words, line=line))


def _alike(one: Element, other: Element) -> bool:
    if len(one):
        return not (one.text or "").strip()
    left, right = (one.text or "").strip(), (other.text or "").strip()
    if left == right:
        return True
    try:
        return float(left) == float(right)
    except ValueError:
        return {left, right} in ({"1", "true"}, {"0", "false"})


def _parsed(body: bytes, most_bytes: int) -> Element:
    if len(body) > most_bytes:
        most = most_bytes // MOST_BYTES
        _refuse(Told(N_("Send at most %(number)s MB"), number=most))
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unfit([("", N_("Send the text as UTF-8"))]) from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        _refuse(N_("Leave the document type out: entities are not taken"))
    # The encoding that the file names itself could hide what was looked for above.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        words = Told(
            N_("This is not well-formed XML: see line %(line)s"), line=error.lineno or 1
        )
        raise Unfit([("", words)]) from error
    _look_through(root)
    return root


def _look_through(root: Element) -> None:
    """Refuse what no document of ours has, before a schema is asked."""
    level, elements = 0, 0
    for event, found in etree.iterwalk(root, events=("start", "end")):
        level += 1 if event == "start" else -1
        elements += event == "start"
        # Each that is wrong costs the schema a message: there shall not be many.
        if elements > MOST_ELEMENTS or len(found) > MOST_WITHIN:
            words = N_("Send at most %(number)s elements, %(within)s within one")
            _refuse(Told(words, number=MOST_ELEMENTS, within=MOST_WITHIN))
        if level > MOST_DEEP:
            _refuse(Told(N_("Nest at most %(number)s deep"), number=MOST_DEEP))
        # One could name schemas that would be fetched.
        if found.attrib:
            words = N_("Line %(line)s: leave the attributes out")
            _refuse(Told(words, line=found.sourceline))
    if root.tag != _q(ROOT):
        words = N_("This is no exported request: its outermost element is another")
        _refuse(words)


def _refuse(words: str) -> None:
    raise Unfit([("", words)])


_NAME: Final = re.compile(r"Element '(?:\{[^}']{0,200}\})?([A-Za-z]{1,60})'")


def _faults(schema: etree.XMLSchema) -> Iterator[tuple[str, str]]:
    """Yield what the schema refuses, in our words: its own repeat what was sent."""
    for error in islice(iter(schema.error_log), MOST_FAULTS):  # type: ignore[call-overload] # so the stubs
        found = _NAME.match(error.message)
        name = found[1] if found else "…"
        words = N_("Line %(line)s: the value of %(name)s is not one that it takes")
        if "not expected" in error.message:
            words = N_("Line %(line)s: %(name)s is not known here; leave it out")
        if "Missing child" in error.message:
            words = N_("Line %(line)s: something is missing in %(name)s")
        yield "", Told(words, line=error.line, name=name)


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(PUBLISHED / "trace-1.xsd"))


def _take_all(element: Element, schema: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in schema.fields.items():
        way = overlaid(schema, name)
        inside = element.findall(_way(way) if way else _own(name))
        if not inside:
            continue
        if name == "sections":
            found[name] = _take_sections(inside[0])
        elif isinstance(field, One):
            found[name] = _take_all(inside[0], field.schema)
        elif isinstance(field, Rows):
            found[name] = [_take_all(one, field.schema) for one in inside]
        elif isinstance(field, fields.List):
            found[name] = [_read(field.inner, one.text or "") for one in inside]
        else:
            found[name] = _read(field, inside[0].text or "")
    return found


def _take_sections(inside: Element) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {"markings": {}, "item": {}, "find": {}}
    for tag, paths in (("j:Firearm", FIREARM), ("nc:Item", ITEM)):
        item = inside.find(_q(tag))
        if item is not None:
            kept = f"trace:{tag.split(':')[1]}Augmentation"
            _take_paths(item, paths, found, kept, "item", "markings")
    seizure = inside.find(_q("j:ItemSeizure"))
    if seizure is not None:
        kept = "trace:ItemSeizureAugmentation"
        _take_paths(seizure, SEIZURE, found, kept, "find")
    people = (_q("j:ItemSeizurePossessingPerson"), _q("trace:InvolvedPerson"))
    persons = [_take_person(one) for one in inside if one.tag in people]
    if persons:
        found["persons"] = {"persons": persons}
    for name, field in _schema_of_sections().items():
        part = inside.find(_own(name))
        if part is not None and name not in MERGED:
            found[name] = _take_all(part, field.schema)
    return {name: values for name, values in found.items() if values}


def _take_paths(
    parent: Element,
    paths: Paths,
    found: dict[str, dict[str, Any]],
    rest: str,
    *keys: str,
) -> None:
    for section, name, path in paths:
        way = _way(path)
        if name == "marks":
            marks = [_take_mark(one) for one in parent.findall(way)]
            if marks:
                found[section][name] = marks
            continue
        leaf = parent.find(way)
        if leaf is not None:
            field = section_of(section).fields[name]
            found[section][name] = _read(field, leaf.text or "")
    augmented = parent.find(_q(rest))
    if augmented is not None:
        for key in keys:
            found[key] |= _take_all(augmented, section_of(key))


def _take_mark(element: Element) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {"mark": {}}
    _take_paths(element, MARK, found, "trace:MarkAugmentation", "mark")
    return found["mark"]


def _take_person(element: Element) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {"person": {}}
    _take_paths(element, PERSON, found, "trace:PersonAugmentation", "person")
    alias = element.find(_way(ALIAS))
    if alias is not None:
        found["person"]["alias"] = alias.text or ""
    return found["person"]
