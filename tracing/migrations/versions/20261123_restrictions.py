"""restrictions on items of information, and requests whose existence is confidential"""

import sqlalchemy as sa
from alembic import op

import tracing.models.base

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

ITEM = ('WHOLE', 'PERSONS', 'ACQUIRER', 'TRANSFERS', 'FILES', 'TEXT')
HANDLING = ('H0', 'H1', 'H2', 'H3')


def upgrade() -> None:
    """Apply."""
    # Not in a batch: SQLite would drop a table that others point to.
    op.add_column('trace_request', sa.Column('confidential', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.create_index(
        'ix_trace_request_confidential', 'trace_request', ['requested_id', 'assigned_to_id', 'reference'], unique=False,
        sqlite_where=sa.text('confidential = 1'), postgresql_where=sa.text('confidential'))
    request = sa.table('trace_request', sa.column('confidential', sa.Boolean()),
                       sa.column('keep_request_confidential', sa.Boolean()), sa.column('state', sa.String()))
    op.execute(request.update().values(confidential=sa.true()).where(
        request.c.keep_request_confidential.is_(sa.true()), request.c.state != 'draft'))

    op.create_table('item_restriction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('request_id', sa.Integer(), nullable=False),
    sa.Column('item', sa.Enum(*ITEM, name='informationitem', native_enum=False, length=40), nullable=False),
    sa.Column('handling', sa.Enum(*HANDLING, name='handlingcode', native_enum=False, length=40), nullable=False),
    sa.Column('authority_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=True),
    sa.Column('allows', tracing.models.base.CodeList(length=500), nullable=True),
    sa.Column('seal', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['authority_id'], ['authority.id'], name=op.f('fk_item_restriction_authority_id_authority')),
    sa.ForeignKeyConstraint(['request_id'], ['trace_request.id'], name=op.f('fk_item_restriction_request_id_trace_request')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_item_restriction'))
    )
    with op.batch_alter_table('item_restriction', schema=None) as batch_op:
        batch_op.create_index(op.f('ix_item_restriction_request_id'), ['request_id'], unique=False)

    op.create_table('provided_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('request_id', sa.Integer(), nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('provider_id', sa.Integer(), nullable=False),
    sa.Column('provided_at', tracing.models.base.Instant(timezone=True), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('item', sa.Enum(*ITEM, name='informationitem', native_enum=False, length=40), nullable=False),
    sa.Column('handling', sa.Enum(*HANDLING, name='handlingcode', native_enum=False, length=40), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('allows', tracing.models.base.CodeList(length=500), nullable=False),
    sa.Column('conditions', sa.Text(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('seal', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['provider_id'], ['authority.id'], name=op.f('fk_provided_item_provider_id_authority')),
    sa.ForeignKeyConstraint(['request_id'], ['trace_request.id'], name=op.f('fk_provided_item_request_id_trace_request')),
    sa.ForeignKeyConstraint(['source_id'], ['trace_request.id'], name=op.f('fk_provided_item_source_id_trace_request')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provided_item'))
    )
    with op.batch_alter_table('provided_item', schema=None) as batch_op:
        batch_op.create_index(op.f('ix_provided_item_request_id'), ['request_id'], unique=False)
        batch_op.create_index(op.f('ix_provided_item_source_id'), ['source_id'], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table('provided_item')
    op.drop_table('item_restriction')
    op.drop_index('ix_trace_request_confidential', 'trace_request')
    op.drop_column('trace_request', 'confidential')
