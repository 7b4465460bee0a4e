"""sealed fields: what names people is closed with keys the database does not have;
how long requests are kept, what holds them, what was erased

Each column gets a sealed one beside it, which takes its place when all rows are
written: nothing that refers to a table is touched. Rows go a thousand at a time.
"""

import json
from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from flask import current_app
from sqlalchemy.dialects import postgresql

from tracing.models.sealed import new_seal, place_of
from tracing.models.base import Instant
from tracing.security import fields
from workflows import retention

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

AT_ONCE = 1000
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
TEXT = sa.Text()
OWN = 't.authority_id'
ASKING = '(SELECT r.requesting_id FROM trace_request AS r WHERE r.id = t.request_id)'
# Table: whose the rows are, and the columns with the type they had.
SEALED = {
    'recovery': (OWN, {
        'place': sa.String(300), 'latitude': sa.Double(), 'longitude': sa.Double(),
        'circumstances': TEXT, 'transport_registration': sa.String(100),
    }),
    'trace_request': ('t.requesting_id', {
        'urgency_reason': TEXT, 'requested_by_reason': TEXT,
        'officer_phone': sa.String(40), 'legal_basis_text': TEXT,
        'illicit_reason': TEXT, 'offence': TEXT, 'facts_summary': TEXT, 'purpose': TEXT,
        'assistance_sought': TEXT, 'special_procedure': TEXT,
        'confidentiality_reason': TEXT, 'restrictions_asked': TEXT,
        'handling_text': TEXT, 'domestic_searches': TEXT, 'domestic_override_text': TEXT,
    }),
    'item': (ASKING, {'restoration_note': TEXT}),
    'person': (ASKING, {
        'family_name': sa.String(200), 'given_name': sa.String(200),
        'alias': sa.String(200), 'born': sa.Date(), 'nationality': sa.String(2),
        'id_number': sa.String(100),
    }),
    'request_event': (OWN, {'carried': JSON}),
    'attachment': (OWN, {'title': sa.String(200)}),
    'break_glass': ('0', {'reason': sa.String(2000)}),
}
REQUIRED = {'carried', 'title', 'reason'}
MARKS = ('name_mark', 'family_mark', 'alias_mark', 'id_mark')
NAMES = ('family_name', 'given_name', 'alias', 'id_number')
ERASES = """
    NEW.chain_id = OLD.chain_id AND NEW.seq = OLD.seq
    AND NEW.salt IS NULL AND NEW.payload IS NULL
    AND OLD.erased_by IS NULL AND NEW.erased_by IS NOT NULL
    AND NEW.erased_by > OLD.seq
    AND EXISTS (
        SELECT 1 FROM journal_entry AS e
        WHERE e.chain_id = OLD.chain_id AND e.seq = NEW.erased_by AND e.kind = 'erased'
    )
"""
# Under a newer key, and nothing else: what it says stays under its commitment.
RESEALS = """
    NEW.chain_id = OLD.chain_id AND NEW.seq = OLD.seq AND NEW.salt = OLD.salt
    AND OLD.erased_by IS NULL AND NEW.erased_by IS NULL
    AND {new} > {old}
"""


