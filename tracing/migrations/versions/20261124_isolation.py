"""isolation: what is another authority's is shown to nobody by the database itself

PostgreSQL filters every row by the authority that a transaction has named, for two
roles without any power over the tables: `tracing_app` (the pages) and `tracing_worker`
(which sweeps the outbox, the reminders, the files and the journal of all). The owner of
the tables, who migrates and works by the command line, sees all rows by a policy of its
own. On both kinds of database a request that was sent stays with its two sides, and
with its find.
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

ME = "(SELECT nullif(current_setting('app.authority', true), '')::integer)"
USER = "(SELECT nullif(current_setting('app.user', true), '')::integer)"
GLASS = "(SELECT current_setting('app.glass', true) = 'on')"
OPERATOR = (
    'EXISTS (SELECT 1 FROM role_of_account a JOIN role r ON r.id = a.role_id'
    f" WHERE a.account_id = {USER} AND r.name = 'operator')"
)
SIDE = f"requesting_id = {ME} OR (requested_id = {ME} AND state <> 'draft')"
# What one operator asks for the other may find, for a day; what was given leave for,
# who asked. They are read when a transaction breaks the glass, and only then: as plain
# subqueries they were planned for every statement of everybody. The planner takes CASE
# to let half of the rows through; taken apart as AND and OR it expects next to none of
# those that the statement itself asks for by their side, and leaves the queue's index.
SEEN = f"""CASE
    WHEN requesting_id = {ME} THEN true
    WHEN state = 'draft' THEN false
    WHEN requested_id = {ME} THEN true
    WHEN {GLASS} THEN reference = ANY ((SELECT emergency_references())::text[])
        OR id = ANY ((SELECT emergency_requests())::integer[])
    ELSE false END"""
EMERGENCIES = {
    'emergency_references() RETURNS text[]': f"""
        ARRAY(SELECT b.reference FROM break_glass b
              WHERE b.until IS NULL AND b.asked_by_id <> {USER}
                AND b.asked_at > now() - interval '24 hours')""",
    'emergency_requests() RETURNS integer[]': f"""
        ARRAY(SELECT b.request_id FROM break_glass b
              WHERE {USER} IN (b.asked_by_id, b.given_by_id) AND b.until > now())""",
}
MINE = f'authority_id = {ME}'


def of_request(table: str) -> str:
    """Return that the request of a row is visible, by the policies of requests."""
    return f'EXISTS (SELECT 1 FROM trace_request r WHERE r.id = {table}.request_id)'


def of_draft(table: str) -> str:
    """Return that the request of a row is a draft of one's own."""
    return (
        f'EXISTS (SELECT 1 FROM trace_request r WHERE r.id = {table}.request_id'
        f" AND r.requesting_id = {ME} AND r.state = 'draft')"
    )


def said_once(seen: str, mine: str) -> list:
    """Return policies of what both sides read, and its writer changes in a draft."""
    return [
        ('SELECT', seen, None),
        ('INSERT', None, mine),
        ('UPDATE', mine, None),
        ('DELETE', mine, None),
    ]


