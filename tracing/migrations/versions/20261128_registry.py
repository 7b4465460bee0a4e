"""the national records: items, what happened to them, who is told of them

An authority's records are its own, for the pages and for the worker, who looks things
up in the name of one. What all may see of an item that is looked for is a copy of a few
columns. What happened is said once: an event is corrected by another.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tracing.models.base import Instant

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

KEY = sa.String(80).with_variant(sa.String(80, collation='C'), 'postgresql')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
ME = "(SELECT nullif(current_setting('app.authority', true), '')::integer)"
USER = "(SELECT nullif(current_setting('app.user', true), '')::integer)"
MINE = f'authority_id = {ME}'
BOTH = 'tracing_app, tracing_worker'


def of_item(table: str) -> str:
    """Return that a row and its item are one's own."""
    return (
        f'{MINE} AND EXISTS'
        f' (SELECT 1 FROM registry_item i WHERE i.id = {table}.item_id)'
    )


POLICIES = (
    ('registry_item', BOTH, 'ALL', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('registry_mark', BOTH, 'SELECT', f'USING ({MINE})'),
    ('registry_mark', BOTH, 'INSERT', f"WITH CHECK ({of_item('registry_mark')})"),
    ('registry_mark', BOTH, 'UPDATE', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('registry_mark', BOTH, 'DELETE', f'USING ({MINE})'),
    ('registry_event', BOTH, 'SELECT', f'USING ({MINE})'),
    ('registry_event', BOTH, 'INSERT', f"WITH CHECK ({of_item('registry_event')})"),
    ('registry_event', BOTH, 'DELETE', f'USING ({MINE})'),
    # To close what is sealed with a newer key the worker works for nobody.
    ('registry_event', 'tracing_worker', 'SELECT', f'USING ({ME} IS NULL)'),
    ('registry_event', 'tracing_worker', 'UPDATE', f'USING ({ME} IS NULL)'),
    ('registry_review', BOTH, 'SELECT', f'USING ({MINE})'),
    ('registry_review', BOTH, 'DELETE', f'USING ({MINE})'),
    # Asked for by one person, given by another; listed by the worker.
    ('registry_review', 'tracing_app', 'UPDATE', f'USING ({MINE}) WITH CHECK'
     f' ({MINE} AND (given_by_id IS NULL'
     f' OR (given_by_id = {USER} AND asked_by_id <> {USER})))'),
    ('registry_review', 'tracing_worker', 'INSERT',
     f"WITH CHECK ({of_item('registry_review')})"),
    ('registry_review', 'tracing_worker', 'SELECT', f'USING ({ME} IS NULL)'),
    ('registry_review', 'tracing_worker', 'UPDATE',
     f'USING ({ME} IS NULL OR {MINE})'),
    ('shared_record', BOTH, 'SELECT', f'USING ({ME} IS NOT NULL)'),
    ('shared_record', BOTH, 'INSERT', f"WITH CHECK ({of_item('shared_record')})"),
    ('shared_record', BOTH, 'UPDATE', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('shared_record', BOTH, 'DELETE', f'USING ({MINE})'),
    ('shared_record', 'tracing_worker', 'SELECT', f'USING ({ME} IS NULL)'),
    ('registry_sought', 'tracing_app', 'ALL', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('registry_sought', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
    ('registry_hit', 'tracing_app', 'SELECT', f'USING ({MINE})'),
    ('registry_hit', 'tracing_app', 'UPDATE', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('registry_hit', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
)
ITEM = (
    'source, version, kind, part, firearm_type, make, plant_country, model, calibre,'
    ' year, country_of_manufacture, import_mark, import_country, import_year,'
    ' quantity, status, shared, keep, review_on, changed_at, text, normalised, folded,'
    ' reversed'
)
ALL = 'SELECT, INSERT, UPDATE, DELETE'
GRANTS = (
    ('registry_item', 'tracing_app', f'SELECT, INSERT, UPDATE ({ITEM})'),
    ('registry_item', 'tracing_worker', f'SELECT, INSERT, UPDATE ({ITEM}), DELETE'),
    ('registry_mark', 'tracing_app', 'SELECT, INSERT'),
    ('registry_mark', 'tracing_worker', ALL),
    ('registry_event', 'tracing_app', 'SELECT, INSERT'),
    ('registry_event', 'tracing_worker',
     'SELECT, INSERT, UPDATE (place, parties, remarks), DELETE'),
    ('registry_review', 'tracing_app', 'SELECT, UPDATE (reason, seal, asked_by_id,'
     ' asked_at, given_by_id, given_at), DELETE'),
    ('registry_review', 'tracing_worker', ALL),
    ('shared_record', BOTH, ALL),
    ('registry_sought', 'tracing_app', 'SELECT, INSERT'),
    ('registry_sought', 'tracing_worker', ALL),
    ('registry_hit', 'tracing_app', 'SELECT, UPDATE (seen_at, seen_by_id)'),
    ('registry_hit', 'tracing_worker', ALL),
)
TABLES = (
    'registry_item', 'registry_mark', 'registry_event', 'shared_record',
    'registry_sought', 'registry_hit', 'registry_review',
)
SEALED = (
    ('registry_event', ('place', 'parties', 'remarks')),
    ('registry_review', ('reason',)),
)
SAID_ONCE = (
    'id, authority_id, item_id, kind, happened_on, precision, licence, licence_issued,'
    ' licence_expires, country_from, country_to, transit, consignment, quantity, mark,'
    ' source_record, source_key, changes, replaces_id, withdrawn, recorded_at,'
    ' recorded_by_id, seal'
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        'registry_item',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('source', sa.String(100), nullable=False),
        sa.Column('source_key', sa.String(120), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(40), nullable=False),
        sa.Column('part', sa.String(40), nullable=True),
        sa.Column('firearm_type', sa.String(40), nullable=True),
        sa.Column('make', sa.String(100), nullable=True),
        sa.Column('plant_country', sa.String(2), nullable=True),
        sa.Column('model', sa.String(100), nullable=True),
        sa.Column('calibre', sa.String(40), nullable=True),
        sa.Column('year', sa.Integer(), nullable=True),
        sa.Column('country_of_manufacture', sa.String(2), nullable=True),
        sa.Column('import_mark', sa.String(100), nullable=True),
        sa.Column('import_country', sa.String(2), nullable=True),
        sa.Column('import_year', sa.Integer(), nullable=True),
        sa.Column('quantity', sa.Integer(), nullable=True),
        sa.Column('status', sa.String(40), nullable=False),
        sa.Column('shared', sa.Boolean(), nullable=False),
        sa.Column('keep', sa.String(40), nullable=False),
        sa.Column('review_on', sa.Date(), nullable=False),
        sa.Column('recorded_at', Instant(), nullable=False),
        sa.Column('changed_at', Instant(), nullable=False),
        sa.Column('text', sa.String(64), nullable=False),
        sa.Column('normalised', KEY, nullable=True),
        sa.Column('folded', KEY, nullable=True),
        sa.Column('reversed', KEY, nullable=True),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_registry_item_authority_id_authority'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_registry_item')),
        sa.UniqueConstraint(
            'authority_id', 'source_key',
            name=op.f('uq_registry_item_authority_id_source_key'),
        ),
    )
    op.create_index('ix_registry_item_folded', 'registry_item', ['folded'],
        postgresql_include=['id', 'authority_id'])
    op.create_index('ix_registry_item_reversed', 'registry_item', ['reversed'],
        postgresql_include=['id', 'authority_id'])
    op.create_index('ix_registry_item_shared', 'registry_item', ['authority_id', 'id'],
        sqlite_where=sa.text('shared = 1'), postgresql_where=sa.text('shared'))
    op.create_table(
        'registry_mark',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('item_id', sa.Integer(), nullable=False),
        sa.Column('type', sa.String(40), nullable=False),
        sa.Column('component', sa.String(100), nullable=True),
        sa.Column('text', sa.String(64), nullable=False),
        sa.Column('normalised', KEY, nullable=True),
        sa.Column('folded', KEY, nullable=True),
        sa.Column('reversed', KEY, nullable=True),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_registry_mark_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['item_id'], ['registry_item.id'],
            name=op.f('fk_registry_mark_item_id_registry_item'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_registry_mark')),
    )
    op.create_index('ix_registry_mark_folded', 'registry_mark', ['folded'],
        postgresql_include=['item_id', 'authority_id'])
    op.create_index(op.f('ix_registry_mark_item_id'), 'registry_mark', ['item_id'])
    op.create_index('ix_registry_mark_reversed', 'registry_mark', ['reversed'],
        postgresql_include=['item_id', 'authority_id'])
    op.create_table(
        'registry_event',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('item_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(40), nullable=False),
        sa.Column('happened_on', sa.Date(), nullable=True),
        sa.Column('precision', sa.String(40), nullable=True),
        sa.Column('licence', sa.String(100), nullable=True),
        sa.Column('licence_issued', sa.Date(), nullable=True),
        sa.Column('licence_expires', sa.Date(), nullable=True),
        sa.Column('country_from', sa.String(2), nullable=True),
        sa.Column('country_to', sa.String(2), nullable=True),
        sa.Column('transit', sa.String(300), nullable=True),
        sa.Column('consignment', sa.String(100), nullable=True),
        sa.Column('quantity', sa.Integer(), nullable=True),
        sa.Column('mark', sa.String(64), nullable=True),
        sa.Column('source_record', sa.String(200), nullable=True),
        sa.Column('source_key', sa.String(120), nullable=True),
        sa.Column('changes', JSON, nullable=True),
        sa.Column('replaces_id', sa.Integer(), nullable=True),
        sa.Column('withdrawn', sa.Boolean(), nullable=False),
        sa.Column('recorded_at', Instant(), nullable=False),
        sa.Column('recorded_by_id', sa.Integer(), nullable=True),
        sa.Column('place', sa.Text(), nullable=True),
        sa.Column('parties', sa.Text(), nullable=True),
        sa.Column('remarks', sa.Text(), nullable=True),
        sa.Column('seal', sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_registry_event_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['item_id'], ['registry_item.id'],
            name=op.f('fk_registry_event_item_id_registry_item'),
        ),
        sa.ForeignKeyConstraint(
            ['recorded_by_id'], ['account.id'],
            name=op.f('fk_registry_event_recorded_by_id_account'),
        ),
        sa.ForeignKeyConstraint(
            ['replaces_id'], ['registry_event.id'],
            name=op.f('fk_registry_event_replaces_id_registry_event'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_registry_event')),
        sa.UniqueConstraint(
            'item_id', 'source_key',
            name=op.f('uq_registry_event_item_id_source_key'),
        ),
        sa.UniqueConstraint('replaces_id', name=op.f('uq_registry_event_replaces_id')),
    )
    op.create_table(
        'shared_record',
        sa.Column('item_id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(40), nullable=False),
        sa.Column('part', sa.String(40), nullable=True),
        sa.Column('firearm_type', sa.String(40), nullable=True),
        sa.Column('make', sa.String(100), nullable=True),
        sa.Column('model', sa.String(100), nullable=True),
        sa.Column('calibre', sa.String(40), nullable=True),
        sa.Column('year', sa.Integer(), nullable=True),
        sa.Column('country_of_manufacture', sa.String(2), nullable=True),
        sa.Column('status', sa.String(40), nullable=False),
        sa.Column('text', sa.String(64), nullable=False),
        sa.Column('normalised', KEY, nullable=True),
        sa.Column('folded', KEY, nullable=True),
        sa.Column('reversed', KEY, nullable=True),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_shared_record_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['item_id'], ['registry_item.id'],
            name=op.f('fk_shared_record_item_id_registry_item'),
        ),
        sa.PrimaryKeyConstraint('item_id', name=op.f('pk_shared_record')),
    )
    op.create_index(
        op.f('ix_shared_record_authority_id'), 'shared_record', ['authority_id']
    )
    op.create_index('ix_shared_record_folded', 'shared_record', ['folded'],
        postgresql_include=['item_id'])
    op.create_index('ix_shared_record_reversed', 'shared_record', ['reversed'],
        postgresql_include=['item_id'])
    op.create_table(
        'registry_sought',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('request_id', sa.Integer(), nullable=True),
        sa.Column('item_id', sa.Integer(), nullable=True),
        sa.Column('text', sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_registry_sought_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['item_id'], ['registry_item.id'],
            name=op.f('fk_registry_sought_item_id_registry_item'),
        ),
        sa.ForeignKeyConstraint(
            ['request_id'], ['trace_request.id'],
            name=op.f('fk_registry_sought_request_id_trace_request'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_registry_sought')),
    )
    op.create_index(op.f('ix_registry_sought_item_id'), 'registry_sought', ['item_id'])
    op.create_table(
        'registry_hit',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('item_id', sa.Integer(), nullable=False),
        sa.Column('seeker_id', sa.Integer(), nullable=True),
        sa.Column('request_id', sa.Integer(), nullable=True),
        sa.Column('rung', sa.String(40), nullable=False),
        sa.Column('pair', sa.String(64), nullable=False),
        sa.Column('found_at', Instant(), nullable=False),
        sa.Column('seen_at', Instant(), nullable=True),
        sa.Column('seen_by_id', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_registry_hit_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['item_id'], ['registry_item.id'],
            name=op.f('fk_registry_hit_item_id_registry_item'),
        ),
        sa.ForeignKeyConstraint(
            ['request_id'], ['trace_request.id'],
            name=op.f('fk_registry_hit_request_id_trace_request'),
        ),
        sa.ForeignKeyConstraint(
            ['seeker_id'], ['authority.id'],
            name=op.f('fk_registry_hit_seeker_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['seen_by_id'], ['account.id'],
            name=op.f('fk_registry_hit_seen_by_id_account'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_registry_hit')),
        sa.UniqueConstraint('pair', name=op.f('uq_registry_hit_pair')),
    )
    op.create_index(op.f('ix_registry_hit_item_id'), 'registry_hit', ['item_id'])
    op.create_index('ix_registry_hit_list', 'registry_hit', ['authority_id', 'id'])
    op.create_table(
        'registry_review',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('item_id', sa.Integer(), nullable=False),
        sa.Column('due_on', sa.Date(), nullable=False),
        sa.Column('listed_at', Instant(), nullable=False),
        sa.Column('asked_by_id', sa.Integer(), nullable=True),
        sa.Column('asked_at', Instant(), nullable=True),
        sa.Column('given_by_id', sa.Integer(), nullable=True),
        sa.Column('given_at', Instant(), nullable=True),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('seal', sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ['asked_by_id'], ['account.id'],
            name=op.f('fk_registry_review_asked_by_id_account'),
        ),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_registry_review_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['given_by_id'], ['account.id'],
            name=op.f('fk_registry_review_given_by_id_account'),
        ),
        sa.ForeignKeyConstraint(
            ['item_id'], ['registry_item.id'],
            name=op.f('fk_registry_review_item_id_registry_item'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_registry_review')),
        sa.UniqueConstraint('item_id', name=op.f('uq_registry_review_item_id')),
    )
    op.create_index(
        'ix_registry_review_list', 'registry_review', ['authority_id', 'id']
    )

    if op.get_bind().dialect.name == 'postgresql':
        _walls()
    _said_once()


def _said_once() -> None:
    """Refuse to change an event; what is sealed in it may get a newer key."""
    words = 'an event of a record is not changed'
    begins = (
        'CREATE TRIGGER registry_event_said_once BEFORE UPDATE'
        f' OF {SAID_ONCE} ON registry_event'
    )
    if op.get_bind().dialect.name != 'postgresql':
        op.execute(f"{begins} BEGIN SELECT RAISE(ABORT, '{words}'); END")
        return
    op.execute(f"""
        CREATE FUNCTION record_said_once() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{words}' USING ERRCODE = '23001';
        END $$
    """)
    op.execute(f'{begins} FOR EACH ROW EXECUTE FUNCTION record_said_once()')


def _walls() -> None:
    for table in TABLES:
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE {table} FORCE ROW LEVEL SECURITY')
        op.execute(
            f'CREATE POLICY owner ON {table} TO CURRENT_USER'
            ' USING (true) WITH CHECK (true)'
        )
    for number, (table, roles, command, words) in enumerate(POLICIES):
        op.execute(
            f'CREATE POLICY p{number} ON {table} FOR {command} TO {roles} {words}'
        )
    for table, role, rights in GRANTS:
        op.execute(f'GRANT {rights} ON {table} TO {role}')
    for table in TABLES:
        if table != 'shared_record':
            op.execute(f'GRANT USAGE ON SEQUENCE {table}_id_seq TO {BOTH}')
    for table, columns in SEALED:
        for name in columns:
            op.execute(f'ALTER TABLE {table} ALTER COLUMN {name} SET STATISTICS 0')


def downgrade() -> None:
    """Take back."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION record_said_once()')
