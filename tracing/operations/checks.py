"""What must be so before the service is safe to run: one function for each promise.

A function looks at the facts and returns nothing, or what is wrong and the remedy. It
asks nobody and changes nothing.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import wraps
from typing import Final

from sqlalchemy import make_url

from tracing.config import LOOPBACK, SECRETS, Settings
from tracing.operations.facts import Contents, Database, Facts, environment_debug
from tracing.operations.figures import SILENT

SHORTEST_SECRET: Final = 32
FEWEST_SIGNS: Final = 12
"""A secret of fewer different signs was not drawn, it was typed."""

PYTHON: Final = (3, 11)
REPAIRED: Final[Mapping[tuple[int, ...], int]] = {
    (3, 11): 15,
    (3, 12): 13,
    (3, 13): 12,
    (3, 14): 3,
}
"""Since when mail headers cannot be broken out of in the library itself."""

SQLITE: Final = (3, 37)
POSTGRESQL: Final = (15,)
CLOCK: Final = 2.0
EXPIRING: Final = timedelta(days=14)
FREE: Final = 0.10
FULL: Final = 0.02
REGISTERS: Final = "lookups.toml"
DRAWN: Final = SECRETS[:5]
"""The secrets that `tracing init` draws into config.py."""

ADDRESSES: Final = tuple(
    f"{login}database_url" for login in ("", "worker_", "owner_", "backup_")
)
WORN: Final = 0.5
LARGEST_WAL: Final = 256 << 20
BACKUP: Final = timedelta(hours=24)
DRILL: Final = timedelta(days=90)
PASSWORDS: Final = timedelta(days=100)
UNSIGNED: Final = timedelta(minutes=15)
OVERDUE: Final = timedelta(minutes=15)
ADMINISTRATORS: Final = 2
ELSEWHERE: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs"}
)
"""File systems of other machines, on which SQLite may lose what it has acknowledged."""

OF_SQLITE: Final[Mapping[str, frozenset[str]]] = {
    "journal_mode": frozenset({"wal"}),
    "synchronous": frozenset({"2", "3"}),
    "foreign_keys": frozenset({"1"}),
    "trusted_schema": frozenset({"0"}),
    "secure_delete": frozenset({"1"}),
}
ON: Final = ("fsync", "full_page_writes", "synchronous_commit")
BOUNDED: Final = (
    *("statement_timeout", "lock_timeout"),
    "idle_in_transaction_session_timeout",
)
WITHOUT_ROW_SECURITY: Final = frozenset(
    {
        "account",
        "account_identity",
        "account_key",
        "account_session",
        "account_token",
        "alembic_version",
        "failed_attempts",
        "role",
        "role_of_account",
    }
)
"""They hold no case; who signs in is not known yet when they are read."""

"""Tables that may be read by every authority, so that no policy stands before them."""


class Level(IntEnum):
    """How bad it is; also the exit status."""

    OK = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found; of level OK: why it did not look."""

    level: Level
    text: str


