"""imports of files into the records of an authority

An import is its authority's alone. The pages choose a file, start and cancel; how far
it is, the worker writes.
"""

import sqlalchemy as sa
from alembic import op

from tracing.models.base import Instant

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

ME = "(SELECT nullif(current_setting('app.authority', true), '')::integer)"
MINE = f'authority_id = {ME}'
POLICIES = (
    ('tracing_app', 'SELECT', f'USING ({MINE})'),
    ('tracing_app', 'INSERT', f'WITH CHECK ({MINE})'),
    ('tracing_app', 'UPDATE', f'USING ({MINE}) WITH CHECK ({MINE})'),
    ('tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)'),
)
GRANTS = (
    ('tracing_app', 'SELECT, INSERT, UPDATE (phase, mapping, mapping_hash, encoding,'
     ' started_at, ended_at, why, next_at)'),
    ('tracing_worker', 'SELECT, INSERT, UPDATE, DELETE'),
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        'import_job',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('token', sa.String(43), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('by_id', sa.Integer(), nullable=True),
        sa.Column('what', sa.String(40), nullable=False),
        sa.Column('phase', sa.String(40), nullable=False),
        sa.Column('file_name', sa.String(300), nullable=False),
        sa.Column('file_size', sa.BigInteger(), nullable=False),
        sa.Column('file_hash', sa.String(64), nullable=False),
        sa.Column('mapping', sa.Text(), nullable=False),
        sa.Column('mapping_hash', sa.String(64), nullable=False),
        sa.Column('encoding', sa.String(40), nullable=False),
        sa.Column('created_at', Instant(), nullable=False),
        sa.Column('started_at', Instant(), nullable=True),
        sa.Column('ended_at', Instant(), nullable=True),
        sa.Column('why', sa.Text(), nullable=True),
        sa.Column('read_hash', sa.String(64), nullable=False),
        sa.Column('read_size', sa.BigInteger(), nullable=False),
        sa.Column('at_byte', sa.BigInteger(), nullable=False),
        sa.Column('at_line', sa.Integer(), nullable=False),
        sa.Column('at_row', sa.Integer(), nullable=False),
        sa.Column('report_size', sa.BigInteger(), nullable=False),
        sa.Column('taken', sa.Integer(), nullable=False),
        sa.Column('added', sa.Integer(), nullable=False),
        sa.Column('changed', sa.Integer(), nullable=False),
        sa.Column('told', sa.Integer(), nullable=False),
        sa.Column('bad', sa.Integer(), nullable=False),
        sa.Column('warnings', sa.Integer(), nullable=False),
        sa.Column('batches', sa.Integer(), nullable=False),
        sa.Column('next_at', Instant(), nullable=True),
        sa.Column('lease_until', Instant(), nullable=True),
        sa.Column('lease_owner', sa.String(80), nullable=True),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['authority_id'], ['authority.id'],
            name=op.f('fk_import_job_authority_id_authority'),
        ),
        sa.ForeignKeyConstraint(
            ['by_id'], ['account.id'], name=op.f('fk_import_job_by_id_account'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_import_job')),
        sa.UniqueConstraint('token', name=op.f('uq_import_job_token')),
    )
    op.create_index('ix_import_job_claim', 'import_job', ['phase', 'next_at', 'id'])
    op.create_index('ix_import_job_list', 'import_job', ['authority_id', 'id'])
    op.create_index('ix_import_job_file', 'import_job', ['authority_id', 'file_hash'])
    if op.get_bind().dialect.name != 'postgresql':
        return
    op.execute('ALTER TABLE import_job ENABLE ROW LEVEL SECURITY')
    op.execute('ALTER TABLE import_job FORCE ROW LEVEL SECURITY')
    op.execute(
        'CREATE POLICY owner ON import_job TO CURRENT_USER'
        ' USING (true) WITH CHECK (true)'
    )
    for number, (role, command, words) in enumerate(POLICIES):
        op.execute(
            f'CREATE POLICY p{number} ON import_job FOR {command} TO {role} {words}'
        )
    for role, rights in GRANTS:
        op.execute(f'GRANT {rights} ON import_job TO {role}')
    op.execute(
        'GRANT USAGE ON SEQUENCE import_job_id_seq TO tracing_app, tracing_worker'
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table('import_job')
