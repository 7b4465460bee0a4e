"""From a signed-in account to the one value the rules know: an actor."""

from flask import g

from tracing.accounts import sessions
from tracing.models import Account
from tracing.security import isolation
from workflows.policies import Actor


def actor_of(account: Account) -> Actor:
    """Return what the rules need to know of an account."""
    return Actor(
        user_id=account.id,
        name=account.name,
        authority_id=account.authority_id,
        authority_name=account.authority.name,
        roles=account.role_names,
        language=account.language,
    )


def current_actor() -> Actor | None:
    """Return who is signed in, once per request."""
    if "actor" not in g:
        held = sessions.signed_in()
        g.actor = actor_of(held.account) if held is not None else None
        if g.actor is None:
            isolation.work_for_nobody()
        else:
            isolation.work_for(g.actor.authority_id, g.actor.user_id)
    return g.actor  # type: ignore[no-any-return]


def read_by_nobody() -> None:
    """Take the reader for nobody from here on: the database cannot be asked."""
    g.actor = None
    g.account_session = None
    g.goes_anywhere = False