# table: [(command, using, with check)] for the pages.
PAGES = {
    'trace_request': [
        ('SELECT', SEEN, None),
        ('INSERT', None, f'requesting_id = {ME}'),
        ('UPDATE', SIDE, SIDE),
        ('DELETE', f"requesting_id = {ME} AND state = 'draft'", None),
    ],
    'item': said_once(of_request('item'), of_draft('item')),
    'marking': said_once(
        'EXISTS (SELECT 1 FROM item i WHERE i.id = marking.item_id)',
        'EXISTS (SELECT 1 FROM item i JOIN trace_request r ON r.id = i.request_id'
        f' WHERE i.id = marking.item_id AND r.requesting_id = {ME}'
        " AND r.state = 'draft')",
    ),
    'person': said_once(of_request('person'), of_draft('person')),
    'item_restriction': said_once(
        of_request('item_restriction'), of_draft('item_restriction')
    ),
    'provided_item': said_once(
        of_request('provided_item'),
        of_draft('provided_item')
        + ' AND EXISTS (SELECT 1 FROM trace_request s WHERE s.id = source_id)',
    ),
    'request_event': [
        ('SELECT', of_request('request_event'), None),
        ('INSERT', None, f"{MINE} AND {of_request('request_event')}"),
    ],
    # A find is of who asks: a draft that names a foreign one does not show it.
    'recovery': said_once(
        f"""{MINE} OR EXISTS (
            SELECT 1 FROM trace_request r WHERE r.recovery_id = recovery.id
            AND r.requesting_id = recovery.authority_id)""",
        f"""{MINE} AND NOT EXISTS (
            SELECT 1 FROM trace_request r WHERE r.recovery_id = recovery.id
            AND r.state <> 'draft')""",
    ),
    'due_work': [('ALL', of_request('due_work'), None)],
    'attachment': [
        ('SELECT', f"{MINE} OR {of_request('attachment')}", None),
        ('INSERT', None,
         f"{MINE} AND (request_id IS NULL OR {of_request('attachment')})"),
        ('UPDATE', MINE,
         f"{MINE} AND (request_id IS NULL OR {of_request('attachment')})"),
        ('DELETE', MINE, None),
    ],
    'outbox_message': [
        ('SELECT', f"{MINE} OR {of_request('outbox_message')}", None),
        # A link for a new password is asked for by nobody who is known.
        ('INSERT', None,
         f"{MINE} OR request_id IS NULL OR {of_request('outbox_message')}"),
    ],
    'legal_hold': [
        ('SELECT', of_request('legal_hold'), None),
        ('INSERT', None, f"{MINE} AND {of_request('legal_hold')}"),
        ('UPDATE', MINE, None),
    ],
    # Asked for by one person, given by another.
    'erasure': [
        ('SELECT', MINE, None),
        ('INSERT', None, f'{MINE} AND asked_by_id = {USER} AND given_by_id IS NULL'),
        ('UPDATE', MINE,
         f'{MINE} AND given_by_id = {USER} AND asked_by_id <> {USER}'),
    ],
    'form_key': [('ALL', f'account_id = {USER}', None)],
    'break_glass': [
        ('SELECT', OPERATOR, None),
        ('INSERT', None, f'{OPERATOR} AND asked_by_id = {USER} AND until IS NULL'),
        ('UPDATE', OPERATOR, f'given_by_id = {USER} AND asked_by_id <> {USER}'),
    ],
    # Whom to ask, and how, is for everybody.
    'authority': [
        ('SELECT', 'true', None),
        ('UPDATE', f'id = {ME}', None),
    ],
    # The heads alone: how many entries there are, and their hash.
    'journal_chain': [('ALL', 'true', None)],
    'journal_entry': [
        ('SELECT', f'chain_id = {ME}', None),
        # What both sides may know stands in both chains, whoever of them did it.
        ('INSERT', None, 'true'),
    ],
    'journal_payload': [
        ('SELECT', f'chain_id = {ME}', None),
        ('INSERT', None, 'true'),
    ],
    'journal_checkpoint': [('SELECT', f'chain_id = {ME}', None)],
}
# What the worker sweeps for all; everything else it sees as the pages do.
SWEPT = (
    'attachment', 'due_work', 'journal_chain', 'journal_checkpoint', 'journal_entry',
    'journal_payload', 'outbox_message', 'request_event', 'trace_request', 'form_key',
    'erasure', 'legal_hold', 'item', 'marking', 'person', 'recovery',
    'item_restriction', 'provided_item', 'break_glass',
)
READ_BY_AUDITOR = (
    'authority', 'journal_chain', 'journal_entry', 'journal_payload',
    'journal_checkpoint',
)
# These hold no case. Who signs in is not known yet when they are read.
EXEMPT = (
    'account', 'account_identity', 'account_key', 'account_session', 'account_token',
    'alembic_version', 'failed_attempts', 'role', 'role_of_account',
)
# What is said once, of whom it is and to what it belongs, is never changed.
ONCE = {
    'trace_request': {'id', 'reference', 'year', 'number', 'requesting_id',
                      'created_at', 'parent_id'},
    'item': {'id', 'request_id'},
    'marking': {'id', 'item_id'},
    'person': {'id', 'request_id', 'authority_id'},
    'item_restriction': {'id', 'request_id'},
    'provided_item': {'id', 'request_id', 'source_id', 'provider_id'},
    'recovery': {'id', 'authority_id'},
    'due_work': {'id', 'request_id'},
    'attachment': {'id', 'token', 'authority_id', 'sha256', 'uploaded_by_id',
                   'uploaded_by_name', 'uploaded_at'},
}
ALLOWED = {
    'request_event': 'SELECT, INSERT',
    'journal_entry': 'SELECT, INSERT',
    'journal_checkpoint': 'SELECT',
    'journal_payload': 'SELECT, INSERT',
    'journal_chain': 'SELECT, INSERT, UPDATE (size, head)',
    'alembic_version': 'SELECT',
    'role': 'SELECT, INSERT',
    'authority': 'SELECT, UPDATE (keep_years)',
    'legal_hold': 'SELECT, INSERT, UPDATE (lift_asked_by_id, lifted_by_id, lifted_at)',
    'erasure': 'SELECT, INSERT, UPDATE (given_by_id, given_at)',
    'break_glass': 'SELECT, INSERT, UPDATE (request_id, given_by_id, given_at, until)',
    'outbox_message': 'SELECT, INSERT',
}
WORKS = ALLOWED | {
    'authority': 'SELECT',
    'journal_checkpoint': 'SELECT, INSERT',
    'journal_payload': 'SELECT, INSERT, UPDATE (salt, payload, erased_by)',
    'outbox_message': 'SELECT, INSERT, UPDATE, DELETE',
    # What they say is closed with a newer key, and blanked when it is erased.
    'request_event': 'SELECT, INSERT, UPDATE (carried)',
    'legal_hold': 'SELECT, UPDATE (reason)',
    'break_glass': 'SELECT, UPDATE (reason)',
    'erasure': 'SELECT, INSERT, UPDATE',
}
ALL = 'SELECT, INSERT, UPDATE, DELETE'

