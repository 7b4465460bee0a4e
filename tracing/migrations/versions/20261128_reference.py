"""notices of hits, and the table of makes, plants, models and calibres

A notice is told to the authority whose record was met, and shown to it alone. How far
the notices of a register are read is no case's. Makes and calibres are everybody's to
read; only the owner of the tables, on the command line, writes them.
"""

import sqlalchemy as sa
from alembic import op

from tracing.models.base import Instant

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

ME = "(SELECT nullif(current_setting('app.authority', true), '')::integer)"
NAMES = ('make', 'plant', 'model', 'calibre', 'alias')
POLICIES = (
    ('hit_notice', 'tracing_app', 'SELECT', f'USING (authority_id = {ME})'),
    ('hit_notice', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
    ('notice_source', 'tracing_app', 'SELECT', 'USING (true)'),
    ('notice_source', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
    *((name, 'tracing_app', 'SELECT', 'USING (true)') for name in NAMES),
    *((name, 'tracing_worker', 'SELECT', 'USING (true)') for name in NAMES),
)
GRANTS = (
    ('hit_notice', 'tracing_app', 'SELECT'),
    # The keys of what is sealed are turned by the worker.
    ('hit_notice', 'tracing_worker', 'SELECT, INSERT, UPDATE (record, searched_by)'),
    ('notice_source', 'tracing_app', 'SELECT'),
    ('notice_source', 'tracing_worker', 'SELECT, INSERT, UPDATE'),
    *((name, 'tracing_app', 'SELECT') for name in NAMES),
    *((name, 'tracing_worker', 'SELECT') for name in NAMES),
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        'hit_notice',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('register', sa.String(40), nullable=False),
        sa.Column('number', sa.String(100), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(200), nullable=False),
        sa.Column('seal', sa.String(32), nullable=False),
        sa.Column('record', sa.Text(), nullable=False),
        sa.Column('searched_by', sa.Text(), nullable=False),
        sa.Column('said_at', sa.String(40), nullable=False),
        sa.Column('received_at', Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_hit_notice_authority_id_authority'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_hit_notice')),
        sa.UniqueConstraint(
            'register', 'number', name=op.f('uq_hit_notice_register_number'),
        ),
    )
    op.create_index('ix_hit_notice_authority', 'hit_notice', ['authority_id', 'id'])
    op.create_table(
        'notice_source',
        sa.Column('register', sa.String(40), nullable=False),
        sa.Column('cursor', sa.String(100), nullable=False),
        sa.Column('next_at', Instant(), nullable=True),
        sa.Column('lease_owner', sa.String(80), nullable=True),
        sa.Column('lease_until', Instant(), nullable=True),
        sa.Column('asked_at', Instant(), nullable=True),
        sa.Column('outcome', sa.String(40), nullable=True),
        sa.Column('of_nobody', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('register', name=op.f('pk_notice_source')),
    )
    _make_names()
    if op.get_bind().dialect.name != 'postgresql':
        return
    for table in ('hit_notice', 'notice_source', *NAMES):
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE {table} FORCE ROW LEVEL SECURITY')
        op.execute(
            f'CREATE POLICY owner ON {table} TO CURRENT_USER'
            ' USING (true) WITH CHECK (true)'
        )
    for number, (table, role, command, words) in enumerate(POLICIES):
        op.execute(
            f'CREATE POLICY p{number} ON {table} FOR {command} TO {role} {words}'
        )
    for table, role, rights in GRANTS:
        op.execute(f'GRANT {rights} ON {table} TO {role}')
    op.execute('GRANT USAGE ON SEQUENCE hit_notice_id_seq TO tracing_worker')


def _make_names() -> None:
    op.create_table(
        'make',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_make')),
        sa.UniqueConstraint('name', name=op.f('uq_make_name')),
    )
    op.create_table(
        'plant',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('make_id', sa.Integer(), nullable=False),
        sa.Column('country', sa.String(2), nullable=False),
        sa.Column('place', sa.String(100), nullable=False),
        sa.Column('code', sa.String(10), nullable=False),
        sa.ForeignKeyConstraint(
            ['make_id'], ['make.id'], name=op.f('fk_plant_make_id_make'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_plant')),
        sa.UniqueConstraint(
            'make_id', 'country', 'place',
            name=op.f('uq_plant_make_id_country_place'),
        ),
    )
    op.create_table(
        'model',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('make_id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(100), nullable=False),
        sa.ForeignKeyConstraint(
            ['make_id'], ['make.id'], name=op.f('fk_model_make_id_make'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_model')),
        sa.UniqueConstraint('make_id', 'name', name=op.f('uq_model_make_id_name')),
    )
    op.create_table(
        'calibre',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_calibre')),
        sa.UniqueConstraint('name', name=op.f('uq_calibre_name')),
    )
    op.create_table(
        'alias',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('text', sa.String(100), nullable=False),
        sa.Column('key', sa.String(100), nullable=False),
        sa.Column('folded', sa.String(100), nullable=False),
        sa.Column('make_id', sa.Integer(), nullable=True),
        sa.Column('model_id', sa.Integer(), nullable=True),
        sa.Column('calibre_id', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ['make_id'], ['make.id'], name=op.f('fk_alias_make_id_make'),
        ),
        sa.ForeignKeyConstraint(
            ['model_id'], ['model.id'], name=op.f('fk_alias_model_id_model'),
        ),
        sa.ForeignKeyConstraint(
            ['calibre_id'], ['calibre.id'], name=op.f('fk_alias_calibre_id_calibre'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_alias')),
    )
    op.create_index('ix_alias_key', 'alias', ['key'])
    op.create_index('ix_alias_folded', 'alias', ['folded'])
    for column in ('make_id', 'model_id', 'calibre_id'):
        op.create_index(op.f(f'ix_alias_{column}'), 'alias', [column])


def downgrade() -> None:
    """Take back."""
    for table in ('alias', 'model', 'plant', 'make', 'calibre'):
        op.drop_table(table)
    op.drop_table('notice_source')
    op.drop_table('hit_notice')
