"""The sections of a trace request, in the order of the form."""

from typing import Final

from tracing.schemas.basis import BasisSection
from tracing.schemas.domestic import DomesticSection
from tracing.schemas.fields import Section
from tracing.schemas.find import FindSection
from tracing.schemas.header import HeaderSection
from tracing.schemas.markings import MarkingsSection
from tracing.schemas.persons import PersonsSection
from tracing.schemas.weapon import ItemSection

SECTIONS: Final[tuple[tuple[str, type[Section]], ...]] = (
    ("markings", MarkingsSection),
    ("item", ItemSection),
    ("find", FindSection),
    ("persons", PersonsSection),
    ("basis", BasisSection),
    ("domestic", DomesticSection),
    ("header", HeaderSection),
)
"""Markings first: what is stamped decides whom to ask."""
