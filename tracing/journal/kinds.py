"""What an entry can be about: one closed list."""

from enum import StrEnum
from typing import Final

from workflows.states import Trigger
from workflows.vocabulary import N_


class Kind(StrEnum):
    """What was done. The first ones are the steps of a request, by their names."""

    SUBMIT = "submit"
    ACKNOWLEDGE = "acknowledge"
    ASK_CLARIFICATION = "ask_clarification"
    CLARIFY = "clarify"
    RECORD_SEARCH = "record_search"
    DEFER = "defer"
    RESPOND = "respond"
    QUERY_RESPONSE = "query_response"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"
    ENQUIRE = "enquire"
    REMIND = "remind"
    NOTE = "note"
    ASK_PERMISSION = "ask_permission"
    GIVE_PERMISSION = "give_permission"
    REFUSE_PERMISSION = "refuse_permission"
    ANNOUNCE_DISCLOSURE = "announce_disclosure"
    RECORD_DISCLOSURE = "record_disclosure"
    CANNOT_KEEP = "cannot_keep"
    LIFT_CONFIDENTIALITY = "lift_confidentiality"
    DRAFTED = "drafted"
    SAVED = "saved"
    ASSIGNED = "assigned"
    READ = "read"
    SEARCHED = "searched"
    ATTACHMENT_ADDED = "attachment_added"
    ATTACHMENT_READ = "attachment_read"
    ATTACHMENT_REMOVED = "attachment_removed"
    ATTACHMENT_REFUSED = "attachment_refused"
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    ACCOUNT_ADDED = "account_added"
    ACCOUNT_CHANGED = "account_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    PASSWORD_ASKED = "password_asked"  # noqa: S105 - a name
    PASSWORD_REFUSED = "password_refused"  # noqa: S105 - a name
    FACTOR_CHANGED = "factor_changed"
    FACTOR_REFUSED = "factor_refused"
    ACCESS_REFUSED = "access_refused"
    DIRECTORY_CHANGED = "directory_changed"
    JOURNAL_READ = "journal_read"
    JOURNAL_EXPORTED = "journal_exported"
    GLASS_ASKED = "glass_asked"
    GLASS_BROKEN = "glass_broken"
    ERASED = "erased"
    BACKED_UP = "backed_up"
    RESTORED = "restored"
    STARTED_DESPITE = "started_despite"
    MAIL_CHANGED = "mail_changed"
    KEYS_CHANGED = "keys_changed"
    REVIEWED = "reviewed"
    HELD = "held"
    LIFT_ASKED = "lift_asked"
    HOLD_LIFTED = "hold_lifted"
    ERASURE_ASKED = "erasure_asked"
    ERASURE_GIVEN = "erasure_given"
    KEEPING_CHANGED = "keeping_changed"
    PERSON_EXPORTED = "person_exported"
    MAIL_RETRIED = "mail_retried"
    LOOKUP_ASKED = "lookup_asked"
    LOOKUP_ANSWERED = "lookup_answered"
    LOOKUP_READ = "lookup_read"
    TOKEN_MADE = "token_made"  # noqa: S105 - a name
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a name
    WEBHOOK_CHANGED = "webhook_changed"

    @property
    def label(self) -> str:
        """Return what was done, in words."""
        return LABELS[self]


STEPS: Final = frozenset(Kind(trigger.value) for trigger in Trigger)
READS: Final = frozenset(
    {
        *(Kind.READ, Kind.ATTACHMENT_READ, Kind.PERSON_EXPORTED),
        *(Kind.GLASS_BROKEN, Kind.LOOKUP_READ),
    }
)
"""Who has seen something."""