Judge = Callable[[Facts], Verdict | None]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, by a name that stays.

    `lenient`: a demonstration cannot keep it, so there an error is a warning.
    `running`: it can only be kept while the service runs, so a start does not ask.
    """

    name: str
    judge: Judge
    lenient: bool = False
    running: bool = False

    @property
    def promise(self) -> str:
        """Return what the check looks for, in one sentence."""
        return (self.judge.__doc__ or "").partition("\n")[0]


def error(text: str) -> Verdict:
    """Return what must not be served with."""
    return Verdict(Level.ERROR, text)


def warning(text: str) -> Verdict:
    """Return what somebody should see to."""
    return Verdict(Level.WARNING, text)


def not_here(why: str) -> Verdict:
    """Return why there was nothing to look at."""
    return Verdict(Level.OK, why)


def _with_database(judge: Callable[[Database, Facts], Verdict | None]) -> Judge:
    @wraps(judge)
    def judged(facts: Facts) -> Verdict | None:
        if facts.database is None:
            return not_here("the database has to be reached first")
        return judge(facts.database, facts)

    return judged


def _with_contents(judge: Callable[[Contents, Facts], Verdict | None]) -> Judge:
    @wraps(judge)
    def judged(facts: Facts) -> Verdict | None:
        if facts.contents is None:
            return not_here("the database has to be put right first")
        return judge(facts.contents, facts)

    return judged


def _ago(since: datetime, now: datetime) -> str:
    """Return a span in the unit people would use."""
    minutes = max(int((now - since).total_seconds() // 60), 0)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 2880 else f"{minutes // 1440} days"


def is_here(host: str) -> bool:
    """Tell whether a name means this machine; a folder is that of a socket."""
    if not host or host in LOOPBACK or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


# ---------------------------------------------------------------------- the machine


def python(facts: Facts) -> Verdict | None:
    """Python has the repairs of security that mail needs."""
    version = ".".join(map(str, facts.machine.python))
    branch, patch = facts.machine.python[:2], facts.machine.python[2]
    if branch < PYTHON:
        return error(f"Python {version} is too old: use 3.11 or newer")
    wanted = REPAIRED.get(branch, 0)
    if patch < wanted:
        newer = f"{branch[0]}.{branch[1]}.{wanted}"
        return warning(f"Python {version} lacks security repairs: use {newer} or newer")
    return None


def dependencies(facts: Facts) -> Verdict | None:
    """The libraries are those that were asked for."""
    if facts.machine.unmet:
        said = ", ".join(facts.machine.unmet)
        return error(f"{said}: install requirements/run.txt again")
    return None


def time_zones(facts: Facts) -> Verdict | None:
    """The zones of all authorities are known."""
    if not facts.machine.has_zones:
        return error("no time zones are known: install tzdata")
    unknown = facts.contents.unknown_zones if facts.contents else ()
    if unknown:
        said = ", ".join(unknown)
        return error(f"no time zone {said}: put the authority right, or renew tzdata")
    return None


def disk(facts: Facts) -> Verdict | None:
    """The disk of the instance folder has room."""
    free = f"{facts.machine.free:.0%} of the disk of the instance folder is free"
    if facts.machine.free < FULL:
        return error(f"{free}: make room, nothing can be kept soon")
    if facts.machine.free < FREE:
        return warning(f"{free}: make room")
    return None


def debug(facts: Facts) -> Verdict | None:
    """Nobody is shown how it works inside."""
    if facts.machine.debug or environment_debug():
        return error("debugging is on: take away FLASK_DEBUG and --debug")
    return None


def password_list(facts: Facts) -> Verdict | None:
    """The list of passwords that are guessed first is not an old one."""
    age = facts.machine.passwords_age
    if age > PASSWORDS:
        return warning(
            f"the list of passwords that are guessed first is {age.days} days here:"
            " renew zxcvbn"
        )
    return None


def fips(facts: Facts) -> Verdict | None:
    """With --fips: cryptography keeps to FIPS 140."""
    if not facts.for_fips:
        return not_here("asked for by --fips alone")
    if not facts.machine.fips:
        return error(
            "the system does not keep to FIPS 140: start the machine in its FIPS mode"
        )
    return None


# --------------------------------------------------------------- the instance folder


def instance_folder(facts: Facts) -> Verdict | None:
    """The folder is for its owner alone."""
    mode = facts.machine.folder_mode
    if mode & 0o077:
        return error(
            f"others may look into the instance folder (mode {mode:04o}):"
            f" chmod 700 {facts.instance}"
        )
    return None


def instance_files(facts: Facts) -> Verdict | None:
    """Its files are for their owner alone."""
    own = ("config.py", REGISTERS)
    others = [name for name in facts.machine.open_files if name not in own]
    if others:
        said = ", ".join(others)
        return error(
            f"others may read files of the instance folder ({said}):"
            f" chmod -R go= {facts.instance}"
        )
    return None


def secrets_file(facts: Facts) -> Verdict | None:
    """The file of secrets is for its owner alone."""
    if "config.py" in facts.machine.open_files:
        return error(
            f"others may read the secrets: chmod 600 {facts.instance / 'config.py'},"
            " and make new secrets if anybody may have"
        )
    return None


def registers_file(facts: Facts) -> Verdict | None:
    """The file of registers, with its keys, is for its owner alone."""
    if REGISTERS in facts.machine.open_files:
        return error(
            "others may read the keys of the registers: chmod 600"
            f" {facts.instance / REGISTERS}, and ask for new keys if anybody may have"
        )
    return None


def certificates(facts: Facts) -> Verdict | None:
    """What we show to registers is good for some weeks."""
    for shown in facts.machine.certificates:
        where = f"the certificate that register {shown.register} is shown"
        if shown.until is None:
            return warning(
                f"{where} cannot be read: put a PEM file at {shown.file}, for the"
                " owner of the service"
            )
        left = shown.until - facts.now
        if left <= timedelta(0):
            return warning(
                f"{where} ended {_ago(shown.until, facts.now)} ago: ask for a new one,"
                f" put it at {shown.file} and start again"
            )
        if left < EXPIRING:
            return warning(
                f"{where} ends in {left.days} days: ask for a new one, put it at"
                f" {shown.file} and start again"
            )
    return None


def look_ups(found: Contents, facts: Facts) -> Verdict | None:
    """Registers are asked soon after an officer wished it."""
    if found.look_up is not None and facts.now - found.look_up > OVERDUE:
        return warning(
            f"a look-up waits since {_ago(found.look_up, facts.now)}: see that the"
            " worker runs, or run tracing look-up"
        )
    return None


def registers(found: Contents, _facts: Facts) -> Verdict | None:
    """The registers answer."""
    if found.broken:
        said = ", ".join(found.broken)
        return warning(
            f"{said}: left in peace, for no answer came several times; tracing"
            " registers says how each does, Registers has “Test now”"
        )
    return None


def notices(found: Contents, _facts: Facts) -> Verdict | None:
    """Every hit that registers tell of is of an authority here."""
    if found.of_nobody:
        said = ", ".join(found.of_nobody)
        return warning(
            f"{said}: told of hits on records of no authority here; set notices_to in"
            f" {REGISTERS}, then tracing hits --again {found.of_nobody[0]}"
        )
    return None


def secrets(facts: Facts) -> Verdict | None:
    """Each secret is long, drawn at random and used once."""
    given = {name: str(getattr(facts.settings, name)) for name in SECRETS}
    drawn = {name: given[name] for name in DRAWN}
    for name, value in drawn.items():
        if len(value.encode()) < SHORTEST_SECRET or len(set(value)) < FEWEST_SIGNS:
            return error(
                f"TRACING_{name.upper()} is short or not random: use 32 random bytes"
                ' or more, such as python3 -c "import secrets;'
                ' print(secrets.token_urlsafe(48))"'
            )
    if len(set(drawn.values())) < len(drawn):
        return error("one secret is used for two things: give each its own")
    if facts.machine.weak_keys:
        number = facts.machine.weak_keys[0]
        return error(
            f"key {number} of the personal fields was not drawn at random: tracing keys"
            f" add, tracing keys rotate, tracing keys drop {number}"
        )
    token = given["metrics_token"]
    if token and len(token.encode()) < SHORTEST_SECRET:
        return error("TRACING_METRICS_TOKEN is short: use 32 random bytes or more")
    return None


# --------------------------------------------------------------------- the database


def database(facts: Facts) -> Verdict | None:
    """The database answers."""
    if facts.database is None:
        return error(
            f"the database cannot be reached ({facts.database_fault}): start it, or put"
            " TRACING_DATABASE_URL right"
        )
    return None


def database_version(found: Database, _facts: Facts) -> Verdict | None:
    """The database is new enough."""
    wanted = SQLITE if found.engine == "sqlite" else POSTGRESQL
    if found.version < wanted:
        name = "SQLite" if found.engine == "sqlite" else "PostgreSQL"
        has, needs = (".".join(map(str, one)) for one in (found.version, wanted))
        return error(f"{name} {has} is too old: use {needs} or newer")
    return None


def database_role(found: Database, _facts: Facts) -> Verdict | None:
    """The role of the application may not pass by row-level security."""
    if found.engine == "sqlite":
        return not_here("SQLite has no roles")
    if found.superuser or found.bypasses:
        what = "a superuser" if found.superuser else "a role with BYPASSRLS"
        return error(
            f"the application signs in to PostgreSQL as {what}: give it a role with"
            " NOSUPERUSER NOBYPASSRLS"
        )
    if found.owns:
        return error(
            "the application signs in to PostgreSQL as the owner of the tables: give"
            " the site a login IN ROLE tracing_app, the worker one IN ROLE"
            " tracing_worker, and the owner's in TRACING_OWNER_DATABASE_URL"
        )
    return None


def row_security(found: Database, _facts: Facts) -> Verdict | None:
    """Row-level security is forced on every table that is not exempt."""
    if found.engine == "sqlite":
        return not_here("SQLite has no row-level security")
    if not found.policies:
        return error("no table has a policy: run the migrations again")
    open_tables = set(found.unforced) - WITHOUT_ROW_SECURITY
    if open_tables:
        said = ", ".join(sorted(open_tables))
        return error(
            f"row-level security is not forced on {said}: ALTER TABLE ... FORCE ROW"
            " LEVEL SECURITY, or run the migrations again"
        )
    return None


def database_settings(found: Database, _facts: Facts) -> Verdict | None:
    """The database keeps what it has acknowledged, and no statement lasts for ever."""
    wrong = list(_wrong(found))
    if not wrong:
        return None
    where = "the connection" if found.engine == "sqlite" else "postgresql.conf or role"
    return error(f"{'; '.join(wrong)}: put the settings of the {where} right")


def _wrong(found: Database) -> Iterator[str]:
    if found.engine == "sqlite":
        for name, right in OF_SQLITE.items():
            if found.values.get(name) not in right:
                yield f"{name} is {found.values.get(name)}"
        if int(found.values.get("busy_timeout", "0")) < 5000:
            yield "busy_timeout is under 5 seconds"
        return
    for name in ON:
        if found.values.get(name) in ("off", "local", None):
            yield f"{name} is {found.values.get(name)}"
    for name in BOUNDED:
        if found.values.get(name) in ("0", None):
            yield f"{name} is without limit"


def database_checksums(found: Database, _facts: Facts) -> Verdict | None:
    """PostgreSQL notices a flipped bit."""
    if found.engine == "sqlite":
        return not_here("SQLite has no checksums")
    if found.values.get("data_checksums") != "on":
        return warning(
            "PostgreSQL keeps no checksums of its pages: stop it and run"
            " pg_checksums --enable"
        )
    return None


def database_tls(facts: Facts) -> Verdict | None:
    """The way to the database cannot be listened to."""
    if make_url(facts.settings.database_url).get_backend_name() == "sqlite":
        return not_here("SQLite is on this machine")
    addresses = {name: str(getattr(facts.settings, name)) for name in ADDRESSES}
    unsafe = [name for name, url in addresses.items() if url and not _is_safe(url)]
    if unsafe:
        said = ", ".join(f"TRACING_{name.upper()}" for name in unsafe)
        return error(
            f"the way to the database is not safe: add ?sslmode=verify-full to {said}"
        )
    return None


def _is_safe(address: str) -> bool:
    """Tell whether nobody can listen on the way to a database."""
    url = make_url(address)
    given = url.query.get("host", url.host or "")
    hosts = given if isinstance(given, tuple) else (given,)
    return all(map(is_here, hosts)) or url.query.get("sslmode") == "verify-full"


def database_disk(facts: Facts) -> Verdict | None:
    """SQLite is on a disk of this machine."""
    if facts.machine.disk in ELSEWHERE:
        return error(
            f"SQLite is on a disk of another machine ({facts.machine.disk}): keep it on"
            " a disk of this one, or use PostgreSQL"
        )
    return None


def database_log(facts: Facts) -> Verdict | None:
    """SQLite's log is emptied now and then."""
    if facts.machine.wal > LARGEST_WAL:
        size = facts.machine.wal >> 20
        return warning(
            f"the log of SQLite has grown to {size} MB: end what reads for hours, then"
            " restart"
        )
    return None


