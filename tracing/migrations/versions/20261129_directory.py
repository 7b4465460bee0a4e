"""directory: the whole entry, its versions, and what keeps it true

The pages propose and decide, and say that an entry was confirmed; no page can change
what an entry says. The worker does, where two persons agreed. PostgreSQL holds both to
it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tracing.models.base import CodeList, Instant

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

ME = "(SELECT nullif(current_setting('app.authority', true), '')::integer)"
USER = "(SELECT nullif(current_setting('app.user', true), '')::integer)"
OPERATOR = (
    'EXISTS (SELECT 1 FROM role_of_account a JOIN role r ON r.id = a.role_id'
    f" WHERE a.account_id = {USER} AND r.name = 'operator')"
)
TABLES = (
    'authority_version', 'directory_proposal', 'directory_link', 'directory_work',
    'bounce', 'marking_picture',
)
POLICIES = (
    # Whom to ask, now and before, and from where mail came back, is for everybody.
    ('authority_version', 'tracing_app', 'SELECT', 'USING (true)'),
    ('bounce', 'tracing_app', 'SELECT', 'USING (true)'),
    ('directory_proposal', 'tracing_app', 'SELECT',
     f'USING (authority_id = {ME} OR home_id = {ME} OR {OPERATOR})'),
    ('directory_proposal', 'tracing_app', 'INSERT',
     f'WITH CHECK (home_id = {ME} AND proposed_by_id = {USER} AND decision IS NULL)'),
    ('directory_proposal', 'tracing_app', 'UPDATE',
     f'USING ((authority_id = {ME} OR {OPERATOR}) AND decision IS NULL)'
     f' WITH CHECK (decided_by_id = {USER} AND proposed_by_id <> {USER})'),
    ('marking_picture', 'tracing_app', 'SELECT', 'USING (true)'),
    ('marking_picture', 'tracing_app', 'INSERT',
     f'WITH CHECK (authority_id = {ME} AND added_by_id = {USER})'),
    ('marking_picture', 'tracing_app', 'DELETE', f'USING (authority_id = {ME})'),
    # Whoever follows a link has not signed in: its token is the key, and is not here.
    ('directory_link', 'tracing_app', 'ALL', 'USING (true) WITH CHECK (true)'),
) + tuple(
    (table, 'tracing_worker', 'ALL', 'USING (true) WITH CHECK (true)')
    for table in (*TABLES, 'authority')
)
GRANTS = (
    ('authority_version', 'tracing_app', 'SELECT'),
    ('authority_version', 'tracing_worker', 'SELECT, INSERT'),
    ('bounce', 'tracing_app', 'SELECT'),
    ('bounce', 'tracing_worker', 'SELECT, INSERT'),
    ('marking_picture', 'tracing_app', 'SELECT, INSERT, DELETE'),
    ('marking_picture', 'tracing_worker', 'SELECT'),
    ('directory_proposal', 'tracing_app',
     'SELECT, INSERT, UPDATE (decision, decided_by_id, decided_at)'),
    ('directory_proposal', 'tracing_worker', 'SELECT, UPDATE (done_at, decision)'),
    ('directory_link', 'tracing_app', 'SELECT, INSERT, UPDATE (used_at)'),
    ('directory_link', 'tracing_worker', 'SELECT, INSERT, UPDATE, DELETE'),
    # Granted and shown to no page: no policy lets a row through.
    ('directory_work', 'tracing_app', 'SELECT'),
    ('directory_work', 'tracing_worker', 'SELECT, INSERT, UPDATE, DELETE'),
    ('authority', 'tracing_app', 'UPDATE (last_confirmed, confirmed_by, unreachable)'),
    ('trace_request', 'tracing_app', 'UPDATE (requested_version)'),
    ('trace_request', 'tracing_worker', 'UPDATE (requested_version)'),
)
# Of what an entry says; the code stays, and so does how long requests are kept.
CHANGED = (
    'country, territory, name, original_name, unit, zone, languages, functions,'
    ' instruments, formats, email, emails, supervisor_email, phone, phones,'
    ' urgent_phone, fax, channels, address, office_hours, requirements,'
    ' urgent_procedure, interpol_route, marking_practice, source, last_confirmed,'
    ' confirmed_by, valid_from, valid_to, successor, accepts_requests, version,'
    ' unreachable'
)


JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def said(name: str, kind: sa.types.TypeEngine, **given: object) -> sa.Column:
    """Return a column that is empty where nobody has filled it in."""
    return sa.Column(name, kind, nullable=False, server_default='', **given)


def added() -> tuple[sa.Column, ...]:
    """Return the new columns of an entry, made anew for each table."""
    return (
        said('territory', sa.String(6)),
        said('formats', CodeList()),
        said('emails', CodeList(None, 1000)),
        said('phones', CodeList()),
        said('fax', sa.String(30)),
        said('channels', sa.Text()),
        said('urgent_procedure', sa.Text()),
        said('marking_practice', sa.Text()),
        said('confirmed_by', sa.String(200)),
        sa.Column('valid_from', sa.Date(), nullable=True),
        sa.Column('valid_to', sa.Date(), nullable=True),
        said('successor', sa.String(20)),
        sa.Column('version', sa.Integer(), nullable=False, server_default='1'),
        said('unreachable', CodeList(None, 1500)),
    )


def upgrade() -> None:
    """Apply."""
    for column in added():
        op.add_column('authority', column)
    op.add_column(
        'trace_request', sa.Column('requested_version', sa.Integer(), nullable=True)
    )
    op.create_index(
        'ix_trace_request_pair', 'trace_request',
        ['requesting_id', 'requested_id', 'id'],
    )
    _tables()
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
            f'CREATE POLICY directory_{number} ON {table} FOR {command} TO {role}'
            f' {words}'
        )
    for table, role, rights in GRANTS:
        op.execute(f'GRANT {rights} ON {table} TO {role}')
    op.execute(f'GRANT UPDATE ({CHANGED}) ON authority TO tracing_worker')
    for table in TABLES:
        op.execute(
            f'GRANT USAGE ON SEQUENCE {table}_id_seq TO tracing_app, tracing_worker'
        )


def _tables() -> None:
    op.create_table(
        'authority_version',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('entry', JSON, nullable=False),
        sa.Column('until', Instant(), nullable=False),
        sa.Column('why', sa.String(200), nullable=False),
        of('authority_version', 'authority_id', 'authority'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_authority_version')),
        sa.UniqueConstraint(
            'authority_id', 'number',
            name=op.f('uq_authority_version_authority_id_number'),
        ),
    )
    op.create_table(
        'directory_proposal',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('changes', JSON, nullable=False),
        sa.Column('why', sa.Text(), nullable=False),
        sa.Column('home_id', sa.Integer(), nullable=False),
        sa.Column('proposed_by_id', sa.Integer(), nullable=False),
        sa.Column('proposed_at', Instant(), nullable=False),
        sa.Column('decision', sa.String(20), nullable=True),
        sa.Column('decided_by_id', sa.Integer(), nullable=True),
        sa.Column('decided_at', Instant(), nullable=True),
        sa.Column('done_at', Instant(), nullable=True),
        of('directory_proposal', 'authority_id', 'authority'),
        of('directory_proposal', 'home_id', 'authority'),
        of('directory_proposal', 'proposed_by_id', 'account'),
        of('directory_proposal', 'decided_by_id', 'account'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_directory_proposal')),
    )
    op.create_index(
        'ix_directory_proposal_open', 'directory_proposal',
        ['authority_id', 'decision', 'id'],
    )
    op.create_index(
        'ix_directory_proposal_accepted', 'directory_proposal',
        ['decision', 'done_at', 'id'],
    )
    op.create_index(
        op.f('ix_directory_proposal_home_id'), 'directory_proposal', ['home_id']
    )
    op.create_table(
        'directory_link',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('token_hash', sa.String(64), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(20), nullable=False),
        sa.Column('address', sa.String(254), nullable=False),
        sa.Column('made_at', Instant(), nullable=False),
        sa.Column('expires_at', Instant(), nullable=False),
        sa.Column('used_at', Instant(), nullable=True),
        of('directory_link', 'authority_id', 'authority'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_directory_link')),
        sa.UniqueConstraint('token_hash', name=op.f('uq_directory_link_token_hash')),
    )
    op.create_index(
        'ix_directory_link_of', 'directory_link', ['authority_id', 'kind', 'id']
    )
    op.create_table(
        'directory_work',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('step', sa.String(20), nullable=False),
        sa.Column('since', Instant(), nullable=False),
        sa.Column('at', Instant(), nullable=False),
        sa.Column('done', sa.Boolean(), nullable=False),
        of('directory_work', 'authority_id', 'authority'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_directory_work')),
        sa.UniqueConstraint(
            'authority_id', 'step', 'since',
            name=op.f('uq_directory_work_authority_id_step_since'),
        ),
    )
    op.create_index(
        'ix_directory_work_owed', 'directory_work', ['done', 'at', 'id']
    )
    op.create_table(
        'bounce',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('message_number', sa.Integer(), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=True),
        sa.Column('address', sa.String(254), nullable=False),
        sa.Column('at', Instant(), nullable=False),
        sa.Column('source', sa.String(10), nullable=False),
        sa.Column('why', sa.String(300), nullable=False),
        of('bounce', 'authority_id', 'authority'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_bounce')),
        sa.UniqueConstraint('message_number', name=op.f('uq_bounce_message_number')),
    )
    op.create_index(op.f('ix_bounce_authority_id'), 'bounce', ['authority_id'])
    op.create_table(
        'marking_picture',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('token', sa.String(32), nullable=False),
        sa.Column('authority_id', sa.Integer(), nullable=False),
        sa.Column('title', sa.String(200), nullable=False),
        sa.Column('media_type', sa.String(40), nullable=False),
        sa.Column('content', sa.LargeBinary(), nullable=False),
        sa.Column('small', sa.LargeBinary(), nullable=False),
        sa.Column('sha256', sa.String(64), nullable=False),
        sa.Column('width', sa.Integer(), nullable=False),
        sa.Column('height', sa.Integer(), nullable=False),
        sa.Column('added_by_id', sa.Integer(), nullable=False),
        sa.Column('added_at', Instant(), nullable=False),
        of('marking_picture', 'authority_id', 'authority'),
        of('marking_picture', 'added_by_id', 'account'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_marking_picture')),
        sa.UniqueConstraint('token', name=op.f('uq_marking_picture_token')),
    )
    op.create_index(
        op.f('ix_marking_picture_authority_id'), 'marking_picture', ['authority_id']
    )


def of(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    """Return that a column names a row of another table."""
    return sa.ForeignKeyConstraint(
        [column], [f'{other}.id'], name=op.f(f'fk_{table}_{column}_{other}')
    )


def downgrade() -> None:
    """Take back."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == 'postgresql':
        for number, (table, *_rest) in enumerate(POLICIES):
            if table not in TABLES:
                op.execute(f'DROP POLICY directory_{number} ON {table}')
    op.drop_index('ix_trace_request_pair', 'trace_request')
    # Not by a new table: what stands beside this one, its triggers, stays.
    for column in added():
        op.execute(f'ALTER TABLE authority DROP COLUMN {column.name}')
    op.execute('ALTER TABLE trace_request DROP COLUMN requested_version')
