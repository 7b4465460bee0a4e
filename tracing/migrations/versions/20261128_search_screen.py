"""the officer's screen: what a person says of a candidate, and introductions

What is decided of a candidate is its authority's alone, and never changed: somebody who
thinks again writes a new row. Of an introduction each side has a row of its own, which
the other does not see; the worker carries from one to the other.
"""

import sqlalchemy as sa
from alembic import op

from tracing.models.base import Instant

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

ME = "(SELECT nullif(current_setting('app.authority', true), '')::integer)"


def mine(table: str, other: str, column: str) -> str:
    """Return that a row is of the authority that works, and what it is about is seen."""
    return (
        f'authority_id = {ME} AND EXISTS'
        f' (SELECT 1 FROM {other} o WHERE o.id = {table}.{column})'
    )


DECIDED = mine('lookup_verdict', 'lookup', 'lookup_id')
MET = mine('introduction', 'trace_request', 'request_id')
POLICIES = (
    ('lookup_verdict', 'tracing_app', 'SELECT', f'USING ({DECIDED})'),
    ('lookup_verdict', 'tracing_app', 'INSERT', f'WITH CHECK ({DECIDED})'),
    ('lookup_verdict', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
    ('introduction', 'tracing_app', 'SELECT', f'USING ({MET})'),
    # The row of the owner, and whose request it is, only the worker writes.
    ('introduction', 'tracing_app', 'INSERT',
     f"WITH CHECK ({MET} AND side = 'asking' AND other_id IS NULL)"),
    ('introduction', 'tracing_app', 'UPDATE',
     f"USING ({MET} AND side = 'owner') WITH CHECK ({MET} AND side = 'owner')"),
    ('introduction', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
)
GRANTS = (
    ('lookup_verdict', 'tracing_app', 'SELECT, INSERT'),
    ('lookup_verdict', 'tracing_worker', 'SELECT, INSERT, UPDATE, DELETE'),
    ('introduction', 'tracing_app',
     'SELECT, INSERT, UPDATE (stage, answered_at, account_id)'),
    ('introduction', 'tracing_worker', 'SELECT, INSERT, UPDATE, DELETE'),
    ('authority', 'tracing_app', 'UPDATE (introduces)'),
)


def upgrade() -> None:
    """Apply."""
    # Not in a batch: SQLite would drop a table that others point to.
    op.add_column('authority', sa.Column(
        'introduces', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('lookup', sa.Column(
        'at_home', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.create_table(
        'lookup_verdict',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('lookup_id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('candidate', sa.String(100), nullable=False),
        sa.Column('standing', sa.String(40), nullable=False),
        sa.Column('seal', sa.String(32), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('decided_by_id', sa.Integer(), nullable=False),
        sa.Column('decided_at', Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ['lookup_id'], ['lookup.id'],
            name=op.f('fk_lookup_verdict_lookup_id_lookup'),
        ),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_lookup_verdict_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['decided_by_id'], ['account.id'],
            name=op.f('fk_lookup_verdict_decided_by_id_account'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_lookup_verdict')),
    )
    op.create_index('ix_lookup_verdict_of', 'lookup_verdict', ['lookup_id', 'id'])
    op.create_table(
        'introduction',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(40), nullable=False),
        sa.Column('side', sa.String(40), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('request_id', sa.Integer(), nullable=False),
        sa.Column('lookup_id', sa.Integer(), nullable=True),
        sa.Column('candidate', sa.String(100), nullable=False),
        sa.Column('stage', sa.String(40), nullable=False),
        sa.Column('seal', sa.String(32), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=True),
        sa.Column('other_id', sa.Integer(), nullable=True),
        sa.Column('asked_at', Instant(), nullable=False),
        sa.Column('answered_at', Instant(), nullable=True),
        sa.Column('carried_at', Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_introduction_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['request_id'], ['trace_request.id'],
            name=op.f('fk_introduction_request_id_trace_request'),
        ),
        sa.ForeignKeyConstraint(
            ['lookup_id'], ['lookup.id'],
            name=op.f('fk_introduction_lookup_id_lookup'),
        ),
        sa.ForeignKeyConstraint(
            ['account_id'], ['account.id'],
            name=op.f('fk_introduction_account_id_account'),
        ),
        sa.ForeignKeyConstraint(
            ['other_id'], ['authority.id'],
            name=op.f('fk_introduction_other_id_authority'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_introduction')),
        sa.UniqueConstraint('key', 'side', name=op.f('uq_introduction_key_side')),
    )
    op.create_index('ix_introduction_of', 'introduction', ['authority_id', 'request_id'])
    op.create_index(
        'ix_introduction_to_carry', 'introduction', ['carried_at', 'stage', 'id']
    )
    for column in ('request_id', 'lookup_id'):
        op.create_index(
            op.f(f'ix_introduction_{column}'), 'introduction', [column]
        )
    if op.get_bind().dialect.name != 'postgresql':
        return
    for table in ('lookup_verdict', 'introduction'):
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
    for table, column in (('lookup_verdict', 'reason'), ('introduction', 'text')):
        op.execute(f'ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0')
        op.execute(
            f'GRANT USAGE ON SEQUENCE {table}_id_seq TO tracing_app, tracing_worker'
        )


def downgrade() -> None:
    """Take back."""
    op.drop_table('introduction')
    op.drop_table('lookup_verdict')
    op.drop_column('lookup', 'at_home')
    op.drop_column('authority', 'introduces')