LABELS: Final = {
    Kind.SUBMIT: N_("Request sent"),
    Kind.ACKNOWLEDGE: N_("Receipt confirmed"),
    Kind.ASK_CLARIFICATION: N_("Clarification asked for"),
    Kind.CLARIFY: N_("Clarification given"),
    Kind.RECORD_SEARCH: N_("Records searched"),
    Kind.DEFER: N_("Answer deferred"),
    Kind.RESPOND: N_("Answer sent"),
    Kind.QUERY_RESPONSE: N_("Asked about the answer"),
    Kind.CLOSE: N_("Request closed"),
    Kind.WITHDRAW: N_("Request withdrawn"),
    Kind.REOPEN: N_("Request reopened"),
    Kind.ENQUIRE: N_("Asked how it is going"),
    Kind.REMIND: N_("Reminder written"),
    Kind.NOTE: N_("Internal note written"),
    Kind.ASK_PERMISSION: N_("Permission asked for"),
    Kind.GIVE_PERMISSION: N_("Permission given"),
    Kind.REFUSE_PERMISSION: N_("Permission refused"),
    Kind.ANNOUNCE_DISCLOSURE: N_("Disclosure announced"),
    Kind.RECORD_DISCLOSURE: N_("Disclosure recorded"),
    Kind.CANNOT_KEEP: N_("Said that it cannot be kept confidential"),
    Kind.LIFT_CONFIDENTIALITY: N_("Confidentiality lifted"),
    Kind.DRAFTED: N_("Draft started"),
    Kind.SAVED: N_("Draft saved"),
    Kind.ASSIGNED: N_("Request assigned"),
    Kind.READ: N_("Request opened"),
    Kind.SEARCHED: N_("Search made"),
    Kind.ATTACHMENT_ADDED: N_("File added"),
    Kind.ATTACHMENT_READ: N_("File opened"),
    Kind.ATTACHMENT_REMOVED: N_("File removed"),
    Kind.ATTACHMENT_REFUSED: N_("File refused by the virus scanner"),
    Kind.SIGNED_IN: N_("Signed in"),
    Kind.SIGN_IN_REFUSED: N_("Sign-in refused"),
    Kind.SIGNED_OUT: N_("Signed out"),
    Kind.ACCOUNT_ADDED: N_("Account added"),
    Kind.ACCOUNT_CHANGED: N_("Account changed"),
    Kind.PASSWORD_CHANGED: N_("Password changed"),
    Kind.PASSWORD_ASKED: N_("New password asked for"),
    Kind.PASSWORD_REFUSED: N_("New password refused"),
    Kind.FACTOR_CHANGED: N_("Second factor changed"),
    Kind.FACTOR_REFUSED: N_("Second factor refused"),
    Kind.ACCESS_REFUSED: N_("Access refused"),
    Kind.DIRECTORY_CHANGED: N_("Points of contact changed"),
    Kind.JOURNAL_READ: N_("Journal opened"),
    Kind.JOURNAL_EXPORTED: N_("Journal exported"),
    Kind.GLASS_ASKED: N_("Emergency access asked for"),
    Kind.GLASS_BROKEN: N_("Emergency access"),
    Kind.ERASED: N_("Content erased"),
    Kind.BACKED_UP: N_("Backup made"),
    Kind.RESTORED: N_("Backup restored"),
    Kind.STARTED_DESPITE: N_("Started in spite of a warning"),
    Kind.MAIL_CHANGED: N_("Mail held back or let go"),
    Kind.KEYS_CHANGED: N_("Keys of personal fields changed"),
    Kind.REVIEWED: N_("Still needed"),
    Kind.HELD: N_("Legal hold set"),
    Kind.LIFT_ASKED: N_("Asked to lift a legal hold"),
    Kind.HOLD_LIFTED: N_("Legal hold lifted"),
    Kind.ERASURE_ASKED: N_("Asked to erase"),
    Kind.ERASURE_GIVEN: N_("Erasure decided"),
    Kind.KEEPING_CHANGED: N_("Years of keeping changed"),
    Kind.PERSON_EXPORTED: N_("Data of a person exported"),
    Kind.MAIL_RETRIED: N_("Mail queued again"),
    Kind.LOOKUP_ASKED: N_("Another register asked"),
    Kind.LOOKUP_ANSWERED: N_("Search by hand written down"),
    Kind.LOOKUP_READ: N_("Answer of another register read"),
    Kind.TOKEN_MADE: N_("Token of a program made"),
    Kind.TOKEN_REVOKED: N_("Token of a program revoked"),
    Kind.WEBHOOK_CHANGED: N_("Webhook of a program changed"),
}
