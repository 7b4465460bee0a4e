"""Many requests in one call: each line has its result, and none is filed twice."""

import json

from sqlalchemy import select

from tests.api.drafts import draft_for
from tests.api.test_bad_inputs import is_a_problem
from tracing.extensions import db
from tracing.models import ApiCall, TraceRequest
from workflows.states import State

KIND = {"Content_Type": "application/x-ndjson"}


def lines(*said):
    return "\n".join(
        one if isinstance(one, str) else json.dumps(one) for one in said
    ).encode()


def states():
    db.session.rollback()
    return sorted(db.session.scalars(select(TraceRequest.state)))


def test_each_line_has_its_result_and_a_wrong_one_stops_no_other(asking, of):
    draft = draft_for(of.asked)
    body = lines(
        {"draft": draft},
        {"draft": draft, "submit": True},
        "{nonsense",
        {"draft": {"item": {"year": "x"}}},
        {"draft": {"item": {"make": "A"}}, "submit": True},
        {"draft": draft, "other": 1},
    )
    answer = asking.post("requests/bulk", body, **KIND)
    assert answer.status_code == 200, answer.text
    items = answer.json["items"]
    assert [one["status"] for one in items] == [201, 201, 400, 422, 422, 422]
    assert [one.get("state") for one in items[:2]] == ["draft", "submitted"]
    kept = [one["line"] for one in items if "reference" in one]
    assert kept == [1, 2, 5]
    unsent = items[4]
    assert unsent["state"] == "draft"
    assert asking.get(unsent["href"]).json["reference"] == unsent["reference"]
    assert items[3]["errors"][0]["pointer"] == "/item/year"
    assert (answer.json["filed"], answer.json["refused"]) == (2, 4)
    assert states() == sorted([State.DRAFT, State.DRAFT, State.SUBMITTED])


def test_what_broke_off_goes_on_and_nothing_is_filed_twice(asking, of):
    two = [{"draft": draft_for(of.asked), "submit": True}] * 2
    first = asking.post("requests/bulk", lines(*two), Idempotency_Key="one", **KIND)
    # As if the server had died before the answer was kept.
    db.session.query(ApiCall).delete()
    db.session.commit()
    again = asking.post("requests/bulk", lines(*two), Idempotency_Key="one", **KIND)
    assert again.json["items"] == first.json["items"]
    assert states() == [State.SUBMITTED] * 2


def test_more_than_a_thousand_lines_are_too_many(asking):
    is_a_problem(asking.post("requests/bulk", b"{}\n" * 1001, **KIND), 413, "too_large")
    answer = asking.post("requests/bulk", b"{}", Content_Type="application/json")
    is_a_problem(answer, 415, "unsupported_type")