STAYS = """
    NEW.requesting_id <> OLD.requesting_id
    OR (OLD.state <> 'draft' AND (
        NEW.requested_id IS DISTINCT FROM OLD.requested_id
        OR NEW.recovery_id <> OLD.recovery_id
        OR NEW.state = 'draft'
    ))
"""


def upgrade() -> None:
    """Apply."""
    op.create_index(
        'ix_trace_request_queue_unassigned', 'trace_request', ['requested_id', 'awaiting', 'due', 'id'], unique=False,
        sqlite_where=sa.text('assigned_to_id IS NULL'), postgresql_where=sa.text('assigned_to_id IS NULL'))
    if op.get_bind().dialect.name == 'postgresql':
        _roles()
        schema = op.get_bind().scalar(sa.text('SELECT current_schema()'))
        for name, found in EMERGENCIES.items():
            # A table of the same name that somebody makes for a while is not read.
            op.execute(
                f'CREATE FUNCTION {name} LANGUAGE plpgsql STABLE'
                f' SET search_path = {schema}, pg_temp'
                f' AS $$ BEGIN RETURN {found}; END $$'
            )
        _walls()
        _grants()
        _leave_out_of_statistics()
        op.execute("""
            CREATE FUNCTION request_stays() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'a request stays with its sides'
                    USING ERRCODE = '23001';
            END $$
        """)
        op.execute(
            'CREATE TRIGGER trace_request_stays BEFORE UPDATE ON trace_request'
            f' FOR EACH ROW WHEN ({STAYS}) EXECUTE FUNCTION request_stays()'
        )
        return
    op.execute(
        'CREATE TRIGGER trace_request_stays BEFORE UPDATE ON trace_request'
        f" WHEN {STAYS.replace('IS DISTINCT FROM', 'IS NOT')}"
        " BEGIN SELECT RAISE(ABORT, 'a request stays with its sides'); END"
    )


def _roles() -> None:
    """Make the roles once for the server; who may not asks somebody who may."""
    found = set(op.get_bind().scalars(
        sa.text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'tracing\\_%'")
    ))
    for role in ('tracing_app', 'tracing_worker', 'tracing_auditor'):
        if role not in found:
            # Two databases of one server may be migrated at the same time.
            op.execute(f"""
                DO $$ BEGIN CREATE ROLE {role} NOLOGIN;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
            """)


