"""What was sent by mail and is good for something, until it is made void."""

from datetime import datetime

from sqlalchemy import update

from tracing.extensions import db
from tracing.models import AccountToken


def void(account_id: int, kind: str, now: datetime) -> None:
    """Make the links of a kind good for nothing. The caller commits."""
    db.session.execute(
        update(AccountToken)
        .where(
            AccountToken.account_id == account_id,
            AccountToken.kind == kind,
            AccountToken.used_at.is_(None),
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
