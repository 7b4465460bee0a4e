"""serial keys: what each mark is found by, and how it was made readable

The keys come from the text alone (`workflows.markings`) and are filled in here, a
thousand rows at a time. Columns are added and dropped by themselves, not in a batch:
SQLite would drop a table that others point to.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from workflows.markings import keys_of

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

AT_ONCE = 1000
KEY = sa.String(80).with_variant(sa.String(80, collation='C'), 'postgresql')
KEYS = ('normalised', 'folded', 'reversed')


def upgrade() -> None:
    """Add."""
    method = sa.Enum('CHEMICAL', 'MAGNETIC', 'VISUAL', name='restorationmethod',
        native_enum=False, length=40)
    op.add_column('marking', sa.Column('method', method, nullable=True))
    for key in KEYS:
        op.add_column('marking', sa.Column(key, KEY, nullable=True))
    write = sa.text(
        'UPDATE marking SET normalised = :normalised, folded = :folded,'
        ' reversed = :reversed WHERE id = :id'
    )
    for rows in _marks():
        op.get_bind().execute(write, rows)
    op.execute(
        "UPDATE marking SET method = (SELECT restoration_method FROM item"
        " WHERE item.id = marking.item_id) WHERE type = 'SERIAL' AND position = 1"
    )
    for key in ('folded', 'reversed'):
        op.create_index(f'ix_marking_{key}', 'marking', [key],
            postgresql_include=['id', 'item_id'])


def downgrade() -> None:
    """Take back."""
    for key in ('folded', 'reversed'):
        op.drop_index(f'ix_marking_{key}', table_name='marking')
    for column in (*KEYS, 'method'):
        op.drop_column('marking', column)


def _marks() -> Iterator[list[dict[str, object]]]:
    read = sa.text(
        'SELECT id, text FROM marking WHERE id > :after ORDER BY id LIMIT :most'
    )
    after = 0
    while rows := op.get_bind().execute(read, {'after': after, 'most': AT_ONCE}).all():
        yield [
            {'id': row.id}
            | {name: key or None for name, key in keys_of(row.text)._asdict().items()}
            for row in rows
        ]
        after = rows[-1].id