def schema(found: Database, _facts: Facts) -> Verdict | None:
    """The tables are those of this version."""
    if found.revision != found.head:
        return error(
            f"the tables are of version {found.revision or 'none'}, this programme needs"
            f" {found.head}: run tracing db upgrade"
        )
    return None


def clock(found: Database, _facts: Facts) -> Verdict | None:
    """The database and this machine have the same time."""
    if abs(found.offset) >= CLOCK:
        return error(
            f"the clock of the database is {found.offset:+.1f} s off that of this"
            " machine: keep both by NTP"
        )
    return None


# --------------------------------------------------------------- where people reach it


def _is_reached(settings: Settings) -> bool:
    return not is_here(settings.host) or settings.behind_https


def https(facts: Facts) -> Verdict | None:
    """People reach the site by HTTPS."""
    given = facts.settings
    if not is_here(given.host) and not given.behind_https:
        return error(
            f"the site listens on {given.host} without HTTPS: put a web server with"
            " HTTPS before it and set TRACING_BEHIND_HTTPS, or listen on 127.0.0.1"
        )
    if given.behind_https and not given.public_url.startswith("https://"):
        return error(
            "TRACING_PUBLIC_URL does not begin with https://: links in mails lead"
            " nowhere safe; write the address people use"
        )
    return None


