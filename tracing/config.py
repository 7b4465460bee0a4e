"""Settings: defaults, then instance/config.py, then TRACING_*; read once, typed."""

import base64
import os
import runpy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


class SettingsError(Exception):
    """A setting is missing, unknown or of the wrong kind; the text says which."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation can choose. Times are seconds unless named otherwise."""

    database_url: str = "sqlite:///tracing.sqlite"
    worker_database_url: str = ""
    owner_database_url: str = ""
    database_pooler: bool = False
    secret_key: str = ""
    password_salt: str = ""
    totp_key: str = ""
    public_url: str = ""
    allowed_hosts: str = ""
    journal_key: str = ""
    journal_keys_before: str = ""
    exchange_key: str = ""
    exchange_keys_before: str = ""
    field_keys: str = ""
    index_key: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    behind_https: bool = False
    demonstration: bool = False
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_security: str = "starttls"
    smtp_timeout: int = 20
    mail_from: str = "tracing@localhost.example"
    mail_attempts: int = 12
    imap_host: str = ""
    imap_port: int = 993
    imap_user: str = ""
    imap_password: str = ""
    imap_security: str = "tls"
    imap_folder: str = "INBOX"
    imap_timeout: int = 20
    max_form_bytes: int = 2_000_000
    max_upload_bytes: int = 104_857_600
    max_file_bytes: int = 26_214_400
    max_file_pixels: int = 40_000_000
    max_files: int = 30
    max_authority_files: int = 50_000
    max_authority_bytes: int = 50_000_000_000
    max_import_bytes: int = 300_000_000
    import_most_bad: int = 10
    clamd: str = ""
    clamd_timeout: int = 30
    session_idle: int = 1800
    session_idle_administrator: int = 900
    session_longest: int = 43200
    api_calls_of_token: int = 1200
    api_calls_of_authority: int = 6000
    api_waiting: int = 0
    webhook_ports: str = "443"
    webhook_networks: str = ""
    webhook_ca_file: str = ""
    second_factor_required: bool = True
    administrator_keys: int = 2
    keys_alone: bool = False
    mail_domains: str = ""
    proxies: int = 0
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = ""
    log_format: str = "text"
    metrics_token: str = ""
    backup_recipient: str = ""
    backup_database_url: str = ""
    postgresql_programs: str = ""
    crash_at: str = ""
    instance: str = ""

    def address_of_database(self, login: str) -> str:
        """Return where the database is for the site, the worker, or the owner of it."""
        own = {"worker": self.worker_database_url, "owner": self.owner_database_url}
        return own.get(login) or self.database_url

    @property
    def address(self) -> str:
        """Return where people find the site: as set, else where it listens."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def sends_mail(self) -> bool:
        """Tell whether a mail server is configured."""
        return bool(self.smtp_host)

    @property
    def reads_mail(self) -> bool:
        """Tell whether there is a mailbox to which notices come back."""
        return bool(self.imap_host)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names the site answers to; none means any."""
        return tuple(self.allowed_hosts.lower().replace(",", " ").split())

    def domains_of(self, code: str) -> frozenset[str]:
        """Return the mail domains set for an authority, else those set for all."""
        known = _domains(self.mail_domains)
        return known.get(code, known.get("*", frozenset()))

    @property
    def needs_hosts(self) -> bool:
        """Tell whether others than this machine reach the site in earnest."""
        here = self.host in LOOPBACK and not self.behind_https
        return not here and not self.demonstration

    @classmethod
    def for_tests(cls, database_url: str, instance: Path) -> "Settings":
        """Return settings for one test: own database, own folder, fixed secrets."""
        return cls(
            database_url=database_url,
            instance=str(instance),
            secret_key="test-" * 8,
            password_salt="test-" * 8,
            totp_key="test-" * 8,
            journal_key="test-" * 8,
            field_keys="1:" + "dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtdGU=",
            index_key="test-" * 8,
            second_factor_required=False,
        )


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_REQUIRED = ("secret_key", "password_salt", "totp_key", "journal_key", "index_key")
SECRETS = (
    *(*_REQUIRED, "field_keys", "smtp_password", "imap_password"),
    "oidc_client_secret",
    *("metrics_token", "exchange_key"),
)
KEY_FILE = "field-keys"
"""In the instance folder: the keys of personal fields, where no setting holds them."""

LOG_FORMATS = frozenset({"text", "json"})


