"""calendars, office hours and agreements, in versions; due dates that have moved

They hold no case: everybody reads them, for both sides count by them. What an
authority says is written in its own name; that a version is the first of a State, what
the library says, in nobody's. A due date that moved is shown to the sides of its
request.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tracing.models.base import Instant

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
ME = "(SELECT nullif(current_setting('app.authority', true), '')::integer)"
MINE = f'authority_id = {ME}'
# The State of the other side says yes to what one side has entered.
OTHER_SIDE = (
    f'authority_id <> {ME} AND confirmed_at IS NULL AND EXISTS (SELECT 1 FROM authority'
    f" a WHERE a.id = {ME} AND ' ' || states || ' ' LIKE '% ' || a.country || ' %')"
)
OF_REQUEST = 'EXISTS (SELECT 1 FROM trace_request r WHERE r.id = due_change.request_id)'
TABLES = (
    'calendar_version', 'calendar_change', 'office_hours_version', 'regime_version',
    'due_change',
)
POLICIES = (
    ('calendar_version', 'tracing_app', 'SELECT', 'USING (true)'),
    ('calendar_version', 'tracing_app', 'INSERT',
     f"WITH CHECK (({MINE} AND standing = 'proposed')"
     ' OR (authority_id IS NULL AND number = 1))'),
    ('calendar_version', 'tracing_app', 'UPDATE', f'USING ({MINE})'),
    ('calendar_change', 'tracing_app', 'SELECT', 'USING (true)'),
    ('calendar_change', 'tracing_app', 'INSERT',
     'WITH CHECK (EXISTS (SELECT 1 FROM calendar_version v'
     f' WHERE v.id = version_id AND v.{MINE}))'),
    ('office_hours_version', 'tracing_app', 'SELECT', 'USING (true)'),
    ('office_hours_version', 'tracing_app', 'INSERT', f'WITH CHECK ({MINE})'),
    ('regime_version', 'tracing_app', 'SELECT', 'USING (true)'),
    ('regime_version', 'tracing_app', 'INSERT',
     f'WITH CHECK ({MINE} AND confirmed_at IS NULL)'),
    ('regime_version', 'tracing_app', 'UPDATE',
     f'USING ({MINE} OR confirmed_for_id = {ME} OR ({OTHER_SIDE})) WITH CHECK (true)'),
    ('due_change', 'tracing_app', 'SELECT', f'USING ({OF_REQUEST})'),
    *(
        (table, 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)')
        for table in TABLES
    ),
)
GRANTS = (
    ('calendar_version', 'tracing_app', 'SELECT, INSERT, UPDATE (standing,'
     ' published_at)'),
    ('calendar_change', 'tracing_app', 'SELECT, INSERT'),
    ('office_hours_version', 'tracing_app', 'SELECT, INSERT'),
    ('regime_version', 'tracing_app', 'SELECT, INSERT, UPDATE (confirmed_for_id,'
     ' confirmed_by, confirmed_at, ended_at)'),
    ('due_change', 'tracing_app', 'SELECT'),
    ('calendar_version', 'tracing_worker', 'SELECT, INSERT, UPDATE'),
    ('calendar_change', 'tracing_worker', 'SELECT, INSERT'),
    ('office_hours_version', 'tracing_worker', 'SELECT'),
    ('regime_version', 'tracing_worker', 'SELECT'),
    ('due_change', 'tracing_worker', 'SELECT, INSERT, UPDATE (told)'),
)


def _of_authority(table, column='authority_id'):
    return sa.ForeignKeyConstraint(
        [column], ['authority.id'], name=op.f(f'fk_{table}_{column}_authority'),
    )


def upgrade() -> None:
    """Apply."""
    op.create_table(
        'calendar_version',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('place', sa.String(12), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('standing', sa.String(40), nullable=False),
        sa.Column('base', sa.String(80), nullable=False),
        sa.Column('first_year', sa.Integer(), nullable=False),
        sa.Column('last_year', sa.Integer(), nullable=False),
        sa.Column('content', JSON, nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=True),
        sa.Column('made_by', sa.String(200), nullable=False),
        sa.Column('made_at', Instant(), nullable=False),
        sa.Column('why', sa.Text(), nullable=False),
        sa.Column('source', sa.String(300), nullable=False),
        sa.Column('counted_at', Instant(), nullable=True),
        sa.Column('would_move', sa.Integer(), nullable=True),
        sa.Column('open_requests', sa.Integer(), nullable=True),
        sa.Column('published_at', Instant(), nullable=True),
        sa.Column('applied_at', Instant(), nullable=True),
        sa.Column('moved', sa.Integer(), server_default=sa.text('0'), nullable=False),
        _of_authority('calendar_version'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_version')),
        sa.UniqueConstraint(
            'place', 'number', name=op.f('uq_calendar_version_place_number')
        ),
    )
    op.create_index(
        'ix_calendar_version_standing', 'calendar_version', ['standing', 'applied_at']
    )
    op.create_table(
        'calendar_change',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('version_id', sa.Integer(), nullable=False),
        sa.Column('place', sa.String(12), nullable=False),
        sa.Column('kind', sa.String(40), nullable=False),
        sa.Column('first', sa.Date(), nullable=False),
        sa.Column('last', sa.Date(), nullable=False),
        sa.Column('name', sa.String(200), nullable=False),
        sa.Column('estimated', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('weekend', sa.String(14), nullable=False),
        sa.ForeignKeyConstraint(
            ['version_id'], ['calendar_version.id'],
            name=op.f('fk_calendar_change_version_id_calendar_version'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_change')),
    )
    op.create_index(
        op.f('ix_calendar_change_version_id'), 'calendar_change', ['version_id']
    )
    op.create_index(op.f('ix_calendar_change_place'), 'calendar_change', ['place'])
    op.create_table(
        'office_hours_version',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('hours', sa.String(400), nullable=False),
        sa.Column('subdivision', sa.String(10), nullable=False),
        sa.Column('made_by', sa.String(200), nullable=False),
        sa.Column('made_at', Instant(), nullable=False),
        _of_authority('office_hours_version'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_office_hours_version')),
        sa.UniqueConstraint(
            'authority_id', 'number',
            name=op.f('uq_office_hours_version_authority_id_number'),
        ),
    )
    op.create_table(
        'regime_version',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('code', sa.String(40), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(200), nullable=False),
        sa.Column('states', sa.String(500), nullable=False),
        sa.Column('bases', sa.String(500), nullable=False),
        sa.Column('urgency', sa.String(20), nullable=False),
        sa.Column('since', sa.Date(), nullable=False),
        sa.Column('content', JSON, nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('made_by', sa.String(200), nullable=False),
        sa.Column('made_at', Instant(), nullable=False),
        sa.Column('why', sa.Text(), nullable=False),
        sa.Column('confirmed_for_id', sa.Integer(), nullable=True),
        sa.Column('confirmed_by', sa.String(200), nullable=False),
        sa.Column('confirmed_at', Instant(), nullable=True),
        sa.Column('ended_at', Instant(), nullable=True),
        _of_authority('regime_version'),
        _of_authority('regime_version', 'confirmed_for_id'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_regime_version')),
        sa.UniqueConstraint(
            'code', 'number', name=op.f('uq_regime_version_code_number')
        ),
    )
    op.create_table(
        'due_change',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('request_id', sa.Integer(), nullable=False),
        sa.Column('deadline', sa.String(20), nullable=False),
        sa.Column('old_due', Instant(), nullable=False),
        sa.Column('new_due', Instant(), nullable=False),
        sa.Column('old_version', sa.String(80), nullable=False),
        sa.Column('new_version', sa.String(80), nullable=False),
        sa.Column('at', Instant(), nullable=False),
        sa.Column('told', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ['request_id'], ['trace_request.id'],
            name=op.f('fk_due_change_request_id_trace_request'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_due_change')),
    )
    op.create_index(op.f('ix_due_change_request_id'), 'due_change', ['request_id'])
    op.create_index('ix_due_change_untold', 'due_change', ['told', 'id'])
    zero = sa.text('0')
    op.add_column('trace_request', sa.Column(
        'regime_version', sa.Integer(), server_default=zero, nullable=False
    ))
    op.add_column('trace_request', sa.Column(
        'hours_version', sa.Integer(), server_default=zero, nullable=False
    ))
    if op.get_bind().dialect.name == 'postgresql':
        _walls()


def _walls() -> None:
    for table in TABLES:
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
    for table in TABLES:
        op.execute(
            f'GRANT USAGE ON SEQUENCE {table}_id_seq TO tracing_app, tracing_worker'
        )
    for column in ('regime_version', 'hours_version'):
        op.execute(
            f'GRANT UPDATE ({column}) ON trace_request TO tracing_app, tracing_worker'
        )


def downgrade() -> None:
    """Take back."""
    for column in ('hours_version', 'regime_version'):
        op.drop_column('trace_request', column)
    for table in reversed(TABLES):
        op.drop_table(table)
