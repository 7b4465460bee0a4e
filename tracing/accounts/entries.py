"""What is done with accounts, in the journal: what, to whose account, and by whom."""

from tracing.accounts.actors import actor_of
from tracing.journal import journal
from tracing.journal.kinds import Kind
from tracing.models import Account
from workflows.policies import Actor


def enter(
    kind: Kind, account: Account, *, by: Actor | None = None, **said: object
) -> None:
    """Enter what a person did with an account: the own one, or one of the authority.

    Call it last before the commit, as `journal.record` asks.
    """
    journal.record(
        kind, by or actor_of(account), payload={"account": account.id} | said
    )


def refused(account: Account | None) -> None:
    """Enter a sign-in that failed: with whose account, never with what was typed."""
    if account is None:
        journal.record(Kind.SIGN_IN_REFUSED, None)
    else:
        parties = (account.authority_id,)
        said = {"account": account.id}
        journal.record(Kind.SIGN_IN_REFUSED, None, parties=parties, payload=said)