def proxies(facts: Facts) -> Verdict | None:
    """How many web servers stand in front is said."""
    if facts.settings.behind_https and not facts.settings.proxies:
        return error(
            "TRACING_PROXIES is 0 behind a web server: say how many stand in front, or"
            " waits after failures count for everybody at once"
        )
    return None


def hosts(facts: Facts) -> Verdict | None:
    """The names of the site are said."""
    if _is_reached(facts.settings) and not facts.settings.hosts:
        return error(
            "TRACING_ALLOWED_HOSTS is empty: name the hosts under which people reach"
            " the site"
        )
    return None


def second_factor(facts: Facts) -> Verdict | None:
    """Nobody comes in by a password alone."""
    if not facts.settings.second_factor_required:
        return error(
            "a password alone lets people in: set TRACING_SECOND_FACTOR_REQUIRED"
        )
    return None


def demonstration(facts: Facts) -> Verdict | None:
    """The data is real."""
    if facts.settings.demonstration:
        return warning(
            "this is a demonstration: keep nothing real in it; where data is real take"
            " DEMONSTRATION away"
        )
    return None


def administrators(found: Contents, _facts: Facts) -> Verdict | None:
    """Two people can manage the installation."""
    if found.administrators < ADMINISTRATORS:
        number = found.administrators
        return warning(
            f"too few administrators have a second factor ({number}): make it two, so that one"
            " can help the other back in"
        )
    return None