def _walls() -> None:
    for table, policies in PAGES.items():
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE {table} FORCE ROW LEVEL SECURITY')
        op.execute(
            f'CREATE POLICY owner ON {table} TO CURRENT_USER'
            ' USING (true) WITH CHECK (true)'
        )
        swept = table in SWEPT
        for number, (command, using, check) in enumerate(policies):
            words = f' USING ({using})' if using else ''
            words += f' WITH CHECK ({check})' if check else ''
            roles = 'tracing_app' if swept else 'tracing_app, tracing_worker'
            op.execute(
                f'CREATE POLICY pages_{number} ON {table} FOR {command}'
                f' TO {roles}{words}'
            )
        if swept:
            op.execute(
                f'CREATE POLICY worker ON {table} TO tracing_worker'
                ' USING (true) WITH CHECK (true)'
            )
        if table in READ_BY_AUDITOR:
            op.execute(
                f'CREATE POLICY auditor ON {table} FOR SELECT TO tracing_auditor'
                ' USING (true)'
            )


def _grants() -> None:
    connection = op.get_bind()
    schema = connection.scalar(sa.text('SELECT current_schema()'))
    everybody = 'tracing_app, tracing_worker, tracing_auditor'
    op.execute(f'GRANT USAGE ON SCHEMA {schema} TO {everybody}')
    op.execute(
        f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema}'
        ' TO tracing_app, tracing_worker'
    )
    inspector = sa.inspect(connection)
    for table in (*PAGES, *EXEMPT):
        for role, allowed in (('tracing_app', ALLOWED), ('tracing_worker', WORKS)):
            rights = allowed.get(table, ALL)
            if kept := ONCE.get(table):
                columns = ', '.join(
                    f'"{column["name"]}"' for column in inspector.get_columns(table)
                    if column['name'] not in kept
                )
                rights = f'SELECT, INSERT, UPDATE ({columns}), DELETE'
            op.execute(f'GRANT {rights} ON {table} TO {role}')
    for table in (*READ_BY_AUDITOR, 'alembic_version'):
        op.execute(f'GRANT SELECT ON {table} TO tracing_auditor')


SEALED = {
    'attachment': ('title',),
    'break_glass': ('reason',),
    'item': ('restoration_note',),
    'item_restriction': ('text',),
    'journal_payload': ('payload',),
    'legal_hold': ('reason',),
    'person': (
        'family_name', 'given_name', 'alias', 'born', 'nationality', 'id_number',
    ),
    'provided_item': ('text', 'conditions', 'content'),
    'recovery': (
        'place', 'latitude', 'longitude', 'circumstances', 'transport_registration',
    ),
    'request_event': ('carried',),
    'trace_request': (
        'urgency_reason', 'requested_by_reason', 'officer_phone', 'legal_basis_text',
        'illicit_reason', 'offence', 'facts_summary', 'purpose', 'assistance_sought',
        'special_procedure', 'confidentiality_reason', 'restrictions_asked',
        'handling_text', 'domestic_searches', 'domestic_override_text',
    ),
}


def _leave_out_of_statistics() -> None:
    """What is sealed is not copied into the statistics, from where nothing erases it."""
    for table, columns in SEALED.items():
        for name in columns:
            op.execute(f'ALTER TABLE {table} ALTER COLUMN {name} SET STATISTICS 0')


def downgrade() -> None:
    """Take back."""
    op.drop_index('ix_trace_request_queue_unassigned', 'trace_request')
    op.execute(
        'DROP TRIGGER trace_request_stays'
        + (' ON trace_request' if op.get_bind().dialect.name == 'postgresql' else '')
    )
    if op.get_bind().dialect.name != 'postgresql':
        return
    op.execute('DROP FUNCTION request_stays()')
    schema = op.get_bind().scalar(sa.text('SELECT current_schema()'))
    for table in PAGES:
        for policy in op.get_bind().scalars(
            sa.text('SELECT polname FROM pg_policy WHERE polrelid = to_regclass(:t)'),
            {'t': table},
        ).all():
            op.execute(f'DROP POLICY {policy} ON {table}')
        op.execute(f'ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE {table} DISABLE ROW LEVEL SECURITY')
    for name in EMERGENCIES:
        op.execute(f"DROP FUNCTION {name.partition(' ')[0]}")
    # The roles stay: other databases of the server may use them.
    for role in ('tracing_app', 'tracing_worker', 'tracing_auditor'):
        op.execute(f'REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}')
        op.execute(f'REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}')
        op.execute(f'REVOKE ALL ON SCHEMA {schema} FROM {role}')
