"""The XML Schema of the extension to NIEM, made of the one definition of a document."""

from typing import Any, Final

from marshmallow import fields, validate

from tracing.exchange.document import One, Pattern, Word, shape
from tracing.exchange.niem import (
    ALIAS,
    FIREARM,
    ITEM,
    MARK,
    MERGED,
    NC,
    PERSON,
    SEIZURE,
    TRACE,
    J,
    camel,
    overlaid,
    section_of,
)
from tracing.schemas.fields import (
    Clock,
    Code,
    Country,
    Day,
    Degrees,
    Rows,
    Text,
    Tick,
    Whole,
)

Paths = tuple[tuple[str, str, str], ...]
HEAD: Final = (
    f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:nc="{NC}"'
    f' xmlns:j="{J}" xmlns:trace="{TRACE}" targetNamespace="{TRACE}"'
    ' elementFormDefault="qualified" version="1">'
)


def text() -> str:
    """Return the XML Schema of the extension, made of the one definition."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<!-- Made of the schemas of the form; NIEM lacks what stands here. -->",
        HEAD,
        f' <xs:import namespace="{NC}" schemaLocation="niem-core-subset.xsd"/>',
        f' <xs:import namespace="{J}" schemaLocation="niem-justice-subset.xsd"/>',
        ' <xs:element name="Exchange" type="trace:DocumentPart"/>',
        ' <xs:element name="InvolvedPerson" type="nc:PersonType"/>',
    ]
    types: dict[str, list[str]] = {}
    _type_of(shape(), types)
    for tag, point, paths, keys in AUGMENTED:
        types[f"{tag}Type"] = _rest_type(f"{tag}Type", paths, keys, types)
        lines.append(
            f' <xs:element name="{tag}" type="trace:{tag}Type"'
            f' substitutionGroup="{point}"/>'
        )
    for name in sorted(types):
        lines += types[name]
    return "\n".join([*lines, "</xs:schema>", ""])


AUGMENTED: Final = (
    (
        "FirearmAugmentation",
        "j:FirearmAugmentationPoint",
        FIREARM,
        ("item", "markings"),
    ),
    ("ItemAugmentation", "nc:ItemAugmentationPoint", ITEM, ("item", "markings")),
    ("ItemSeizureAugmentation", "j:ItemSeizureAugmentationPoint", SEIZURE, ("find",)),
    ("MarkAugmentation", "nc:IdentificationAugmentationPoint", MARK, ("mark",)),
    (
        "PersonAugmentation",
        "nc:PersonAugmentationPoint",
        (*PERSON, ("person", "alias", ALIAS)),
        ("person",),
    ),
)


def _type_of(schema: Any, types: dict[str, list[str]]) -> str:
    name = type(schema).__name__
    if name not in types:
        types[name] = []
        inner = SECTIONS_XSD if name == "SectionsPart" else _elements(schema, (), types)
        if name == "SectionsPart":
            for key, field in schema.fields.items():
                if key not in MERGED:
                    kind = _type_of(field.schema, types)
                    inner = [*inner, _element(camel(key), f"trace:{kind}", many=False)]
        types[name] = _complex(name, inner)
    return name


def _rest_type(
    name: str,
    paths: Paths,
    keys: tuple[str, ...],
    types: dict[str, list[str]],
) -> list[str]:
    inner: list[str] = []
    for key in keys:
        done = tuple(known for section, known, _path in paths if section == key)
        inner += _elements(section_of(key), done, types)
    return _complex(name, inner)


SECTIONS_XSD: Final = [
    '   <xs:choice minOccurs="0">',
    '    <xs:element ref="j:Firearm"/>',
    '    <xs:element ref="nc:Item"/>',
    "   </xs:choice>",
    '   <xs:element ref="j:ItemSeizure" minOccurs="0"/>',
    '   <xs:choice minOccurs="0" maxOccurs="20">',
    '    <xs:element ref="j:ItemSeizurePossessingPerson"/>',
    '    <xs:element ref="trace:InvolvedPerson"/>',
    "   </xs:choice>",
]


def _complex(name: str, inner: list[str]) -> list[str]:
    head = f' <xs:complexType name="{name}">'
    return [head, "  <xs:sequence>", *inner, "  </xs:sequence>", " </xs:complexType>"]


def _element(name: str, kind: str, *, many: bool, needed: bool = False) -> str:
    least = "" if needed else ' minOccurs="0"'
    most = ' maxOccurs="unbounded"' if many else ""
    return f'   <xs:element name="{name}" type="{kind}"{least}{most}/>'


def _elements(
    schema: Any, without: tuple[str, ...], types: dict[str, list[str]]
) -> list[str]:
    found: list[str] = []
    for name, field in schema.fields.items():
        if name in without:
            continue
        needed = name in schema.always
        if way := overlaid(schema, name):
            least = "" if needed else ' minOccurs="0"'
            found.append(f'   <xs:element ref="{way.split("/")[0]}"{least}/>')
            continue
        if isinstance(field, (One, Rows)):
            many = isinstance(field, Rows)
            kind = f"trace:{_type_of(field.schema, types)}"
            found.append(_element(camel(name), kind, many=many, needed=needed))
            continue
        many = isinstance(field, fields.List)
        inner = field.inner if isinstance(field, fields.List) else field
        least = "" if needed else ' minOccurs="0"'
        most = ' maxOccurs="unbounded"' if many else ""
        found += [
            f'   <xs:element name="{camel(name)}"{least}{most}>',
            "    <xs:simpleType>",
            *(f"     {line}" for line in _simple(inner)),
            "    </xs:simpleType>",
            "   </xs:element>",
        ]
    return found


def _simple(field: Any) -> list[str]:
    match field:
        case Code():
            return _listed(field.members)
        case Word():
            return _listed(field.words)
        case Country():
            return _restricted("xs:string", '<xs:pattern value="[A-Z]{2}"/>')
        case Pattern():
            return _restricted("xs:string", f'<xs:pattern value="{field.pattern}"/>')
        case Clock():
            return _restricted(
                "xs:string", '<xs:pattern value="[0-2][0-9]:[0-5][0-9]"/>'
            )
        case Text():
            longest = f'<xs:maxLength value="{field.longest.max}"/>'
            return _restricted("xs:string", '<xs:minLength value="1"/>', longest)
        case Day():
            return _restricted("xs:date")
        case Tick():
            return _restricted("xs:boolean")
        case Whole():
            return _restricted("xs:integer", *_least(field))
        case Degrees():
            return _restricted("xs:double")
        case _:
            raise TypeError(f"the schema cannot describe a {type(field).__name__}")


def _least(field: Any) -> list[str]:
    known = (v.min for v in field.validators if isinstance(v, validate.Range))
    return [f'<xs:minInclusive value="{n}"/>' for n in known if n is not None]


def _listed(words: Any) -> list[str]:
    return _restricted("xs:string", *(f'<xs:enumeration value="{w}"/>' for w in words))


def _restricted(base: str, *facets: str) -> list[str]:
    if not facets:
        return [f'<xs:restriction base="{base}"/>']
    inner = [f" {facet}" for facet in facets]
    return [f'<xs:restriction base="{base}">', *inner, "</xs:restriction>"]