# --------------------------------------------------------------------------- the mail


def mail_headers(facts: Facts) -> Verdict | None:
    """No value can begin a mail header of its own."""
    if facts.mail_fault:
        return error(f"no mail may be sent: {facts.mail_fault}")
    return None


def mail_sender(facts: Facts) -> Verdict | None:
    """Mail comes from an address of ours."""
    if facts.settings.sends_mail and ".example" in facts.settings.mail_from:
        return warning(
            "TRACING_MAIL_FROM is that of an example: mail will be refused; write the"
            " address of your desk"
        )
    return None


def mail_tls(facts: Facts) -> Verdict | None:
    """The way to the mail server cannot be listened to."""
    given = facts.settings
    elsewhere = given.sends_mail and not is_here(given.smtp_host)
    if elsewhere and given.smtp_security not in ("starttls", "tls"):
        return error(
            "mail goes to another machine in the clear: set TRACING_SMTP_SECURITY"
            " to starttls or tls"
        )
    return None


def mail_out(found: Contents, facts: Facts) -> Verdict | None:
    """Mail leaves soon after it was written."""
    oldest = found.mail.oldest
    if not facts.settings.sends_mail:
        return not_here("no mail server is set: messages stay in the outbox")
    if facts.pause is None and oldest and facts.now - oldest > OVERDUE:
        return warning(
            f"the oldest message has waited {_ago(oldest, facts.now)}: see that the"
            " worker runs and the mail server takes mail"
        )
    return None


