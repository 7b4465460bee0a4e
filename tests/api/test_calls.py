"""A call that acts does so once; what has changed meanwhile is not overwritten."""

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.api.drafts import draft_for
from tests.factories import files
from tests.programs import program
from tracing.api.feed import TURNS
from tracing.casework import calls, requested
from tracing.casework.apply import utcnow
from tracing.extensions import db
from tracing.models import ApiCall, ApiResult, TraceRequest
from workflows.policies import Role
from workflows.states import Trigger


def how_many():
    db.session.rollback()
    return len(db.session.scalars(select(TraceRequest.id)).all())


def test_the_same_call_again_gets_the_same_answer_and_has_one_effect(asking, of):
    first = asking.post("requests", draft_for(of.asked), Idempotency_Key="one")
    again = asking.post("requests", draft_for(of.asked), Idempotency_Key="one")
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert how_many() == 1


def test_a_key_is_asked_for_and_not_taken_for_another_call(asking, asked, of):
    answer = asking.call("POST", "requests", draft_for(of.asked))
    assert (answer.status_code, answer.json["code"]) == (400, "key_missing")
    asking.post("requests", draft_for(of.asked), Idempotency_Key="one")
    other = draft_for(of.asked, header={"own_case_number": "CASE-18"})
    answer = asking.post("requests", other, Idempotency_Key="one")
    assert (answer.status_code, answer.json["code"]) == (422, "key_reused")
    assert how_many() == 1


def test_what_was_refused_may_be_tried_again_with_its_key(asking, of):
    wrong = asking.post("requests", {"markings": {"serial": 7}}, Idempotency_Key="one")
    assert wrong.status_code == 422
    right = asking.post("requests", draft_for(of.asked), Idempotency_Key="one")
    assert right.status_code == 201


def test_a_call_whose_answer_was_lost_has_had_its_effect_once(asking, asked, of):
    made = factories.sent(of)
    href = f"requests/{made.reference}"
    etag = asked.get(f"{href}/transitions").headers["ETag"]
    say = {"If_Match": etag, "Idempotency_Key": "one"}
    assert asked.post(f"{href}/transitions/acknowledge", **say).status_code == 200
    # As if whoever answered had died between the effect and the answer.
    db.session.execute(update(ApiCall).values(status=None))
    db.session.commit()
    running = asked.post(f"{href}/transitions/acknowledge", **say)
    assert (running.status_code, running.json["code"]) == (409, "running")
    assert running.headers["Retry-After"]
    db.session.execute(update(ApiCall).values(at=utcnow() - timedelta(minutes=1)))
    db.session.commit()
    again = asked.post(f"{href}/transitions/acknowledge", **say)
    assert again.json == {"reference": made.reference, "done": True}
    db.session.expire_all()
    assert factories.triggers_of(made) == [Trigger.SUBMIT, Trigger.ACKNOWLEDGE]


def test_keys_and_results_are_forgotten_in_time(asking, of, app):
    asking.post("requests", draft_for(of.asked), Idempotency_Key="one")
    asking.post("searches", {"serial": "EX-1234-7"})
    assert calls.sweep(utcnow() + timedelta(hours=71)) == 1
    assert calls.sweep(utcnow() + timedelta(hours=73)) == 2
    assert db.session.scalars(select(ApiResult)).all() == []


def test_a_change_names_what_it_has_read(asking, of):
    made = asking.post("requests", draft_for(of.asked))
    href, etag = made.json["href"], made.headers["ETag"]
    change = {"header": draft_for(of.asked)["header"] | {"own_case_number": "C-2"}}

    def patch(**say):
        key = {"Idempotency_Key": f"k{len(say.get('If_Match', ''))}{len(say)}"}
        return asking.call("PATCH", href, change, **(key | say))

    assert patch().status_code == 428
    assert patch(If_Match='"other"').status_code == 412
    done = patch(If_Match=etag)
    assert done.status_code == 200
    assert done.headers["ETag"] != etag
    stale = patch(If_Match=etag, Idempotency_Key="late")
    assert (stale.status_code, stale.json["code"]) == (412, "stale")
    read = asking.get(href)
    assert read.json["content"]["header"]["own_case_number"] == "C-2"
    same = asking.get(href, If_None_Match=read.headers["ETag"])
    assert (same.status_code, same.data) == (304, b"")


def test_a_file_goes_in_and_out_as_it_is(asking, of):
    href = asking.post("requests", draft_for(of.asked)).json["href"]
    kind = {"Content_Type": "application/octet-stream"}
    sent = asking.post(f"{href}/files?name=a.png", files.png((20, 20)), **kind)
    assert sent.status_code == 201, sent.text
    read = asking.get(sent.headers["Location"])
    assert read.status_code == 200
    assert read.mimetype.startswith("image/")
    assert read.headers["Content-Disposition"].startswith("attachment")
    assert asking.get(href).json["files"][0]["token"] == sent.json["token"]
    bad = asking.post(f"{href}/files?name=a.txt", b"no picture", **kind)
    assert bad.status_code == 422