def _domains(text: str) -> dict[str, frozenset[str]]:
    """Read `KE-NFP=police.example, labs.example; *=int.example`."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        code, equals, names = part.partition("=")
        domains = frozenset(names.lower().replace(",", " ").split())
        if not equals or not code.strip() or not domains or "@" in names:
            raise SettingsError(
                "TRACING_MAIL_DOMAINS: write it as `KE-NFP=police.example;"
                " *=other.example`, with the code of the authority or * for all others"
            )
        found[code.strip()] = domains
    return found


def template_folder() -> Path:
    """Return the templates: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    bundled = package / "templates"
    return bundled if bundled.is_dir() else package.parent / "templates"


def _typed(name: str, kind: object, value: object) -> Any:
    if kind is bool and isinstance(value, str):
        if value.lower() in ("1", "true", "yes", "on"):
            return True
        if value.lower() in ("0", "false", "no", "off", ""):
            return False
        raise SettingsError(f"{name}: write true or false")
    if kind is int:
        try:
            return int(str(value))
        except ValueError as error:
            raise SettingsError(f"{name}: write a whole number") from error
    if kind in (str, bool) and isinstance(value, (str, bool)):
        return value
    raise SettingsError(f"{name}: the value is of the wrong kind")


def load(instance: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of an installation; stop on anything unknown or missing."""
    kinds = {f.name: f.type for f in fields(Settings) if f.name != "instance"}
    given: dict[str, Any] = {"instance": str(instance)}
    file = instance / "config.py"
    if file.is_file():
        for key, value in runpy.run_path(str(file)).items():
            if not key.isupper():
                continue
            name = key.lower()
            if name not in kinds:
                raise SettingsError(f"{file}: {key} is not a setting")
            given[name] = _typed(key, kinds[name], value)
    for key, text in environ.items():
        if not key.startswith("TRACING_") or key == "TRACING_INSTANCE_PATH":
            continue
        name = key.removeprefix("TRACING_").lower()
        if name not in kinds:
            raise SettingsError(f"{key} is not a setting; see docs/settings.md")
        given[name] = _typed(key, kinds[name], text)
    settings = Settings(**given)
    missing = [name for name in _REQUIRED if not getattr(settings, name)]
    if not settings.field_keys and not (instance / KEY_FILE).is_file():
        missing.append("field_keys")
    if missing:
        wanted = ", ".join(f"TRACING_{name.upper()}" for name in missing)
        raise SettingsError(
            f"no value for {wanted}: run `tracing init`, which writes"
            f" {file} with fresh secrets, or set them"
        )
    if settings.log_format not in LOG_FORMATS:
        raise SettingsError("LOG_FORMAT: write text or json")
    if settings.needs_hosts and not settings.hosts:
        raise SettingsError(
            "no value for TRACING_ALLOWED_HOSTS: name the hosts under which people"
            " reach the site, such as tracing.example.org"
        )
    _domains(settings.mail_domains)
    if not settings.second_factor_required and not settings.demonstration:
        raise SettingsError(
            "SECOND_FACTOR_REQUIRED: only a demonstration (DEMONSTRATION = True), whose"
            " data is invented, may let people in by a password alone"
        )
    if settings.crash_at and not settings.demonstration:
        raise SettingsError(
            "CRASH_AT: only a demonstration (DEMONSTRATION = True), whose data is"
            " invented, may be made to end in the middle of its work"
        )
    return settings


def write_secrets(instance: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Write fresh secrets into instance/config.py where there are none yet.

    A file of an older version lacks those that came later: they are added. The keys of
    personal fields have a file of their own, which can change while the system runs.
    """
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = instance / "config.py"
    known = runpy.run_path(str(file)) if file.is_file() else {}
    made = False
    if "FIELD_KEYS" not in known and not environ.get("TRACING_FIELD_KEYS"):
        made = _write_key(instance / KEY_FILE)
    missing = [
        name.upper()
        for name in _REQUIRED
        if name.upper() not in known and not environ.get(f"TRACING_{name.upper()}")
    ]
    if file.exists() and not missing:
        return made
    lines = ["# Secrets of this installation: keep this file private.\n"]
    if file.exists():
        lines = [""] if file.read_bytes()[-1:] in (b"", b"\n") else ["\n"]
    else:
        # A checkout brings the folder, open to all who can read the source.
        instance.chmod(0o700)
    lines += [f'{name} = "{secrets.token_urlsafe(48)}"\n' for name in missing]
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as out:
        out.writelines(lines)
    return True


def _write_key(file: Path) -> bool:
    """Write a first key where there is none."""
    if file.exists():
        return False
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(f"1:{key}\n")
    return True
