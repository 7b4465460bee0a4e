"""programs: their tokens, the keys of their calls, what their searches found

A token is read before anybody is known: PostgreSQL shows its row to who names its hash
in the same transaction, and to its authority. Calls and results are their account's.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tracing.models.base import Instant

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

ME = "(SELECT nullif(current_setting('app.authority', true), '')::integer)"
USER = "(SELECT nullif(current_setting('app.user', true), '')::integer)"
TOKEN = "(SELECT nullif(current_setting('app.token', true), ''))"
MINE = f'authority_id = {ME} AND account_id = {USER}'
POLICIES = (
    ('client_token', 'tracing_app', 'SELECT',
     f'USING (authority_id = {ME} OR token_hash = {TOKEN})'),
    ('client_token', 'tracing_app', 'INSERT', f'WITH CHECK (authority_id = {ME})'),
    ('client_token', 'tracing_app', 'UPDATE', f'USING (authority_id = {ME})'),
    ('api_call', 'tracing_app', 'ALL', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('api_result', 'tracing_app', 'ALL', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('client_token', 'tracing_worker', 'SELECT', 'USING (true)'),
    ('api_call', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
    ('api_result', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
    ('webhook', 'tracing_app', 'ALL', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('webhook', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
    ('webhook_delivery', 'tracing_app', 'ALL', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('webhook_delivery', 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
)
GRANTS = (
    ('client_token', 'tracing_app',
     'SELECT, INSERT, UPDATE (revoked_at, used_at, used_from)'),
    ('client_token', 'tracing_worker', 'SELECT'),
    ('api_call', 'tracing_app',
     'SELECT, INSERT, UPDATE (status, headers, seal, answer, about), DELETE'),
    ('api_call', 'tracing_worker', 'SELECT, INSERT, UPDATE, DELETE'),
    ('api_result', 'tracing_app', 'SELECT, INSERT'),
    ('api_result', 'tracing_worker', 'SELECT, INSERT, UPDATE, DELETE'),
    ('webhook', 'tracing_app',
     'SELECT, INSERT, UPDATE (disabled_at, disabled_why)'),
    ('webhook', 'tracing_worker',
     'SELECT, UPDATE (position, disabled_at, disabled_why, secret)'),
    ('webhook_delivery', 'tracing_app', 'SELECT, UPDATE (next_at)'),
    ('webhook_delivery', 'tracing_worker', 'SELECT, INSERT, UPDATE, DELETE'),
)
TABLES = ('client_token', 'api_call', 'api_result', 'webhook', 'webhook_delivery')
SEALED = (('api_call', 'answer'), ('api_result', 'found'), ('webhook', 'secret'))


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f'fk_{table}_{column}_{other}')
    return sa.ForeignKeyConstraint([column], [f'{other}.id'], name=name)


def upgrade() -> None:
    """Apply."""
    op.add_column(
        'account',
        sa.Column('machine', sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_table(
        'client_token',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(100), nullable=False),
        sa.Column('token_hash', sa.String(64), nullable=False),
        sa.Column('scopes', sa.String(500), nullable=False),
        sa.Column('networks', sa.String(500), nullable=False),
        sa.Column('made_by_id', sa.Integer(), nullable=False),
        sa.Column('made_at', Instant(), nullable=False),
        sa.Column('expires_at', Instant(), nullable=False),
        sa.Column('revoked_at', Instant(), nullable=True),
        sa.Column('used_at', Instant(), nullable=True),
        sa.Column('used_from', sa.String(45), nullable=False),
        _to('client_token', 'authority_id', 'authority'),
        _to('client_token', 'account_id', 'account'),
        _to('client_token', 'made_by_id', 'account'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_client_token')),
        sa.UniqueConstraint('token_hash', name=op.f('uq_client_token_token_hash')),
    )
    op.create_index(
        op.f('ix_client_token_authority_id'), 'client_token', ['authority_id']
    )
    op.create_index(
        'ix_client_token_account', 'client_token', ['account_id', 'expires_at']
    )
    op.create_table(
        'api_call',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('route', sa.String(80), nullable=False),
        sa.Column('key_hash', sa.String(64), nullable=False),
        sa.Column('fingerprint', sa.String(64), nullable=False),
        sa.Column('about', sa.String(24), nullable=False),
        sa.Column('at', Instant(), nullable=False),
        sa.Column('status', sa.Integer(), nullable=True),
        sa.Column(
            'headers',
            sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'),
            nullable=True,
        ),
        sa.Column('seal', sa.String(32), nullable=False),
        sa.Column('answer', sa.Text(), nullable=True),
        _to('api_call', 'authority_id', 'authority'),
        _to('api_call', 'account_id', 'account'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_api_call')),
        sa.UniqueConstraint(
            'account_id', 'route', 'key_hash',
            name=op.f('uq_api_call_account_id_route_key_hash'),
        ),
    )
    op.create_index(op.f('ix_api_call_at'), 'api_call', ['at'])
    op.create_table(
        'api_result',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('key_hash', sa.String(64), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('made_at', Instant(), nullable=False),
        sa.Column('expires_at', Instant(), nullable=False),
        sa.Column('seal', sa.String(32), nullable=False),
        sa.Column('found', sa.Text(), nullable=False),
        _to('api_result', 'authority_id', 'authority'),
        _to('api_result', 'account_id', 'account'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_api_result')),
        sa.UniqueConstraint('key_hash', name=op.f('uq_api_result_key_hash')),
    )
    op.create_index(op.f('ix_api_result_expires_at'), 'api_result', ['expires_at'])
    op.create_table(
        'webhook',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('url', sa.String(500), nullable=False),
        sa.Column('made_at', Instant(), nullable=False),
        sa.Column('position', sa.BigInteger(), nullable=False),
        sa.Column('disabled_at', Instant(), nullable=True),
        sa.Column('disabled_why', sa.String(40), nullable=False),
        sa.Column('seal', sa.String(32), nullable=False),
        sa.Column('secret', sa.Text(), nullable=False),
        _to('webhook', 'authority_id', 'authority'),
        _to('webhook', 'account_id', 'account'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook')),
    )
    op.create_index(op.f('ix_webhook_account_id'), 'webhook', ['account_id'])
    op.create_table(
        'webhook_delivery',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(40), nullable=False),
        sa.Column('webhook_id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('seq', sa.BigInteger(), nullable=False),
        sa.Column('step', sa.String(40), nullable=False),
        sa.Column('about', sa.String(24), nullable=False),
        sa.Column('after', sa.String(40), nullable=False),
        sa.Column('by', sa.String(40), nullable=False),
        sa.Column('at', sa.String(24), nullable=False),
        sa.Column('next_at', Instant(), nullable=True),
        sa.Column('lease_until', Instant(), nullable=True),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('tried_at', Instant(), nullable=True),
        sa.Column('delivered_at', Instant(), nullable=True),
        sa.Column('status', sa.Integer(), nullable=True),
        sa.Column('why', sa.String(80), nullable=False),
        _to('webhook_delivery', 'webhook_id', 'webhook'),
        _to('webhook_delivery', 'authority_id', 'authority'),
        _to('webhook_delivery', 'account_id', 'account'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_delivery')),
        sa.UniqueConstraint('key', name=op.f('uq_webhook_delivery_key')),
        sa.UniqueConstraint(
            'webhook_id', 'seq', name=op.f('uq_webhook_delivery_webhook_id_seq')
        ),
    )
    op.create_index(
        'ix_webhook_delivery_due', 'webhook_delivery', ['next_at', 'id']
    )
    if op.get_bind().dialect.name != 'postgresql':
        return
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
        op.execute(f'GRANT USAGE ON SEQUENCE {table}_id_seq TO {role}')
    for table, column in SEALED:
        op.execute(f'ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0')


def downgrade() -> None:
    """Take back."""
    for table in reversed(TABLES):
        op.drop_table(table)
    # Not by copying the table: others point at its rows.
    op.drop_column('account', 'machine')