def mail_dead(found: Contents, _facts: Facts) -> Verdict | None:
    """No message was given up."""
    if found.mail.dead:
        return warning(
            f"{found.mail.dead} messages were given up: look at them under Outgoing"
            " messages, then tracing mail retry"
        )
    return None


def mail_paused(facts: Facts) -> Verdict | None:
    """Mail is not held back."""
    if facts.pause is not None:
        return warning(
            f"mail is paused since {_ago(facts.pause.since, facts.now)}"
            f" ({facts.pause.why}): tracing mail resume"
        )
    return None


def reminders(found: Contents, facts: Facts) -> Verdict | None:
    """Reminders are written when they are due."""
    if found.owed is not None and facts.now - found.owed > OVERDUE:
        return warning(
            f"a reminder is owed since {_ago(found.owed, facts.now)}: see that the"
            " worker runs"
        )
    return None


def worker(facts: Facts) -> Verdict | None:
    """The worker lives."""
    if facts.worker is None:
        return warning("the worker has never run here: start tracing serve")
    if (facts.now - facts.worker.at).total_seconds() > SILENT:
        return warning(
            f"the worker is silent since {_ago(facts.worker.at, facts.now)}: start"
            " tracing serve, or tracing worker"
        )
    return None


def scanner(facts: Facts) -> Verdict | None:
    """The virus scanner answers."""
    if not facts.settings.clamd:
        return not_here("no scanner is set: files are not scanned")
    if facts.scanner_fault:
        return warning(
            f"the virus scanner does not answer ({facts.scanner_fault}): new files are"
            " kept back until it does; start it"
        )
    return None


# -------------------------------------------------------------- what is kept, and is whole


def backup(facts: Facts) -> Verdict | None:
    """There is a backup of the last day."""
    if facts.backup is None:
        return warning("there has never been a backup: tracing backup FOLDER")
    if facts.now - facts.backup > BACKUP:
        return warning(
            f"the last backup is {_ago(facts.backup, facts.now)} old: tracing backup"
            " FOLDER, each night"
        )
    return None


def backup_key(facts: Facts) -> Verdict | None:
    """Backups are encrypted."""
    if not facts.settings.backup_recipient:
        return warning(
            "backups can be read by whoever has them: tracing backup-key FILE makes a"
            " key for TRACING_BACKUP_RECIPIENT"
        )
    if not re.fullmatch(r"age1[0-9a-z]{58}", facts.settings.backup_recipient):
        return error(
            "TRACING_BACKUP_RECIPIENT is not a public key: it begins with age1, and"
            " tracing backup-key FILE shows it"
        )
    return None


def restore_drill(facts: Facts) -> Verdict | None:
    """Somebody has tried lately whether a backup can be restored."""
    if facts.drill is None:
        return warning(
            "nobody has tried to restore a backup: tracing restore FOLDER --drill"
        )
    if facts.now - facts.drill > DRILL:
        return warning(
            f"the last restore drill was {_ago(facts.drill, facts.now)} ago: tracing"
            " restore FOLDER --drill"
        )
    return None


def field_keys(found: Contents, _facts: Facts) -> Verdict | None:
    """What names people can be opened."""
    if found.unopened:
        return error(
            f"something sealed does not open ({found.unopened}): put the field keys"
            " back that were in use, or restore what was changed"
        )
    return None


def key_use(facts: Facts) -> Verdict | None:
    """The key that seals may close many more values."""
    if facts.machine.key_used > WORN:
        return warning(
            f"the key of the personal fields is used up to {facts.machine.key_used:.0%}"
            ": tracing keys add, then tracing keys rotate"
        )
    return None


def erasures(found: Contents, facts: Facts) -> Verdict | None:
    """What two people decided to erase is erased."""
    if found.unerased is not None and facts.now - found.unerased > OVERDUE:
        return warning(
            f"an erasure waits since {_ago(found.unerased, facts.now)}: see that the"
            " worker runs, or run tracing purge"
        )
    return None


