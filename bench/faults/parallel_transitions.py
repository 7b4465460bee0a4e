"""Many people press the same button of one request at once: one of them does it."""

import html
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from sqlalchemy import select

from bench.faults.checker import Verdict, check
from bench.faults.outcome import Outcome, Place
from bench.faults.people import form_of
from bench.faults.running import Running, populate
from bench.site import Person, Unexpected, file_request
from tracing.extensions import db
from tracing.models import TraceRequest
from workflows.states import Party, Trigger

NAME: Final = "parallel_transitions"
AT_ONCE: Final = {"short": 8, "full": 50}
ROUNDS: Final = {"short": 3, "full": 100}
SERVERS: Final = {"short": 2, "full": 4}
STEPS: Final = (
    Trigger.ACKNOWLEDGE,
    Trigger.RECORD_SEARCH,
    Trigger.RESPOND,
    Trigger.CLOSE,
)
ASKERS: Final = frozenset({Trigger.CLOSE})
WORDS: Final = re.compile(
    "The request changed since you opened the form|This step is not possible now"
    "|Someone changed this before you"
)
"""What the page says to those who come second."""

VERSION: Final = re.compile(r'name="version" value="(\d+)"')
PATIENCE: Final = 60.0


def run(place: Place, scale: str) -> Outcome:
    """Let everybody press at once, round after round."""
    settings, app = place.make(NAME)
    with app.app_context():
        world = populate(1, 1)
        db.session.remove()
        db.engine.dispose()
    verdict, tried = Verdict(), 0
    site = Running(settings, {"workers": SERVERS[scale]})
    try:
        site.start()
        sides = {
            Party.REQUESTING: crowd(site.port, world.asking[0], AT_ONCE[scale]),
            Party.REQUESTED: crowd(site.port, world.answering[0], AT_ONCE[scale]),
        }
        reference = ""
        for turn in range(ROUNDS[scale]):
            place_in_life = turn % len(STEPS)
            if place_in_life == 0:
                reference = filed(sides[Party.REQUESTING][0], dict(world.form))
            trigger = STEPS[place_in_life]
            asks = trigger in ASKERS
            people = sides[Party.REQUESTING if asks else Party.REQUESTED]
            version = version_seen(people[0], reference, trigger)
            answers = press(people, reference, trigger, version)
            tried += len(people)
            judge(verdict, answers, f"round {turn + 1}, {trigger.value}")
    finally:
        site.kill_all()
    with app.app_context():
        count_steps(verdict)
        db.session.remove()
    verdict += check(app)
    return Outcome(NAME, tried, verdict)


def count_steps(verdict: Verdict) -> None:
    """Every press that was answered with success is a step, and no step is there twice."""
    found = 0
    for request in db.session.scalars(select(TraceRequest)):
        for trigger, times in Counter(e.trigger for e in request.events).items():
            found += trigger is not Trigger.SUBMIT
            if times > 1:
                text = f"{request.reference}: {trigger.value} {times} times"
                verdict.doubled.append(text)
    if found < verdict.acknowledged:
        said = f"{verdict.acknowledged} steps were acknowledged, {found} are there"
        verdict.lost.append(said)


def crowd(port: int, code: str, number: int) -> list[Person]:
    """Return one person at so many windows, each with a connection of its own."""
    first = Person(port)
    first.sign_in(code)
    rest = [Person(port, dict(first.cookies), first.token) for _ in range(number - 1)]
    return [first, *rest]


def filed(person: Person, form: dict[str, object]) -> str:
    """File a request and return its reference."""
    again(person)
    return file_request(person, form).split("/")[-1]


def again(person: Person) -> None:
    """Open a new line: one that was idle for half a minute is closed by the server."""
    person.line.close()
    person.connect()


def version_seen(person: Person, reference: str, trigger: Trigger) -> str:
    """Return which version of the request the form of a step is about."""
    again(person)
    path = f"/trace-requests/{reference}/steps/{trigger.value}"
    if outcome := form_of(trigger, "").get("outcome"):
        path += f"?outcome={outcome}"
    page, _where = person.ask("GET", path)
    return VERSION.findall(page)[0]


Answer = tuple[int, str]


def press(
    people: list[Person], reference: str, trigger: Trigger, version: str
) -> list[Answer]:
    """Post the same form from every window at once; return the answers."""
    path = f"/trace-requests/{reference}/steps/{trigger.value}"
    together = threading.Barrier(len(people), timeout=PATIENCE)

    def one(person: Person) -> Answer:
        form = {"version": version, "action": "send", **form_of(trigger, "a mark")}
        again(person)
        together.wait()
        try:
            return 303, person.ask("POST", path, form, expect=303)[1]
        except Unexpected as error:
            return error.status, error.page

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(one, people))


def judge(verdict: Verdict, answers: list[Answer], where: str) -> None:
    """One did it; to all others the page says so in words."""
    done = [place for status, place in answers if status == 303]
    verdict.acknowledged += len(done)
    if not done:
        verdict.lost.append(f"{where}: nobody could")
    if len(done) > 1:
        verdict.doubled.append(f"{where}: {len(done)} were told that they did it")
    for status, page in answers:
        if status == 303:
            continue
        if status != 409 or not WORDS.search(html.unescape(page)):
            verdict.wrong.append(f"{where}: {status} {' '.join(page.split())[-600:]}")
