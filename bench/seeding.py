"""Many requests at once: some are filed and taken as people do, then copied by SQL.

A copy differs in reference, authorities and dates; every other column and row is
what the commands have written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Table, create_engine, func, select

from tracing.accounts import people
from tracing.accounts.actors import actor_of
from tracing.casework import moving, requested, requesting, sections
from tracing.casework.references import NUMBERS, reference_of
from tracing.cli.demo import Tale, form_of
from tracing.directory import countries, versions
from tracing.directory.agreements import Terms, content_of
from tracing.extensions import be_patient, db
from tracing.journal import checkpoints, journal
from tracing.journal.kinds import Kind
from tracing.models import (
    Account,
    Authority,
    Base,
    DueWork,
    Item,
    Marking,
    Person,
    Recovery,
    RegimeVersion,
    RequestEvent,
    TraceRequest,
)
from tracing.models.sealed import Sealed, column_of, place_of
from tracing.security.fields import field_keys
from workflows.policies import Actor, Role
from workflows.regimes import Unit

PASSWORD: Final = "measure-me-and-go-away"
PATTERNS: Final = 20
TINY_HAS: Final = 3
DUE: Final = 1000
JOURNAL_ROWS: Final = 10_000
ROOM: Final = 32
"""Identities kept for the rows of one copy in a table that has several of them."""

LARGE, TINY, ASKING = "LARGE", "TINY", "ASKING"


@dataclass(frozen=True, slots=True)
class World:
    """Who is in the database; the requests are as many as were asked for."""

    large: int
    tiny: int
    asking: int
    references: tuple[str, ...]
    """Some of the requests the large authority has to answer."""


def fill(n: int) -> World:
    """Fill the empty database with n open requests, within an app context."""
    world = _authorities()
    _patterns(world)
    chosen = _copies(n, world)
    return World(**world, references=chosen)


def make_due(now: datetime, most: int = DUE) -> int:
    """Make a reminder of each of so many requests due; return how many they are."""
    ids = (
        select(func.min(DueWork.id))
        .where(DueWork.done.is_(False), DueWork.at > now)
        .group_by(DueWork.request_id)
        .order_by(DueWork.request_id.desc())
        .limit(most)
    )
    found = list(db.session.scalars(ids))
    db.session.execute(
        DueWork.__table__.update()
        .where(DueWork.id.in_(found))
        .values(at=now - timedelta(hours=1))
    )
    db.session.commit()
    return len(found)


def fill_journal(authority_id: int, n: int) -> None:
    """Write n entries such as steps leave, many at a time."""
    connection = db.session.connection()
    be_patient(connection)
    heads = [
        journal._Head(row.id, row.name, row.size, bytes(row.head))
        for row in journal._lock(connection, [authority_id])
    ]
    doing = journal.Doing(
        Kind.RESPOND,
        Actor(1, "Somebody", authority_id, "An authority", frozenset({Role.OFFICER})),
        "2026-KE-0000417X",
        (authority_id,),
        "responded",
        {"position": 5, "carried": {"outcome": "NO_RECORD", "text": "x" * 200}},
    )
    for start in range(0, n, JOURNAL_ROWS):
        entries: list[dict[str, Any]] = []
        payloads: list[dict[str, Any]] = []
        for _ in range(min(JOURNAL_ROWS, n - start)):
            journal._add(heads, doing, entries, payloads)
        head = heads[0]
        moved = {"chain": head.id, "to_size": head.size, "to_head": head.head}
        connection.execute(journal._ADD_ENTRY, entries)
        connection.execute(journal._ADD_PAYLOAD, payloads)
        connection.execute(journal._MOVE_HEAD, moved)
    db.session.commit()
    checkpoints.make_all()


AGREED: Final = "BENCH_2026"
"""An agreement on working days: what is under it moves with a holiday."""


def under_a_calendar(large: int, most: int) -> tuple[int, date]:
    """Let so many requests to the large authority count by the calendar of its State.

    One in ten is under an agreement on ten working days. Returns how many there are,
    and a day that lies within all of these periods.
    """
    now = datetime.now(UTC)
    content = content_of(
        Terms(
            code=AGREED,
            label="Agreement of the bench",
            states=("FR", "KE"),
            since=date(2020, 1, 1),
            unit=Unit.WORKING_DAYS,
            answer_in=200,
            source="Article 1",
            why="To measure.",
        )
    )
    db.session.add(
        RegimeVersion(
            code=AGREED,
            number=1,
            label="Agreement of the bench",
            states=("FR", "KE"),
            since=date(2020, 1, 1),
            content=content,
            authority_id=large,
            made_by="bench",
            made_at=now,
        )
    )
    versions.keep(versions.current("FR", now), now)
    db.session.flush()
    ids = (
        select(TraceRequest.id)
        .where(TraceRequest.requested_id == large, TraceRequest.awaiting.is_(True))
        .order_by(TraceRequest.id)
        .limit(most)
        .subquery()
    )
    table = TraceRequest.__table__
    chosen = table.c.id.in_(select(ids.c.id))
    say = db.session.connection().execute
    say(table.update().values(calendar_version=None))
    say(table.update().where(chosen).values(calendar_version="FR 1"))
    every_tenth = table.update().where(chosen, table.c.id % 10 == 0)
    say(every_tenth.values(regime=AGREED, regime_version=1))
    db.session.commit()
    # A copy has its pattern's dates, some minutes on: they are put right first.
    book = moving.Book(versions.current("FR", now))
    for rows in moving._batches("FR", "FR 0", lock=False):
        moving._write_dates(book.recount(rows), book.calendar)
    db.session.commit()
    found = db.session.scalar(select(func.count()).select_from(ids)) or 0
    day = book.calendar.next_working_day(now.date() + timedelta(days=60))
    return found, day


# ---------------------------------------------------------------- who, and patterns


def _authorities() -> dict[str, int]:
    codes = sorted(countries.codes())
    named = {"FR": LARGE, "NP": TINY, "KE": ASKING}
    found = {}
    for country in codes:
        code = named.get(country, f"{country}-1")
        authority = Authority(
            code=code,
            country=country,
            name=f"Invented authority of {country}",
            zone="UTC",
            languages=("en",),
            email=f"{code}@authority.example".lower(),
            supervisor_email=f"{code}-head@authority.example".lower(),
            fictional=True,
        )
        db.session.add(authority)
        if country in named:
            roles = (Role.OFFICER,) if code != ASKING else (Role.INVESTIGATOR,)
            people.add_person(
                authority, f"Person of {code}", f"{code}@bench.example", PASSWORD, roles
            )
        db.session.flush()
        found[code] = authority.id
    db.session.commit()
    return {name: found[name.upper()] for name in ("large", "tiny", "asking")}


def form(n: int, asking: Authority, asked: Authority) -> dict[str, dict[str, Any]]:
    """Return the n-th complete form."""
    return form_of(Tale(n, "", asking, asked), datetime.now(UTC).date())


def _patterns(world: dict[str, int]) -> None:
    asking = db.session.get_one(Authority, world["asking"])
    asked = db.session.get_one(Authority, world["large"])
    investigator, officer = (
        actor_of(
            db.session.scalars(
                select(Account).where(Account.authority_id == authority.id)
            ).one()
        )
        for authority in (asking, asked)
    )
    for n in range(PATTERNS):
        data = {
            key: sections.SCHEMAS[key](today=datetime.now(UTC).date()).load(values)
            for key, values in form(n, asking, asked).items()
        }
        reference = requesting.draft(investigator, data, form_key=f"pattern-{n}")
        requesting.submit(reference, investigator, authorised=True, version=1)
        if n % 2:
            requested.acknowledge(reference, officer, version=None)
        if n % 4 == 1:
            requested.assign(reference, officer, version=None)


# ----------------------------------------------------------------------- the copies


def _numbers(taken: set[int]) -> Iterator[int]:
    """Yield every other number once, in an order that looks drawn."""
    step, at = 6_700_417, 0
    for _ in range(NUMBERS):
        at = (at + step) % NUMBERS
        if at not in taken:
            yield at


def _copies(n: int, world: dict[str, int]) -> tuple[str, ...]:
    chance = Random(1)
    first = db.session.scalars(select(TraceRequest).order_by(TraceRequest.id)).all()
    patterns = [(row.id, row.year) for row in first]
    taken = {row.number for row in first}
    everyone = list(db.session.scalars(select(Authority.id)))
    others = [a for a in everyone if a not in world.values()]
    codes = {a.id: a.country for a in db.session.scalars(select(Authority))}
    chosen: list[str] = []

    def rows() -> Iterator[tuple[int, int, int, int, str, int, int, int]]:
        numbers = _numbers(taken)
        for i in range(n - PATTERNS):
            pattern, year = patterns[i % PATTERNS]
            asked = world["large"] if i % 2 else others[i // 2 % len(others)]
            if i < TINY_HAS:
                asked = world["tiny"]
            asking = others[i * 7 // 3 % len(others)]
            if asking == asked:
                asking = world["asking"]
            number = next(numbers)
            reference = reference_of(year, codes[asking], number)
            if asked == world["large"] and len(chosen) < 500 and not i % 3:
                chosen.append(reference)
            shift = chance.randrange(40 * 24 * 60)
            yield i, pattern, asking, asked, reference, year, number, shift

    url = db.engine.url
    db.session.rollback()
    engine = create_engine(url)
    with engine.connect() as connection:
        _copy_rows(connection, rows())
    engine.dispose()
    _seal_anew(chosen, world["asking"])
    return tuple(chosen)


def _seal_anew(references: list[str], asking: int) -> None:
    """Close the requests that will be opened for the authority they were copied to.

    What is sealed opens for the authority of its pattern alone.
    """
    keys = field_keys()
    found = db.session.scalars(
        select(TraceRequest).where(TraceRequest.reference.in_(references))
    )
    for request in found:
        for row in (request, request.item, *request.persons):
            for name, column in vars(type(row)).items():
                sealed = getattr(row, column_of(name), None)
                if isinstance(column, Sealed) and sealed is not None:
                    places = [
                        place_of(row.__tablename__, name, row.seal, whose)
                        for whose in (asking, row.sealed_for)
                    ]
                    again = keys.close(keys.open(sealed, places[0]), places[1])
                    setattr(row, column_of(name), again)
    db.session.commit()


COLUMNS: Final = "i, pattern, asking, asked, reference, year, number, shift"


def _copy_rows(connection: Connection, rows: Iterator[tuple[Any, ...]]) -> None:
    postgres = connection.dialect.name == "postgresql"
    say = connection.exec_driver_sql
    if postgres:
        # No checks of what is made by a statement that cannot be wrong.
        say("SET session_replication_role = replica")
        say("SET synchronous_commit = off")
        say("SET maintenance_work_mem = '512MB'")
        say("SET work_mem = '256MB'")
    else:
        say("PRAGMA synchronous = off")
        say("PRAGMA foreign_keys = off")
        say("PRAGMA cache_size = -500000")
    say(
        "CREATE TEMPORARY TABLE copy (i integer, pattern integer, asking integer,"
        " asked integer, reference varchar(24), year integer, number integer,"
        " shift integer)"
    )
    if postgres:
        cursor = connection.connection.driver_connection.cursor()
        with cursor.copy(f"COPY copy ({COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        cursor = connection.connection.cursor()
        while batch := list(islice(rows, 50_000)):
            cursor.executemany("INSERT INTO copy VALUES (?,?,?,?,?,?,?,?)", batch)
    say("ANALYZE copy")
    # Made once at the end, an index costs a tenth of what it does row by row.
    indexes = _indexes(connection)
    for name, _statement in indexes:
        say(f'DROP INDEX "{name}"')
    _copy_patterns(connection)
    for _name, statement in indexes:
        say(statement)
    connection.commit()
    if postgres:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        say("VACUUM ANALYZE")


def _indexes(connection: Connection) -> list[tuple[str, str]]:
    """Return the indexes that stand for no constraint, each with its statement."""
    found = (
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname)"
        if connection.dialect.name == "postgresql"
        else "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''"
    )
    return [(name, sql) for name, sql in connection.exec_driver_sql(found)]


@dataclass(frozen=True, slots=True)
class Clone:
    """How the rows of one table are copied: which belong to a pattern, what differs."""

    table: Table
    patterns: str
    values: dict[str, str]
    room: int = 1


def _clones(connection: Connection) -> list[Clone]:
    def later(column: str) -> str:
        if connection.dialect.name == "postgresql":
            return f"old.{column} + copy.shift * interval '1 minute'"
        shifted = f"strftime('%Y-%m-%d %H:%M:%S', old.{column}, shift || ' minutes')"
        return f"{shifted} || '.000000'"

    def next_of(model: type[Base]) -> str:
        table = model.__table__
        return f"copy.i + {(connection.scalar(select(func.max(table.c.id))) or 0) + 1}"

    def ranked(table: str) -> str:
        return (
            "SELECT t.*, request_id AS pattern, row_number() OVER"
            f" (PARTITION BY request_id ORDER BY id) AS rank FROM {table} AS t"
        )

    request = {"request_id": next_of(TraceRequest)}
    return [
        Clone(
            Recovery.__table__,
            "SELECT t.*, r.id AS pattern, 0 AS rank FROM recovery AS t"
            " JOIN trace_request AS r ON r.recovery_id = t.id",
            {},
        ),
        Clone(
            TraceRequest.__table__,
            "SELECT t.*, id AS pattern, 0 AS rank FROM trace_request AS t",
            {
                "reference": "copy.reference",
                "number": "copy.number",
                "requesting_id": "copy.asking",
                "requested_id": "copy.asked",
                "recovery_id": next_of(Recovery),
                "due": later("due"),
            },
        ),
        Clone(
            Item.__table__,
            "SELECT t.*, request_id AS pattern, 0 AS rank FROM item AS t",
            request,
        ),
        Clone(
            Marking.__table__,
            "SELECT t.*, i.request_id AS pattern, t.position AS rank"
            " FROM marking AS t JOIN item AS i ON i.id = t.item_id",
            {"item_id": next_of(Item)},
            ROOM,
        ),
        Clone(
            Person.__table__,
            ranked("person"),
            request | {"authority_id": "copy.asking"},
            ROOM,
        ),
        Clone(RequestEvent.__table__, ranked("request_event"), request, ROOM),
        Clone(
            DueWork.__table__,
            ranked("due_work"),
            request | {"at": later("at"), "deadline_value": later("deadline_value")},
            ROOM,
        ),
    ]


def _copy_patterns(connection: Connection) -> None:
    """Copy table after table in one statement each, and go on counting after it."""
    say = connection.exec_driver_sql
    for clone in _clones(connection):
        name = clone.table.name
        start = (connection.scalar(select(func.max(clone.table.c.id))) or 0) + 1
        values = {"id": f"{start} + copy.i * {clone.room} + old.rank"} | clone.values
        names = [column.name for column in clone.table.columns]
        columns = ", ".join(f'"{column}"' for column in names)
        given = ", ".join(values.get(column, f'old."{column}"') for column in names)
        say(f"CREATE TEMPORARY TABLE old_{name} AS {clone.patterns}")
        # CROSS JOIN keeps SQLite to this order of loops: identities grow.
        say(
            f"INSERT INTO {name} ({columns}) SELECT {given} FROM copy"
            f" CROSS JOIN old_{name} AS old WHERE old.pattern = copy.pattern"
        )
        if connection.dialect.name == "postgresql":
            say(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id))"
                f" FROM {name}"
            )


def fill_directory(wanted: int) -> int:
    """Bring the directory to so many entries, over the States of the world."""
    known = db.session.scalar(select(func.count()).select_from(Authority)) or 0
    states = sorted(countries.codes())
    for number in range(known, wanted):
        state = states[number % len(states)]
        db.session.add(
            Authority(
                code=f"{state}-D{number}",
                country=state,
                name=f"Tracing desk {number} of {countries.name_of(state, 'en')}",
                original_name=countries.name_of(state, "ar"),
                zone="UTC",
                email=f"desk@d{number}.example",
                languages=("en", "fr"),
                functions=("FIREARMS",),
                instruments=("ITI25",),
                fictional=True,
            )
        )
    db.session.commit()
    return max(known, wanted)
