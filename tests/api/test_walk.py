"""Two programs do what two people do: file, answer, close."""

from tests.api.drafts import draft_for


def step(program, href, name, body=None, **headers):
    etag = program.get(f"{href}/transitions").headers["ETag"]
    answer = program.post(
        f"{href}/transitions/{name}", body, **({"If_Match": etag} | headers)
    )
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_request_is_filed_answered_and_closed(asking, asked, of):
    made = asking.post("requests", draft_for(of.asked))
    assert made.status_code == 201, made.text
    href = made.json["href"]
    assert made.headers["Location"] == href
    assert made.json["state"] == "draft"
    assert asked.get(href).status_code == 404
    assert step(asking, href, "submit", {"authorised": True})["state"] == "submitted"
    (listed,) = asked.get("requests").json["items"]
    assert listed["href"] == href
    can = {one["step"] for one in asked.get(f"{href}/transitions").json["items"]}
    assert {"acknowledge", "ask_clarification"} <= can
    assert step(asked, href, "acknowledge")["state"] == "acknowledged"
    search = {"register": "Makers", "years": "1990-2026", "key": "A1"}
    step(asked, href, "record_search", search | {"result": "NO_RECORD"})
    answer = {
        "outcome": "NO_RECORD",
        "registers": [{"register": "Makers", "years": "1990-2026"}],
        "handling": "H0",
    }
    assert step(asked, href, "respond", answer)["outcome"] == "NO_RECORD"
    whole = asking.get(href).json
    assert whole["content"]["markings"]["serial"] == "EX-1234-7"
    close = next(
        one
        for one in asking.get(f"{href}/transitions").json["items"]
        if one["step"] == "close"
    )
    wanted = {one["name"]: one["values"] for one in close["fields"] if one["required"]}
    assert "INTELLIGENCE" in wanted["used_in"]
    closing = {"used_in": "INTELLIGENCE", "diversion_established": "UNKNOWN"}
    assert closing.keys() == wanted.keys()
    assert step(asking, href, "close", closing)["state"] == "closed"
    steps = [one["step"] for one in asking.get(f"{href}/events").json["items"]]
    assert steps == ["submit", "acknowledge", "record_search", "respond", "close"]
    due = asking.get(f"{href}/deadlines").json["items"]
    assert due
    assert all(one["explanation"] for one in due)
    fed = asking.get("events").json
    assert [one["step"] for one in fed["items"]] == steps
    assert asking.get(f"events?after={fed['next']}").json["items"] == []
