"""Who calls, who works in the authority, and its tokens."""

from typing import Any

from tracing.accounts import people, tokens
from tracing.accounts.managing import require_administrator
from tracing.accounts.tokens import Scope
from tracing.api import door, shapes
from tracing.api.operations import Operation, group, operation
from tracing.models import Account, ClientToken
from workflows.errors import NotVisible
from workflows.policies import Role

api = group("people", "People and tokens", "Who calls, and who may.")


def _person(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "email": "" if account.machine else account.email,
        "language": account.language,
        "roles": sorted(role.value for role in account.role_names),
        "active": account.active,
        "machine": account.machine,
    }


def _token(row: ClientToken) -> dict[str, Any]:
    columns = tuple(shapes.TokenSchema._declared_fields)
    return {name: getattr(row, name) for name in columns}


@operation(api, "/me", "GET", Operation(Scope.DIRECTORY, shapes.MeSchema))
def me_show() -> dict[str, Any]:
    """Say who calls, for whom, and what the token is for."""
    found, actor = door.program(), door.actor()
    account = people.by_number(actor.user_id, actor)
    home = account.authority
    return _person(account) | {
        "authority": {
            "id": home.id,
            "code": home.code,
            "country": home.country,
            "name": home.name,
        },
        "token": found.token_id,
        "scopes": sorted(scope.value for scope in found.scopes),
    }


@operation(api, "/people", "GET", Operation(Scope.PEOPLE, shapes.PeopleSchema))
def people_list() -> dict[str, Any]:
    """List the people and programs of the authority, for its administrator."""
    actor = require_administrator(door.actor())
    return {"items": [_person(one) for one in people.of_authority(actor)]}


@operation(
    api, "/people/<int:number>", "GET", Operation(Scope.PEOPLE, shapes.SomebodySchema)
)
def people_show(number: int) -> dict[str, Any]:
    """Read about one of them."""
    actor = require_administrator(door.actor())
    if number >= 2**31:
        raise NotVisible("There is no such person.")
    return _person(people.by_number(number, actor))


@operation(api, "/tokens", "GET", Operation(Scope.PEOPLE, shapes.TokensSchema))
def tokens_list() -> dict[str, Any]:
    """List the tokens: an administrator all of the authority, others their own."""
    actor = door.actor()
    manages = actor.is_any(Role.ADMINISTRATOR)
    rows = tokens.of_authority(actor) if manages else tokens.own(actor)
    return {"items": [_token(row) for row in rows]}
