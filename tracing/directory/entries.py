"""The directory: who is competent in each State, and how to reach them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from unicodedata import category

from marshmallow import ValidationError
from sqlalchemy import or_, select

from tracing.directory import columns
from tracing.directory.countries import folded, name_of
from tracing.extensions import db
from tracing.models import Authority, AuthorityVersion, Bounce
from workflows.vocabulary import N_

STALE_AFTER: Final = timedelta(days=180)
"""After this an entry has to be confirmed again."""

LANGUAGES: Final = ("ar", "zh", "en", "fr", "ru", "es")
LONGEST_CHAIN: Final = 10
"""Successors that are followed; a circle of them ends here."""

# Letters that readers and keyboards take for one another; accents are gone by then.
_ALIKE: Final = str.maketrans(
    {"ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ı": "i", "ـ": ""}
)


@lru_cache(maxsize=20_000)
def searchable(text: str) -> str:
    """Return a text for looking in: no capitals, accents, signs or look-alikes."""
    plain = folded(text).translate(_ALIKE)
    kept = (one if category(one)[0] in "LN" else " " for one in plain)
    return " ".join("".join(kept).split())


@lru_cache(maxsize=500)
def _names_of(country: str) -> str:
    """Return the names of a State in our languages, for looking in."""
    return " ".join(searchable(name_of(country, code)) for code in LANGUAGES)


def find(
    text: str = "",
    *,
    country: str = "",
    language: str = "",
    instrument: str = "",
    function: str = "",
    in_language: str = "en",
    limit: int = 25,
    after: str = "",
    on: date | None = None,
) -> list[Authority]:
    """Return entries by the name of their State, as the reader's language sorts.

    Every word of the text has to be in the entry, or in a name of its State in any of
    our languages. The directory of the world is some hundreds of rows: they are
    compared here, where accents and scripts count the same on both databases. With a
    day, only those in force on it.
    """
    query = select(
        Authority.code,
        Authority.country,
        Authority.name,
        Authority.original_name,
        Authority.unit,
        Authority.languages,
        Authority.instruments,
        Authority.functions,
    )
    if country:
        query = query.where(Authority.country == country.upper())
    if on is not None:
        query = query.where(_in_force(on))
    wanted = searchable(text[:200]).split()
    found: list[tuple[str, str, str]] = []
    for row in db.session.execute(query):
        if language and language not in row.languages:
            continue
        if instrument and instrument not in row.instruments:
            continue
        if function and function not in row.functions:
            continue
        if wanted and not _has(row, wanted):
            continue
        state = name_of(row.country, in_language)
        found.append((_sorts(state), _sorts(row.name), row.code))
    found.sort()
    order = [code for _state, _name, code in found]
    start = order.index(after) + 1 if after in order else 0
    shown = order[start : start + limit]
    return _in_order(shown)


_sorts: Final = lru_cache(maxsize=20_000)(folded)


def _has(row: Any, wanted: Sequence[str]) -> bool:
    texts = (row.code, row.name, row.original_name, row.unit)
    where = " ".join((_names_of(row.country), *map(searchable, texts)))
    return all(word in where for word in wanted)


def _in_order(order: Sequence[str]) -> list[Authority]:
    rows = db.session.scalars(select(Authority).where(Authority.code.in_(order)))
    by_code = {row.code: row for row in rows}
    return [by_code[code] for code in order]


def _in_force(day: date) -> Any:
    return (or_(Authority.valid_to.is_(None), Authority.valid_to >= day)) & or_(
        Authority.valid_from.is_(None), Authority.valid_from <= day
    )


def is_in_force(authority: Authority, day: date) -> bool:
    """Tell whether an entry holds on a day."""
    begins, ends = authority.valid_from, authority.valid_to
    return (begins is None or begins <= day) and (ends is None or day <= ends)


def get(code: str) -> Authority | None:
    """Return the authority of that code, if there is one; all who sign in may read."""
    return db.session.scalar(select(Authority).where(Authority.code == code.upper()))


def country_of(authority_id: int) -> str:
    """Return the State of an authority."""
    return by_id(authority_id).country


def languages() -> set[str]:
    """Return the languages that authorities work in."""
    found = db.session.scalars(select(Authority.languages).distinct())
    return {code for codes in found for code in codes}


def everything() -> Sequence[Authority]:
    """Return all entries, by code."""
    return db.session.scalars(select(Authority).order_by(Authority.code)).all()


def any_known() -> bool:
    """Tell whether the directory has any authority."""
    return db.session.scalar(select(Authority.id).limit(1)) is not None


def countries(in_language: str = "en") -> list[str]:
    """Return the States in the directory, by name."""
    found = db.session.scalars(select(Authority.country).distinct())
    return sorted(found, key=lambda code: folded(name_of(code, in_language)))


def is_stale(authority: Authority, now: datetime) -> bool:
    """Tell whether nobody has confirmed the entry for half a year."""
    confirmed = authority.last_confirmed
    return confirmed is None or now - confirmed > STALE_AFTER


def addressees(
    *, besides: int, in_language: str = "en", on: date | None = None
) -> list[Authority]:
    """Return whom an authority may ask, by the name of the State."""
    query = select(Authority).where(
        Authority.accepts_requests.is_(True), Authority.id != besides
    )
    if on is not None:
        query = query.where(_in_force(on))
    found = db.session.scalars(query).all()

    def place(authority: Authority) -> tuple[str, str]:
        state = name_of(authority.country, in_language)
        return folded(state), folded(authority.name)

    return sorted(found, key=place)


def open_for_requests(
    authority_id: int, *, besides: int, on: date | None = None
) -> Authority:
    """Return the authority a request goes to, or say why it cannot go there.

    In place of one that was dissolved stands its successor.
    """
    found = db.session.get(Authority, authority_id)
    if found is not None and on is not None:
        found = standing_for(found, on)
    if found is None or found.id == besides or not found.accepts_requests:
        raise ValidationError(
            {
                "header": {
                    "requested_id": [
                        N_("Choose an authority that takes trace requests.")
                    ]
                }
            }
        )
    return found


def standing_for(authority: Authority, day: date) -> Authority | None:
    """Return the authority itself, or its successor on that day, if there is one."""
    found: Authority | None = authority
    for _ in range(LONGEST_CHAIN):
        if found is None or is_in_force(found, day):
            return found
        found = get(found.successor) if found.successor else None
    return None


# ------------------------------------------------------------------------- versions


def revise(
    authority: Authority, values: Mapping[str, Any], *, why: str, now: datetime
) -> dict[str, Any]:
    """Change what differs, and keep the entry as it was; return the differences.

    Each is a field with its text before and after. The caller commits.
    """
    before = columns.cells_of(authority)
    different = [
        name for name, value in values.items() if getattr(authority, name) != value
    ]
    if not different:
        return {}
    db.session.add(
        AuthorityVersion(
            authority_id=authority.id,
            number=authority.version,
            entry=before,
            until=now,
            why=why[:200],
        )
    )
    for name in different:
        setattr(authority, name, values[name])
    authority.version += 1
    known = {*authority.mailboxes, authority.supervisor_email}
    authority.unreachable = tuple(a for a in authority.unreachable if a in known)
    after = columns.cells_of(authority)
    return {name: [before[name], after[name]] for name in different}


def versions(authority: Authority) -> Sequence[AuthorityVersion]:
    """Return the entry as it was before each change, the newest first."""
    return db.session.scalars(
        select(AuthorityVersion)
        .where(AuthorityVersion.authority_id == authority.id)
        .order_by(AuthorityVersion.number.desc())
        .limit(200)
    ).all()


def version(authority: Authority, number: int) -> AuthorityVersion | None:
    """Return the entry as it was in one version; none for the one that holds now."""
    return db.session.scalar(
        select(AuthorityVersion).where(
            AuthorityVersion.authority_id == authority.id,
            AuthorityVersion.number == number,
        )
    )


def by_id(number: int) -> Authority:
    """Return an authority that is known to be there."""
    return db.session.get_one(Authority, number)


def came_back(authority: Authority) -> dict[str, Bounce]:
    """Return for each unreachable address the last mail that came back from it."""
    if not authority.unreachable:
        return {}
    rows = db.session.scalars(
        select(Bounce)
        .where(Bounce.authority_id == authority.id)
        .order_by(Bounce.id.desc())
        .limit(50)
    ).all()
    return {row.address: row for row in reversed(rows)}
