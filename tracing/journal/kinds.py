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
    DIRECTORY_PROPOSED = "directory_proposed"
    DIRECTORY_DECIDED = "directory_decided"
    DIRECTORY_CONFIRMED = "directory_confirmed"
    DIRECTORY_TESTED = "directory_tested"
    CONTACT_UNREACHABLE = "contact_unreachable"
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
    EXPORTED = "exported"
    MAIL_RETRIED = "mail_retried"
    LOOKUP_ASKED = "lookup_asked"
    LOOKUP_ANSWERED = "lookup_answered"
    LOOKUP_READ = "lookup_read"
    RECORD_ADDED = "record_added"
    RECORD_CHANGED = "record_changed"
    RECORD_SHARED = "record_shared"
    RECORD_READ = "record_read"
    RECORDS_SEARCHED = "records_searched"
    RECORD_SOUGHT = "record_sought"
    RECORD_KEPT = "record_kept"
    RECORD_ERASURE_ASKED = "record_erasure_asked"
    RECORD_ERASED = "record_erased"
    IMPORT_STARTED = "import_started"
    RECORDS_IMPORTED = "records_imported"
    IMPORT_ENDED = "import_ended"
    RECORDS_EXPORTED = "records_exported"
    CANDIDATE_DECIDED = "candidate_decided"
    INTRODUCTION_ASKED = "introduction_asked"
    INTRODUCTION_ANSWERED = "introduction_answered"
    INTRODUCING_CHANGED = "introducing_changed"
    HIT_TOLD = "hit_told"
    NAMES_CHANGED = "names_changed"
    CALENDAR_PROPOSED = "calendar_proposed"
    CALENDAR_PUBLISHED = "calendar_published"
    CALENDAR_DROPPED = "calendar_dropped"
    HOURS_CHANGED = "hours_changed"
    AGREEMENT_ENTERED = "agreement_entered"
    AGREEMENT_CONFIRMED = "agreement_confirmed"
    AGREEMENT_ENDED = "agreement_ended"
    DUE_MOVED = "due_moved"
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
        *(Kind.GLASS_BROKEN, Kind.LOOKUP_READ, Kind.RECORD_READ, Kind.EXPORTED),
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
    Kind.DIRECTORY_PROPOSED: N_("Change of a directory entry proposed"),
    Kind.DIRECTORY_DECIDED: N_("Change of a directory entry decided"),
    Kind.DIRECTORY_CONFIRMED: N_("Directory entry confirmed"),
    Kind.DIRECTORY_TESTED: N_("Test message to a contact"),
    Kind.CONTACT_UNREACHABLE: N_("Mail to a contact came back"),
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
    Kind.EXPORTED: N_("Request exported"),
    Kind.MAIL_RETRIED: N_("Mail queued again"),
    Kind.LOOKUP_ASKED: N_("Another register asked"),
    Kind.LOOKUP_ANSWERED: N_("Search by hand written down"),
    Kind.LOOKUP_READ: N_("Answer of another register read"),
    Kind.RECORD_ADDED: N_("Record added"),
    Kind.RECORD_CHANGED: N_("Record changed"),
    Kind.RECORD_SHARED: N_("Sharing of a record changed"),
    Kind.RECORD_READ: N_("Record opened"),
    Kind.RECORDS_SEARCHED: N_("Own records searched"),
    Kind.RECORD_SOUGHT: N_("Somebody looks for a shared record"),
    Kind.RECORD_KEPT: N_("Record kept longer"),
    Kind.RECORD_ERASURE_ASKED: N_("Asked to erase a record"),
    Kind.RECORD_ERASED: N_("Record erased"),
    Kind.IMPORT_STARTED: N_("Import of records started"),
    Kind.RECORDS_IMPORTED: N_("Records imported"),
    Kind.IMPORT_ENDED: N_("Import of records ended"),
    Kind.RECORDS_EXPORTED: N_("Records exported"),
    Kind.CANDIDATE_DECIDED: N_("Possible match decided"),
    Kind.INTRODUCTION_ASKED: N_("Asked to be introduced"),
    Kind.INTRODUCTION_ANSWERED: N_("Introduction answered"),
    Kind.INTRODUCING_CHANGED: N_("Introductions allowed or not"),
    Kind.HIT_TOLD: N_("Told of a search that met a record"),
    Kind.NAMES_CHANGED: N_("Table of makes and calibres changed"),
    Kind.CALENDAR_PROPOSED: N_("New version of a calendar entered"),
    Kind.CALENDAR_PUBLISHED: N_("Calendar published"),
    Kind.CALENDAR_DROPPED: N_("New version of a calendar dropped"),
    Kind.HOURS_CHANGED: N_("Office hours changed"),
    Kind.AGREEMENT_ENTERED: N_("Agreement on time entered"),
    Kind.AGREEMENT_CONFIRMED: N_("Agreement on time confirmed"),
    Kind.AGREEMENT_ENDED: N_("Agreement on time ended"),
    Kind.DUE_MOVED: N_("Due date moved by a calendar"),
    Kind.TOKEN_MADE: N_("Token of a program made"),
    Kind.TOKEN_REVOKED: N_("Token of a program revoked"),
    Kind.WEBHOOK_CHANGED: N_("Webhook of a program changed"),
}
