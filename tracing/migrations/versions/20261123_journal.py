"""journal

What stands in it is refused to be changed or deleted by the database itself; that a
payload is erased, and named by an entry that says so, is the one exception.
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

KEYS = {
    'journal_entry': ('chain_id', 'seq'),
    'journal_payload': ('chain_id', 'seq'),
    'journal_checkpoint': ('chain_id', 'size'),
}
ERASES = """
    NEW.chain_id = OLD.chain_id AND NEW.seq = OLD.seq
    AND NEW.salt IS NULL AND NEW.payload IS NULL
    AND OLD.erased_by IS NULL AND NEW.erased_by IS NOT NULL
    AND NEW.erased_by > OLD.seq
    AND EXISTS (
        SELECT 1 FROM journal_entry AS e
        WHERE e.chain_id = OLD.chain_id AND e.seq = NEW.erased_by AND e.kind = 'erased'
    )
"""
GROWS = """
    NEW.id = OLD.id AND NEW.name = OLD.name AND NEW.origin = OLD.origin
    AND NEW.size > OLD.size
"""


def upgrade() -> None:
    """Apply."""
    op.create_table('journal_chain',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('origin', sa.String(length=300), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('head', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_journal_chain')),
    sa.UniqueConstraint('name', name=op.f('uq_journal_chain_name'))
    )
    op.create_table('journal_checkpoint',
    sa.Column('chain_id', sa.Integer(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.String(length=24), nullable=False),
    sa.Column('frontier', sa.LargeBinary(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['chain_id'], ['journal_chain.id'], name=op.f('fk_journal_checkpoint_chain_id_journal_chain')),
    sa.PrimaryKeyConstraint('chain_id', 'size', name=op.f('pk_journal_checkpoint'))
    )
    op.create_table('journal_entry',
    sa.Column('chain_id', sa.Integer(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.String(length=24), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('about', sa.String(length=60), nullable=False),
    sa.Column('record', sa.Text(), nullable=False),
    sa.Column('hash', sa.LargeBinary(length=32), nullable=False),
    sa.ForeignKeyConstraint(['chain_id'], ['journal_chain.id'], name=op.f('fk_journal_entry_chain_id_journal_chain')),
    sa.PrimaryKeyConstraint('chain_id', 'seq', name=op.f('pk_journal_entry'))
    )
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.create_index('ix_journal_entry_about', ['chain_id', 'about', 'seq'], unique=False)
        batch_op.create_index('ix_journal_entry_actor', ['chain_id', 'actor_id', 'seq'], unique=False)
        batch_op.create_index('ix_journal_entry_at', ['chain_id', 'at', 'seq'], unique=False)
        batch_op.create_index('ix_journal_entry_kind', ['chain_id', 'kind', 'seq'], unique=False)

    op.create_table('journal_payload',
    sa.Column('chain_id', sa.Integer(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('salt', sa.LargeBinary(length=32), nullable=True),
    sa.Column('payload', sa.Text(), nullable=True),
    sa.Column('erased_by', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['chain_id', 'seq'], ['journal_entry.chain_id', 'journal_entry.seq'], name=op.f('fk_journal_payload_chain_id_journal_entry')),
    sa.PrimaryKeyConstraint('chain_id', 'seq', name=op.f('pk_journal_payload'))
    )
    guard = _guard_postgresql if op.get_bind().dialect.name == 'postgresql' else _guard_sqlite
    guard()


def _guard_sqlite() -> None:
    op.execute(
        f"CREATE TRIGGER journal_chain_update BEFORE UPDATE ON journal_chain"
        f" WHEN NOT ({GROWS}) BEGIN SELECT RAISE(ABORT, 'a chain only grows'); END"
    )
    op.execute(
        "CREATE TRIGGER journal_chain_delete BEFORE DELETE ON journal_chain"
        " BEGIN SELECT RAISE(ABORT, 'the journal is not deleted'); END"
    )
    # The same for the heads; passed over in silence, as ON CONFLICT DO NOTHING asks,
    # which two processes say that open a chain at once.
    op.execute(
        "CREATE TRIGGER journal_chain_replace BEFORE INSERT ON journal_chain"
        " WHEN EXISTS (SELECT 1 FROM journal_chain AS t"
        " WHERE t.id = NEW.id OR t.name = NEW.name)"
        " BEGIN SELECT RAISE(IGNORE); END"
    )
    for table, (one, two) in KEYS.items():
        # Nor may a row take the place of another by its hidden number.
        stays = f'NEW.rowid = OLD.rowid AND {ERASES}'
        allowed = f'WHEN NOT ({stays})' if table == 'journal_payload' else ''
        op.execute(
            f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} {allowed}"
            " BEGIN SELECT RAISE(ABORT, 'the journal is not changed'); END"
        )
        op.execute(
            f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table}"
            " BEGIN SELECT RAISE(ABORT, 'the journal is not deleted'); END"
        )
        # INSERT OR REPLACE deletes without asking the trigger of deletes.
        op.execute(
            f"CREATE TRIGGER {table}_replace BEFORE INSERT ON {table}"
            f" WHEN EXISTS (SELECT 1 FROM {table} AS t"
            f" WHERE t.{one} = NEW.{one} AND t.{two} = NEW.{two})"
            f" OR EXISTS (SELECT 1 FROM {table} AS t WHERE t.rowid = NEW.rowid)"
            " BEGIN SELECT RAISE(ABORT, 'the journal is not replaced'); END"
        )


def _guard_postgresql() -> None:
    op.execute("""
        CREATE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the journal is not changed' USING ERRCODE = '23001';
        END $$
    """)
    for table in KEYS:
        if table != 'journal_payload':
            op.execute(
                f"CREATE TRIGGER {table}_change BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION journal_refuse()"
            )
        op.execute(
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse()"
        )
    op.execute(
        "CREATE TRIGGER journal_chain_update BEFORE UPDATE ON journal_chain"
        f" FOR EACH ROW WHEN (NOT ({GROWS})) EXECUTE FUNCTION journal_refuse()"
    )
    op.execute(
        "CREATE TRIGGER journal_chain_delete BEFORE DELETE ON journal_chain"
        " FOR EACH ROW EXECUTE FUNCTION journal_refuse()"
    )
    op.execute(
        "CREATE TRIGGER journal_chain_truncate BEFORE TRUNCATE ON journal_chain"
        " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse()"
    )
    # A WHEN of PostgreSQL may not ask another table: this one asks by itself.
    op.execute(f"""
        CREATE FUNCTION journal_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF {ERASES} THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION 'the journal is not changed' USING ERRCODE = '23001';
        END $$
    """)
    op.execute(
        "CREATE TRIGGER journal_payload_change BEFORE UPDATE OR DELETE ON journal_payload"
        " FOR EACH ROW EXECUTE FUNCTION journal_erase_only()"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table('journal_payload')
    with op.batch_alter_table('journal_entry', schema=None) as batch_op:
        batch_op.drop_index('ix_journal_entry_kind')
        batch_op.drop_index('ix_journal_entry_at')
        batch_op.drop_index('ix_journal_entry_actor')
        batch_op.drop_index('ix_journal_entry_about')

    op.drop_table('journal_entry')
    op.drop_table('journal_checkpoint')
    op.drop_table('journal_chain')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION journal_refuse()')
        op.execute('DROP FUNCTION journal_erase_only()')
