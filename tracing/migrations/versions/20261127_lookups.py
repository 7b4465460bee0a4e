"""look-ups in other registers, and how each register does

A look-up is its authority's alone: the other side of the request does not see it, and
PostgreSQL shows it to nobody else. How a register does is no case's; the pages read it
and ask for a test, the worker keeps it.
"""

import sqlalchemy as sa
from alembic import op

from tracing.models.base import Instant

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

ME = "(SELECT nullif(current_setting('app.authority', true), '')::integer)"
MINE = (
    f'authority_id = {ME} AND EXISTS'
    ' (SELECT 1 FROM trace_request r WHERE r.id = lookup.request_id)'
)
POLICIES = (
    ('lookup', 'tracing_app', 'SELECT', f'USING ({MINE})'),
    ('lookup', 'tracing_app', 'INSERT', f'WITH CHECK ({MINE})'),
    ('lookup', 'tracing_app', 'UPDATE', f'USING ({MINE})'),
    ('lookup', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
    ('lookup_gate', 'tracing_app', 'ALL', 'USING (true) WITH CHECK (true)'),
    ('lookup_gate', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
)
# What came of a question is written once, by the worker or by the officer who knows.
GRANTS = (
    ('lookup', 'tracing_app', 'SELECT, INSERT, UPDATE (outcome, answered_at, why,'
     ' candidates, raw, raw_size, raw_hash, position, years, label)'),
    ('lookup', 'tracing_worker', 'SELECT, INSERT, UPDATE, DELETE'),
    ('lookup_gate', 'tracing_app',
     'SELECT, INSERT, UPDATE (test_asked_at)'),
    ('lookup_gate', 'tracing_worker', 'SELECT, INSERT, UPDATE'),
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        'lookup',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(40), nullable=False),
        sa.Column('request_id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('authority_code', sa.String(40), nullable=False),
        sa.Column('register', sa.String(40), nullable=False),
        sa.Column('label', sa.String(200), nullable=False),
        sa.Column('years', sa.String(100), nullable=False),
        sa.Column('task', sa.String(40), nullable=False),
        sa.Column('of_id', sa.Integer(), nullable=True),
        sa.Column('candidate', sa.String(100), nullable=False),
        sa.Column('handling', sa.String(40), nullable=False),
        sa.Column('seal', sa.String(32), nullable=False),
        sa.Column('purpose', sa.Text(), nullable=False),
        sa.Column('query', sa.Text(), nullable=False),
        sa.Column('asked_by_id', sa.Integer(), nullable=False),
        sa.Column('asked_at', Instant(), nullable=False),
        sa.Column('next_at', Instant(), nullable=True),
        sa.Column('give_up_at', Instant(), nullable=False),
        sa.Column('lease_until', Instant(), nullable=True),
        sa.Column('lease_owner', sa.String(80), nullable=True),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('reference', sa.String(120), nullable=False),
        sa.Column('outcome', sa.String(40), nullable=True),
        sa.Column('answered_at', Instant(), nullable=True),
        sa.Column('why', sa.Text(), nullable=True),
        sa.Column('candidates', sa.Text(), nullable=True),
        sa.Column('raw', sa.Text(), nullable=True),
        sa.Column('raw_size', sa.Integer(), nullable=True),
        sa.Column('raw_hash', sa.String(64), nullable=True),
        sa.Column('position', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ['request_id'], ['trace_request.id'],
            name=op.f('fk_lookup_request_id_trace_request'),
        ),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_lookup_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['of_id'], ['lookup.id'], name=op.f('fk_lookup_of_id_lookup'),
        ),
        sa.ForeignKeyConstraint(
            ['asked_by_id'], ['account.id'],
            name=op.f('fk_lookup_asked_by_id_account'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_lookup')),
        sa.UniqueConstraint('key', name=op.f('uq_lookup_key')),
    )
    op.create_index('ix_lookup_claim', 'lookup', ['outcome', 'next_at', 'id'])
    op.create_index('ix_lookup_request', 'lookup', ['request_id', 'authority_id', 'id'])
    op.create_index(
        'ix_lookup_quota', 'lookup', ['authority_id', 'register', 'asked_at']
    )
    op.create_index(op.f('ix_lookup_of_id'), 'lookup', ['of_id'])
    op.create_table(
        'lookup_gate',
        sa.Column('register', sa.String(40), nullable=False),
        sa.Column('failures', sa.Integer(), nullable=False),
        sa.Column('open_until', Instant(), nullable=True),
        sa.Column('minute', Instant(), nullable=True),
        sa.Column('used', sa.Integer(), nullable=False),
        sa.Column('last_at', Instant(), nullable=True),
        sa.Column('last_outcome', sa.String(40), nullable=True),
        sa.Column('good_at', Instant(), nullable=True),
        sa.Column('test_asked_at', Instant(), nullable=True),
        sa.Column('tested_at', Instant(), nullable=True),
        sa.Column('test_outcome', sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint('register', name=op.f('pk_lookup_gate')),
    )
    if op.get_bind().dialect.name != 'postgresql':
        return
    for table in ('lookup', 'lookup_gate'):
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
    op.execute('GRANT USAGE ON SEQUENCE lookup_id_seq TO tracing_app, tracing_worker')


def downgrade() -> None:
    """Take back."""
    op.drop_table('lookup_gate')
    op.drop_table('lookup')
