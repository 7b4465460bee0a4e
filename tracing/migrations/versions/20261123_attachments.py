"""attachments"""

import sqlalchemy as sa
from alembic import op

import tracing.models.base

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

INDEXES = {
    'ix_attachment_request': ['request_id', 'id'],
    'ix_attachment_pending': ['uploaded_by_id', 'form_key'],
    'ix_attachment_stored': ['stored'],
    'ix_attachment_thumbnail': ['thumbnail'],
    'ix_attachment_scan': ['scan', 'id'],
    'ix_attachment_event_id': ['event_id'],
}


def upgrade() -> None:
    """Apply."""
    op.create_table('attachment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=43), nullable=False),
    sa.Column('request_id', sa.Integer(), nullable=True),
    sa.Column('event_id', sa.Integer(), nullable=True),
    sa.Column('authority_id', sa.Integer(), nullable=False),
    sa.Column('form_key', sa.String(length=64), nullable=True),
    sa.Column('kind', sa.Enum('photograph', 'document', name='filekind', native_enum=False, length=20), nullable=False),
    sa.Column('marking', sa.Integer(), nullable=True),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('media_type', sa.String(length=40), nullable=False),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.Column('stored', sa.String(length=40), nullable=True),
    sa.Column('stored_sha256', sa.String(length=64), nullable=True),
    sa.Column('thumbnail', sa.String(length=40), nullable=True),
    sa.Column('thumbnail_sha256', sa.String(length=64), nullable=True),
    sa.Column('scan', sa.Enum('no_scanner', 'waiting', 'clean', 'infected', name='scan', native_enum=False, length=20), nullable=False),
    sa.Column('uploaded_by_id', sa.Integer(), nullable=False),
    sa.Column('uploaded_by_name', sa.String(length=200), nullable=False),
    sa.Column('uploaded_at', tracing.models.base.Instant(timezone=True), nullable=False),
    sa.Column('removed_at', tracing.models.base.Instant(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['authority_id'], ['authority.id'], name=op.f('fk_attachment_authority_id_authority')),
    sa.ForeignKeyConstraint(['event_id'], ['request_event.id'], name=op.f('fk_attachment_event_id_request_event')),
    sa.ForeignKeyConstraint(['request_id'], ['trace_request.id'], name=op.f('fk_attachment_request_id_trace_request')),
    sa.ForeignKeyConstraint(['uploaded_by_id'], ['account.id'], name=op.f('fk_attachment_uploaded_by_id_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachment')),
    sa.UniqueConstraint('token', name=op.f('uq_attachment_token'))
    )
    with op.batch_alter_table('attachment', schema=None) as batch_op:
        for name, columns in INDEXES.items():
            batch_op.create_index(op.f(name), columns, unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table('attachment')
