"""accounts: sessions, keys, waits, links, identities, break-glass"""

import sqlalchemy as sa
from alembic import op

import tracing.models.base

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

Instant = tracing.models.base.Instant


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('totp_step', sa.BigInteger(), nullable=True))

    # An address is looked up in one way of writing, whoever typed it.
    op.execute('UPDATE account SET email = lower(email)')

    op.create_table('account_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('half', sa.Boolean(), nullable=False),
    sa.Column('lacks_keys', sa.Boolean(), nullable=False),
    sa.Column('created_at', Instant(), nullable=False),
    sa.Column('seen_at', Instant(), nullable=False),
    sa.Column('factor_at', Instant(), nullable=True),
    sa.Column('device', sa.String(length=200), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.Column('challenge', sa.String(length=128), nullable=True),
    sa.Column('pending_totp', sa.String(length=255), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_account_session_account_id_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_session')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_account_session_token_hash'))
    )
    with op.batch_alter_table('account_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_session_account_id'), ['account_id'], unique=False)

    op.create_table('account_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('credential_id', sa.LargeBinary(length=1024), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('sign_count', sa.BigInteger(), nullable=False),
    sa.Column('transports', sa.String(length=100), nullable=False),
    sa.Column('backed_up', sa.Boolean(), nullable=False),
    sa.Column('added_at', Instant(), nullable=False),
    sa.Column('used_at', Instant(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_account_key_account_id_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_key')),
    sa.UniqueConstraint('credential_id', name=op.f('uq_account_key_credential_id'))
    )
    with op.batch_alter_table('account_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_key_account_id'), ['account_id'], unique=False)

    op.create_table('failed_attempts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('last_at', Instant(), nullable=False),
    sa.Column('wait_until', Instant(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_failed_attempts')),
    sa.UniqueConstraint('key', name=op.f('uq_failed_attempts_key'))
    )
    op.create_table('account_token',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('made_at', Instant(), nullable=False),
    sa.Column('expires_at', Instant(), nullable=False),
    sa.Column('used_at', Instant(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_account_token_account_id_account'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['made_by_id'], ['account.id'], name=op.f('fk_account_token_made_by_id_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_token')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_account_token_token_hash'))
    )
    with op.batch_alter_table('account_token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_token_account_id'), ['account_id'], unique=False)

    op.create_table('account_identity',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('issuer', sa.String(length=255), nullable=False),
    sa.Column('subject', sa.String(length=255), nullable=False),
    sa.Column('added_at', Instant(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_account_identity_account_id_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_identity')),
    sa.UniqueConstraint('issuer', 'subject', name=op.f('uq_account_identity_issuer_subject'))
    )
    with op.batch_alter_table('account_identity', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_identity_account_id'), ['account_id'], unique=False)

    op.create_table('break_glass',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('reference', sa.String(length=40), nullable=False),
    sa.Column('request_id', sa.Integer(), nullable=True),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=2000), nullable=False),
    sa.Column('asked_at', Instant(), nullable=False),
    sa.Column('given_by_id', sa.Integer(), nullable=True),
    sa.Column('given_at', Instant(), nullable=True),
    sa.Column('until', Instant(), nullable=True),
    sa.ForeignKeyConstraint(['asked_by_id'], ['account.id'], name=op.f('fk_break_glass_asked_by_id_account')),
    sa.ForeignKeyConstraint(['given_by_id'], ['account.id'], name=op.f('fk_break_glass_given_by_id_account')),
    sa.ForeignKeyConstraint(['request_id'], ['trace_request.id'], name=op.f('fk_break_glass_request_id_trace_request')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_break_glass'))
    )
    with op.batch_alter_table('break_glass', schema=None) as batch_op:
        batch_op.create_index('ix_break_glass_open', ['asked_by_id', 'until'], unique=False)


def downgrade() -> None:
    """Take back."""
    for table in (
        'break_glass', 'account_identity', 'account_token', 'failed_attempts',
        'account_key', 'account_session',
    ):
        op.drop_table(table)
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.drop_column('totp_step')
