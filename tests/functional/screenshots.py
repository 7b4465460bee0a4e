"""Pictures of the pages, from a demonstration of its own.

    python -m tests.functional.screenshots [--out docs/pictures] [--all]

queue.png and request.png for the README; with --all every page, also in Arabic, on a
narrow screen and in the dark.
"""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from tests.browser import running_browser, serving
from tracing import create_app
from tracing.cli.demo import DemoAccount, load_demo
from tracing.config import load, write_secrets
from tracing.extensions import db
from tracing.models import Authority, TraceRequest
from workflows.policies import Role
from workflows.states import State

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 320, "height": 800}


@dataclass(frozen=True)
class Shot:
    """One picture: who looks at what, and how."""

    name: str
    role: Role
    address: str
    language: str = "en"
    narrow: bool = False
    dark: bool = False


@contextlib.contextmanager
def demonstration() -> Iterator[tuple[Flask, list[DemoAccount]]]:
    """Fill a database in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder)
        os.environ["TRACING_INSTANCE_PATH"] = folder
        write_secrets(instance)
        with (instance / "config.py").open("a", encoding="utf-8") as file:
            file.write("DEMONSTRATION = True\nSECOND_FACTOR_REQUIRED = False\n")
        app = create_app(load(instance))
        with app.app_context():
            upgrade()
            accounts = load_demo()
            db.session.remove()
        yield app, accounts
        with app.app_context():
            db.engine.dispose()


def worth_showing(app: Flask) -> tuple[str, dict[str, str]]:
    """Return an authority, and its fullest requests: answered, asked, a draft."""
    with app.app_context():
        requests = db.session.scalars(select(TraceRequest)).all()
        for home in db.session.scalars(select(Authority).order_by(Authority.id)):
            mine = [r for r in requests if r.requesting_id == home.id]
            theirs = [r for r in requests if r.requested_id == home.id]
            kinds = {
                "answered": [r for r in mine if r.state is State.RESPONDED],
                "asked": [r for r in theirs if r.state is State.RECORDS_SEARCHED],
                "draft": [r for r in mine if r.state is State.DRAFT],
            }
            if all(kinds.values()):
                name = home.name
                found = {
                    kind: max(rows, key=_fullness).reference
                    for kind, rows in kinds.items()
                }
                db.session.remove()
                return name, found
    raise LookupError("no authority of the demonstration has all that is shown")


def _fullness(request: TraceRequest) -> int:
    parts = (request.events, request.item.serials, request.persons)
    return sum(map(len, parts)) + 5 * (request.legal_basis is not None)


def shots(found: dict[str, str], *, every: bool) -> Iterator[Shot]:
    """Yield the pictures to take."""
    asked, answered = (f"/trace-requests/{found[n]}" for n in ("asked", "answered"))
    draft = f"/trace-requests/{found['draft']}"
    answering, asking = Role.OFFICER, Role.INVESTIGATOR
    yield Shot("queue", answering, "/queue")
    yield Shot("request", answering, asked)
    if not every:
        return
    pages = (
        ("home", answering, "/"),
        ("queue", answering, "/queue"),
        ("request", answering, asked),
        ("answered", asking, answered),
        ("new", asking, "/trace-requests/new"),
        ("check", asking, f"{draft}/check"),
        ("answer", answering, f"{asked}/steps/respond?outcome=EXPORTED"),
        ("contacts", answering, "/points-of-contact"),
        ("mine", asking, "/my-requests"),
    )
    for name, role, address in pages:
        if name not in ("queue", "request"):
            yield Shot(name, role, address)
        yield Shot(f"{name}-ar", role, address, language="ar")
        yield Shot(f"{name}-narrow", role, address, narrow=True)
    yield Shot("request-narrow-ar", answering, asked, language="ar", narrow=True)
    for name, role, address in pages[:5]:
        yield Shot(f"{name}-dark", role, address, dark=True)


def sign_in(page: Page, account: DemoAccount) -> None:
    """Sign in as somebody of the demonstration."""
    page.goto("/sign-in")
    page.locator("[name=email]").fill(account.email)
    page.locator("[name=password]").fill(account.password)
    page.locator("main button").click()
    page.wait_for_load_state()


def take(browser: Browser, site: str, shot: Shot, who: DemoAccount, out: Path) -> None:
    """Take one picture of the whole page."""
    context = browser.new_context(
        base_url=site,
        viewport=NARROW if shot.narrow else WIDE,
        device_scale_factor=1,
        color_scheme="dark" if shot.dark else "light",
    )
    with contextlib.closing(context):
        page = context.new_page()
        sign_in(page, who)
        page.goto(f"/language/{shot.language}")
        answer = page.goto(shot.address)
        if answer is None or not answer.ok or "/sign-in" in page.url:
            raise LookupError(f"{shot.name}: {page.url}")
        page.screenshot(path=out / f"{shot.name}.png", full_page=True)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--all", action="store_true", dest="every")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with (
        demonstration() as (app, accounts),
        serving(app) as site,
        running_browser() as browser,
    ):
        home, found = worth_showing(app)
        people = {
            role: account
            for account in reversed(accounts)
            for role in account.roles
            if account.authority == home
        }
        for shot in shots(found, every=given.every):
            take(browser, site, shot, people[shot.role], given.out)
            sys.stdout.write(f"{given.out / shot.name}.png\n")


if __name__ == "__main__":
    main()
