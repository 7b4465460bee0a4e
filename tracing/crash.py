"""Named places where a fault test ends the process as a cut of the power would.

Off, as it is in service, `at` looks into an empty set. `bench/faults` ends the process
at each place and checks what stands there after a new start (docs/faults.md).
"""

import os
from typing import Final

STATUS: Final = 137
"""What a process that was killed ends with."""

POINTS: Final = (
    "draft.key",
    "draft.written",
    "draft.committed",
    "draft.saved",
    "submit.committed",
    "step.begun",
    "step.fired",
    "step.event",
    "step.messages",
    "step.reminders",
    "step.entered",
    "step.committed",
    "note.committed",
    "journal.locked",
    "journal.entry",
    "journal.payload",
    "journal.head",
    "journal.read",
    "checkpoint.signed",
    "checkpoint.committed",
    "file.begun",
    "file.synced",
    "file.renamed",
    "file.kept",
    "file.row",
    "file.committed",
    "file.forgotten",
    "file.removed",
    "session.begun",
    "worker.woken",
    "mail.claimed",
    "mail.committed",
    "mail.sent",
    "mail.marked",
    "lookup.asked",
    "lookup.claimed",
    "lookup.leased",
    "lookup.answered",
    "lookup.written",
    "lookup.kept",
    "notice.leased",
    "notice.written",
    "notice.committed",
    "reminder.claimed",
    "reminder.written",
    "reminder.done",
    "reminder.committed",
    "import.written",
    "import.entered",
    "import.committed",
)
"""Every place there is: each stands in the code once."""

_armed: set[str] = set()


def arm(name: str) -> None:
    """End this process when it comes to that place; an empty name is none."""
    if name and name not in POINTS:
        raise ValueError(f"there is no place {name}; there are {', '.join(POINTS)}")
    _armed.clear()
    _armed.update({name} - {""})


def at(name: str) -> None:
    """Be at a place: nothing happens, unless it is armed."""
    if name in _armed:
        # No handler, no `finally`, nothing flushed: as if the plug were pulled.
        os._exit(STATUS)