def test_what_is_searched_for_stands_in_no_address(app, asking, of):
    made = factories.draft(of)
    found = asking.post("searches", {"serial": factories.serial_of(made)})
    assert found.status_code == 201, found.text
    assert made.reference in found.text
    address = found.headers["Location"]
    assert factories.serial_of(made) not in address
    assert asking.get(address).json["items"] == found.json["items"]
    colleague = program(app, factories.person(of.asking, Role.INVESTIGATOR))
    assert colleague.get(address).status_code == 404
    named = asking.post("searches", {"name": "Ewa Exampleson"})
    assert made.reference in named.text


def test_who_answers_is_named_in_the_list_of_those_who_answer_alone(asking, asked, of):
    made = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    requested.assign(made.reference, factories.actor_of(of.officer))
    mine, queue = asking.get("requests?list=mine"), asked.get("requests?list=queue")
    assert [one["assigned"] for one in mine.json["items"]] == [None]
    assert of.officer.name not in mine.text
    assert [one["assigned"] for one in queue.json["items"]] == [of.officer.name]


def test_a_cursor_is_good_for_its_list_and_its_authority(asking, asked, of):
    for _ in range(3):
        factories.draft(of)
    page = asking.get("requests?list=mine&view=drafts&limit=2").json
    assert len(page["items"]) == 2
    rest = asking.get(
        f"requests?list=mine&view=drafts&limit=2&cursor={page['next']}"
    ).json
    assert len(rest["items"]) == 1
    seen = {one["reference"] for one in (*page["items"], *rest["items"])}
    assert len(seen) == 3
    for address in (
        f"requests?list=mine&view=open&cursor={page['next']}",
        f"requests?list=queue&cursor={page['next']}",
        f"requests?list=mine&view=drafts&cursor={page['next'][:-2]}",
    ):
        assert asking.get(address).json["code"] == "bad_cursor"
    stolen = asked.get(f"requests?list=mine&view=drafts&cursor={page['next']}")
    assert stolen.json["code"] == "bad_cursor"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "unknown=1", "limit=2&limit=3", "state=nope"],
)
def test_an_address_says_what_is_known_and_once(asking, query):
    answer = asking.get(f"requests?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "bad_query")


def test_what_is_not_yours_is_answered_as_what_never_was(app, asking, of):
    far = factories.sides()
    theirs = factories.sent(far)
    never = "2026-KE-0000000"
    addresses = [
        f"requests/{ref}{rest}"
        for rest in ("", "/events", "/deadlines", "/transitions", "/files")
        for ref in (theirs.reference, never)
    ]
    bodies = {(a.status_code, a.data) for a in map(asking.get, addresses)}
    assert len(bodies) == 1
    assert bodies.pop()[0] == 404
    assert asking.get("nowhere").data == asking.get(addresses[0]).data


def test_a_person_reads_the_sentence_of_the_page_in_their_language(asking, of):
    def said(tongue):
        answer = asking.post(
            "requests", {"item": {"year": 3}, "x": 1}, Accept_Language=tongue
        )
        assert answer.content_type == "application/problem+json"
        return answer.json

    english = said("en")
    year = next(e for e in english["errors"] if e["pointer"] == "/item/year")
    assert year["detail"].startswith("Enter a year from 1500")
    assert {"pointer": "", "code": "unknown_field"}.items() <= (
        english["errors"][0].items() | english["errors"][-1].items()
    )
    assert json.dumps(english).count("1500") == 1
    words = {
        tongue: json.dumps(said(tongue)["errors"]) for tongue in ("fr", "ar", "zh")
    }
    assert len({*words.values(), json.dumps(english["errors"])}) == 4


def test_the_journal_names_the_account_and_the_token(app, asking, of):
    href = asking.post("requests", draft_for(of.asked)).json["href"]
    asking.get(href)
    auditor = program(app, factories.person(of.asking, Role.AUDITOR))
    entries = auditor.get("journal").json["items"]
    kinds = {one["kind"] for one in entries if one["about"]}
    assert {"drafted", "read"} <= kinds
    assert {one["who"] for one in entries if one["about"]} == {of.investigator.name}


def test_who_follows_waits_only_where_that_takes_nothing_from_the_pages(
    app, asking, of
):
    def took():
        started = time.monotonic()
        assert asking.get("events?wait=1").json["items"] == []
        return time.monotonic() - started

    assert took() < 0.9
    chosen = replace(app.extensions["tracing.settings"], api_waiting=1)
    app.extensions["tracing.settings"] = chosen
    app.extensions.pop(TURNS)
    assert took() >= 1
    factories.sent(of)
    assert asking.get("events?wait=20").json["items"][0]["step"] == "submit"
