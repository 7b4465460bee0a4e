"""Whoever works on an installation works as the one it belongs to."""

import os
import pwd
from pathlib import Path
from typing import Final

import click

from tracing.config import KEY_FILE

FREE: Final = frozenset({"demo", "doctor", "run"})
"""Commands that write nothing, or prepare a folder for whoever starts them."""


def require_owner(instance: Path) -> None:
    """Refuse others: what they write into the folder the service could not read.

    That is so for the administrator of the machine as well, who may do everything.
    """
    context = click.get_current_context(silent=True)
    if context is not None and context.find_root().invoked_subcommand in FREE:
        return
    keys = instance / KEY_FILE
    owner = (keys if keys.exists() else instance).stat().st_uid
    if owner != os.geteuid():
        raise click.ClickException(
            f"{instance} belongs to another: say sudo -u {_name_of(owner)} tracing ..."
        )


def _name_of(owner: int) -> str:
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"#{owner}"
