"""What is done with accounts, in the journal: what, to whose account, and by whom."""

import logging

from sqlalchemy.exc import OperationalError

from tracing.accounts.actors import actor_of
from tracing.faults import Unavailable
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Account
from workflows.policies import Actor

log = logging.getLogger(__name__)


def enter(
    kind: Kind, account: Account, *, by: Actor | None = None, **said: object
) -> None:
    """Enter what a person did with an account: the own one, or one of the authority.

    Call it last before the commit, as `journal.record` asks.
    """
    journal.record(
        kind, by or actor_of(account), payload={"account": account.id} | said
    )


def refused(
    account: Account | None, kind: Kind = Kind.SIGN_IN_REFUSED, **said: object
) -> None:
    """Enter what failed: with whose account, never with what was typed.

    Nobody is named as the one who did it: that is just what was not shown.
    """
    if account is None:
        journal.record(kind, None)
    else:
        parties = (account.authority_id,)
        journal.record(
            kind, None, parties=parties, payload={"account": account.id} | said
        )


def access_refused(actor: Actor, *, page: str, method: str) -> None:
    """Enter that somebody tried what their role does not allow.

    What does not exist for them is no such thing: an entry would tell that it does.
    The refusal stands whether or not it can be entered.
    """
    try:
        said = {"page": page, "method": method}
        journal.read(Kind.ACCESS_REFUSED, actor, payload=said)
    except (Unavailable, OperationalError) as error:
        log.error("a refusal was not entered: %s", type(error).__name__)  # noqa: TRY400