INDEXES = {
    'ix_trace_request_review': ['requesting_id', 'review_on', 'id'],
    'ix_trace_request_review_asked': ['requested_id', 'review_on', 'id'],
    'ix_trace_request_keep': ['keep_until', 'id'],
}
LIST = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    """Apply."""
    _keep()
    for table in SEALED:
        op.add_column(
            table, sa.Column('seal', sa.String(32), nullable=False, server_default='')
        )
    op.add_column('person', sa.Column('authority_id', sa.Integer(), nullable=True))
    for mark in MARKS:
        op.add_column('person', sa.Column(mark, sa.String(24), nullable=True))
    keys = current_app.extensions[fields.KEYS]
    for table, (whose, columns) in SEALED.items():
        for name in columns:
            given = {'nullable': False, 'server_default': ''} if name in REQUIRED else {}
            op.add_column(table, sa.Column(f'{name}_new', TEXT, **given))
        _close(keys, table, whose, columns)
        for name in columns:
            op.drop_column(table, name)
            _rename(table, f'{name}_new', name)
        if op.get_bind().dialect.name == 'postgresql':
            for name in ('seal', *(REQUIRED & set(columns))):
                op.alter_column(table, name, server_default=None)
    # Nothing refers to persons: their table can be made anew.
    with op.batch_alter_table('person') as batch_op:
        batch_op.alter_column('authority_id', existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(
            op.f('fk_person_authority_id_authority'), 'authority', ['authority_id'], ['id']
        )
        for mark in MARKS:
            batch_op.create_index(batch_op.f(f'ix_person_{mark}'), [mark], unique=False)
    _unguard()
    _close_payloads(keys)
    _guard([ERASES, _reseals()])


def downgrade() -> None:
    """Take back."""
    op.drop_table('erasure')
    op.drop_table('legal_hold')
    for name in INDEXES:
        op.drop_index(name, 'trace_request')
    for name in ('ended_on', 'review_on', 'keep_until', 'erased_at'):
        op.drop_column('trace_request', name)
    op.drop_column('authority', 'keep_years')
    keys = current_app.extensions[fields.KEYS]
    _unguard()
    _open_payloads(keys)
    _guard([ERASES])
    with op.batch_alter_table('person') as batch_op:
        for mark in MARKS:
            batch_op.drop_index(batch_op.f(f'ix_person_{mark}'))
        batch_op.drop_constraint(
            op.f('fk_person_authority_id_authority'), type_='foreignkey'
        )
    for table, (whose, columns) in SEALED.items():
        for name, kind in columns.items():
            given = {}
            if name in REQUIRED:
                given = {'nullable': False, 'server_default': '{}'}
            op.add_column(table, sa.Column(f'{name}_old', kind, **given))
        _open(keys, table, whose, columns)
        for name in columns:
            op.drop_column(table, name)
            _rename(table, f'{name}_old', name)
            if name in REQUIRED and op.get_bind().dialect.name == 'postgresql':
                op.alter_column(table, name, server_default=None)
        op.drop_column(table, 'seal')
    for name in (*MARKS, 'authority_id'):
        op.drop_column('person', name)


def _keep() -> None:
    op.add_column('authority', sa.Column('keep_years', sa.Integer(), nullable=True))
    for name in ('ended_on', 'review_on', 'keep_until'):
        op.add_column('trace_request', sa.Column(name, sa.Date(), nullable=True))
    op.add_column('trace_request', sa.Column('erased_at', Instant(), nullable=True))
    _date_the_ended()
    for name, columns in INDEXES.items():
        op.create_index(name, 'trace_request', columns, unique=False)
    op.create_table('legal_hold',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('request_id', sa.Integer(), nullable=False),
    sa.Column('authority_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('until', sa.Date(), nullable=False),
    sa.Column('set_by_id', sa.Integer(), nullable=False),
    sa.Column('set_at', Instant(), nullable=False),
    sa.Column('lift_asked_by_id', sa.Integer(), nullable=True),
    sa.Column('lifted_by_id', sa.Integer(), nullable=True),
    sa.Column('lifted_at', Instant(), nullable=True),
    sa.Column('seal', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['authority_id'], ['authority.id'], name=op.f('fk_legal_hold_authority_id_authority')),
    sa.ForeignKeyConstraint(['lift_asked_by_id'], ['account.id'], name=op.f('fk_legal_hold_lift_asked_by_id_account')),
    sa.ForeignKeyConstraint(['lifted_by_id'], ['account.id'], name=op.f('fk_legal_hold_lifted_by_id_account')),
    sa.ForeignKeyConstraint(['request_id'], ['trace_request.id'], name=op.f('fk_legal_hold_request_id_trace_request')),
    sa.ForeignKeyConstraint(['set_by_id'], ['account.id'], name=op.f('fk_legal_hold_set_by_id_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_legal_hold'))
    )
    op.create_index(op.f('ix_legal_hold_request_id'), 'legal_hold', ['request_id'])
    op.create_index(op.f('ix_legal_hold_authority_id'), 'legal_hold', ['authority_id'])
    op.create_table('erasure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('reference', sa.String(length=24), nullable=False),
    sa.Column('authority_id', sa.Integer(), nullable=True),
    sa.Column('rule', sa.Enum('ended', 'draft', 'order', 'mail', 'form', name='data', native_enum=False, length=40), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=True),
    sa.Column('asked_at', Instant(), nullable=True),
    sa.Column('given_by_id', sa.Integer(), nullable=True),
    sa.Column('given_at', Instant(), nullable=True),
    sa.Column('done_at', Instant(), nullable=True),
    sa.Column('finished_at', Instant(), nullable=True),
    sa.Column('persons', LIST, nullable=False),
    sa.Column('files', LIST, nullable=False),
    sa.Column('entries', sa.Integer(), nullable=False),
    sa.Column('certificate', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['asked_by_id'], ['account.id'], name=op.f('fk_erasure_asked_by_id_account')),
    sa.ForeignKeyConstraint(['authority_id'], ['authority.id'], name=op.f('fk_erasure_authority_id_authority')),
    sa.ForeignKeyConstraint(['given_by_id'], ['account.id'], name=op.f('fk_erasure_given_by_id_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_erasure'))
    )
    op.create_index(op.f('ix_erasure_reference'), 'erasure', ['reference'])
    op.create_index('ix_erasure_open', 'erasure', ['finished_at', 'id'])
    op.create_index('ix_erasure_authority', 'erasure', ['authority_id', 'id'])


def _date_the_ended() -> None:
    """Give what has ended, and the drafts, the days until which they are kept."""
    query = sa.text(
        'SELECT r.id, r.state, coalesce((SELECT max(e.at) FROM request_event AS e'
        " WHERE e.request_id = r.id AND e.after IN ('closed', 'withdrawn')),"
        ' r.changed_at) AS at'
        " FROM trace_request AS r WHERE r.id > :last"
        " AND r.state IN ('closed', 'withdrawn', 'draft') ORDER BY r.id LIMIT :size"
    )
    into = sa.table('trace_request', sa.column('id'), *(
        sa.column(n, sa.Date()) for n in ('ended_on', 'review_on', 'keep_until')
    ))
    names = ('ended_on', 'review_on', 'keep_until')
    change = (
        into.update()
        .where(into.c.id == sa.bindparam('key'))
        .values({name: sa.bindparam(name, type_=sa.Date()) for name in names})
    )
    last = 0
    while found := op.get_bind().execute(query, {'last': last, 'size': AT_ONCE}).all():
        last = found[-1].id
        given = []
        for row in found:
            at = row.at if isinstance(row.at, datetime) else datetime.fromisoformat(row.at)
            day, draft = at.date(), row.state == 'draft'
            days = (None, None, retention.draft_until(day)) if draft else (
                day, retention.review_on(day), retention.keep_until(day)
            )
            given.append({'key': row.id} | dict(zip(names, days, strict=True)))
        op.get_bind().execute(change, given)


def _rename(table: str, old: str, new: str) -> None:
    # Alembic's way would make the table anew, and others refer to it.
    op.execute(f'ALTER TABLE {table} RENAME COLUMN {old} TO {new}')


# --------------------------------------------------------------------- the rows


def _rows(table: str, whose: str, names: list[str]) -> Iterator[list[sa.Row]]:
    """Yield a table's rows, a thousand at a time."""
    what = ', '.join(f't.{name}' for name in names)
    query = sa.text(
        f'SELECT t.id, {whose} AS whose, {what} FROM {table} AS t'
        ' WHERE t.id > :last ORDER BY t.id LIMIT :size'
    )
    last = 0
    while found := op.get_bind().execute(query, {'last': last, 'size': AT_ONCE}).all():
        yield found
        last = found[-1].id


def _close(keys, table: str, whose: str, columns: dict) -> None:
    names = list(columns)
    new = [f'{name}_new' for name in names]
    more = ['authority_id', *MARKS] if table == 'person' else []
    sets = ', '.join(f'{name} = :{name}' for name in ('seal', *new, *more))
    change = sa.text(f'UPDATE {table} SET {sets} WHERE id = :id')
    for found in _rows(table, whose, names):
        given = []
        for row in found:
            seal = new_seal()
            values = {'id': row.id, 'seal': seal}
            for name in names:
                plain = getattr(row, name)
                values[f'{name}_new'] = (
                    None
                    if plain is None
                    else keys.close(_said(plain), place_of(table, name, seal, row.whose))
                )
            if table == 'person':
                known = {name: getattr(row, name) for name in NAMES}
                values |= fields.names_of(keys, row.whose, **known)
                values['authority_id'] = row.whose
            given.append(values)
        op.get_bind().execute(change, given)


def _said(value: object) -> str:
    match value:
        case str():
            return value
        case float() | int():
            return repr(float(value))
        case dict():
            return json.dumps(value, ensure_ascii=False, separators=(',', ':'))
        case _:
            return str(value)


def _open(keys, table: str, whose: str, columns: dict) -> None:
    kinds = {f'{name}_old': kind for name, kind in columns.items()}
    into = sa.table(table, sa.column('id'), *(sa.column(n, k) for n, k in kinds.items()))
    change = (
        into.update()
        .where(into.c.id == sa.bindparam('key'))
        .values({name: sa.bindparam(name, type_=kind) for name, kind in kinds.items()})
    )
    for found in _rows(table, whose, ['seal', *columns]):
        given = []
        for row in found:
            values: dict[str, object] = {'key': row.id}
            for name, kind in columns.items():
                sealed = getattr(row, name)
                if sealed is None:
                    values[f'{name}_old'] = None
                    continue
                said = keys.open(sealed, place_of(table, name, row.seal, row.whose))
                values[f'{name}_old'] = _meant(kind, said)
            given.append(values)
        op.get_bind().execute(change, given)


def _meant(kind: object, said: str) -> object:
    if kind is JSON:
        return json.loads(said)
    if isinstance(kind, sa.Double):
        return float(said)
    if isinstance(kind, sa.Date):
        return sa.Date().python_type.fromisoformat(said)
    return said


# ------------------------------------------------------------------- the journal


def _payloads() -> Iterator[list[sa.Row]]:
    query = sa.text(
        'SELECT chain_id, seq, payload FROM journal_payload WHERE payload IS NOT NULL'
        ' AND (chain_id > :chain OR (chain_id = :chain AND seq > :seq))'
        ' ORDER BY chain_id, seq LIMIT :size'
    )
    here = {'chain': -1, 'seq': 0, 'size': AT_ONCE}
    while found := op.get_bind().execute(query, here).all():
        yield found
        here |= {'chain': found[-1].chain_id, 'seq': found[-1].seq}


_CHANGE = sa.text(
    'UPDATE journal_payload SET payload = :payload'
    ' WHERE chain_id = :chain AND seq = :seq'
)


def _close_payloads(keys) -> None:
    for found in _payloads():
        op.get_bind().execute(_CHANGE, [_with(row, keys.close) for row in found])


def _open_payloads(keys) -> None:
    for found in _payloads():
        op.get_bind().execute(_CHANGE, [_with(row, keys.open) for row in found])


def _with(row: sa.Row, change) -> dict[str, object]:
    place = place_of('journal_payload', 'payload', str(row.seq), row.chain_id)
    payload = change(row.payload, place)
    return {'chain': row.chain_id, 'seq': row.seq, 'payload': payload}


def _reseals() -> str:
    if op.get_bind().dialect.name == 'postgresql':
        number = "CAST(substring({} from '^v([1-9][0-9]{{0,8}})[.]') AS integer)"
    else:
        number = (
            "CASE WHEN {0} GLOB 'v[1-9]*.*'"
            " THEN CAST(substr({0}, 2, instr({0}, '.') - 2) AS INTEGER) END"
        )
    return RESEALS.format(
        new=number.format('NEW.payload'), old=number.format('OLD.payload')
    )


def _unguard() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE journal_payload DISABLE TRIGGER journal_payload_change')
    else:
        op.execute('DROP TRIGGER journal_payload_update')


def _guard(allowed: list[str]) -> None:
    either = ' OR '.join(f'({one})' for one in allowed)
    if op.get_bind().dialect.name != 'postgresql':
        op.execute(
            'CREATE TRIGGER journal_payload_update BEFORE UPDATE ON journal_payload'
            f' WHEN (NEW.rowid = OLD.rowid AND ({either})) IS NOT TRUE'
            " BEGIN SELECT RAISE(ABORT, 'the journal is not changed'); END"
        )
        return
    op.execute(f"""
        CREATE OR REPLACE FUNCTION journal_erase_only() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF {either} THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION 'the journal is not changed' USING ERRCODE = '23001';
        END $$
    """)
    op.execute('ALTER TABLE journal_payload ENABLE TRIGGER journal_payload_change')