def journal(found: Contents, _facts: Facts) -> Verdict | None:
    """The last 10 000 entries of the journal are whole."""
    if found.journal:
        said = "; ".join(found.journal[:3])
        return error(
            f"the journal was changed ({said}): run tracing journal verify, and keep"
            " the machine as it is"
        )
    return None


def signing_key(found: Contents, _facts: Facts) -> Verdict | None:
    """The key that signed the journal last is one that is known."""
    if found.signature:
        return error(
            f"the newest checkpoint does not fit TRACING_JOURNAL_KEY ({found.signature})"
            ": put the key back with which it was signed, or its public one into"
            " TRACING_JOURNAL_KEYS_BEFORE"
        )
    return None


def checkpoints(found: Contents, facts: Facts) -> Verdict | None:
    """The journal is signed as it grows."""
    if found.unsigned is not None and facts.now - found.unsigned > UNSIGNED:
        return warning(
            f"the journal has not been signed for {_ago(found.unsigned, facts.now)}:"
            " see that the worker runs, or run tracing journal checkpoint"
        )
    return None


def files(found: Contents, _facts: Facts) -> Verdict | None:
    """The newest files are where the tables say, and as they were kept."""
    if found.missing_files:
        return error(
            f"{found.missing_files} of the newest files are gone: put the folder files"
            " of the instance back from the backup"
        )
    if found.changed_files:
        return error(
            f"{found.changed_files} of the newest files were changed where they are"
            " kept: put them back from the backup, and ask who was there"
        )
    return None


def calendars(found: Contents, _facts: Facts) -> Verdict | None:
    """The holidays of next year are known."""
    if found.unknown_calendars:
        said = ", ".join(found.unknown_calendars)
        return warning(
            f"the holidays of next year are not all known for {said}: renew the library"
            " holidays, and count by hand what it lacks"
        )
    return None


_of = _with_database
_in = _with_contents
CHECKS: Final = (
    Check("python", python),
    Check("dependencies", dependencies),
    Check("time-zones", time_zones),
    Check("disk", disk),
    Check("debug", debug),
    Check("password-list", password_list),
    Check("fips", fips),
    Check("instance-folder", instance_folder, lenient=True),
    Check("instance-files", instance_files, lenient=True),
    Check("secrets-file", secrets_file),
    Check("registers-file", registers_file),
    Check("certificates", certificates),
    Check("secrets", secrets),
    Check("database", database),
    Check("database-version", _of(database_version)),
    Check("database-role", _of(database_role), lenient=True),
    Check("row-security", _of(row_security), lenient=True),
    Check("database-settings", _of(database_settings), lenient=True),
    Check("database-checksums", _of(database_checksums)),
    Check("database-tls", database_tls, lenient=True),
    Check("database-disk", database_disk, lenient=True),
    Check("database-log", database_log),
    Check("schema", _of(schema)),
    Check("clock", _of(clock)),
    Check("https", https, lenient=True),
    Check("proxies", proxies),
    Check("hosts", hosts, lenient=True),
    Check("second-factor", second_factor, lenient=True),
    Check("demonstration", demonstration),
    Check("administrators", _in(administrators)),
    Check("mail-headers", mail_headers),
    Check("mail-sender", mail_sender),
    Check("mail-tls", mail_tls, lenient=True),
    Check("mail-out", _in(mail_out), running=True),
    Check("mail-dead", _in(mail_dead)),
    Check("mail-paused", mail_paused),
    Check("reminders", _in(reminders), running=True),
    Check("worker", worker, running=True),
    Check("look-ups", _in(look_ups), running=True),
    Check("registers", _in(registers), running=True),
    Check("notices", _in(notices), running=True),
    Check("scanner", scanner),
    Check("backup", backup),
    Check("backup-key", backup_key),
    Check("restore-drill", restore_drill),
    Check("field-keys", _in(field_keys)),
    Check("key-use", key_use),
    Check("erasures", _in(erasures), running=True),
    Check("journal", _in(journal)),
    Check("signing-key", _in(signing_key)),
    Check("checkpoints", _in(checkpoints), running=True),
    Check("files", _in(files)),
    Check("calendars", _in(calendars)),
)
