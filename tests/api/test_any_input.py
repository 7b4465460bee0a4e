"""Whatever comes, an operation answers as its description says, and never breaks."""

import json
import re
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.programs import numbers, program
from tracing.api import documents
from tracing.api.shapes import EXAMPLES
from workflows.policies import WITHIN_AN_AUTHORITY
from workflows.states import Trigger

WORDS = st.text(max_size=40) | st.sampled_from(
    ("", "\x00", "' OR 1=1 --", "%s", "../..", "\ud7ff\U0010ffff", "١٢٣", "=1+1", "🔫")
)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | WORDS
)
ANY = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4)
    ),
    max_leaves=8,
)
QUERIES = ("", "?limit=2", "?limit=x", "?x=1", "?cursor=a%00", "?name=%00", "?kind=%00")
BODIES = [one for name, one in EXAMPLES.items() if isinstance(one, dict)]


@st.composite
def bent(draw):
    """An example of ours, with something else at one place of it."""
    made = deepcopy(draw(st.sampled_from(BODIES)))
    here = made
    while isinstance(here, dict) and here:
        name = draw(st.sampled_from(sorted(here)))
        if not isinstance(here[name], dict) or draw(st.booleans()):
            here[name] = draw(ANY)
            break
        here = here[name]
    return made


@pytest.fixture
def client(app, of):
    """A program that may do everything, at the side that asks."""
    return program(app, factories.person(of.asking, *WITHIN_AN_AUTHORITY))


@pytest.fixture
def places(app, of, client):
    """What stands in the addresses: of one's own, and made up."""
    request = factories.after(of, Trigger.SUBMIT, Trigger.ACKNOWLEDGE)
    return {
        "reference": [request.reference, factories.draft(of).reference, "nope", "%00"],
        "step": [*Trigger, "nope"],
        "section": ["markings", "persons", "nope", "%00"],
        "token": ["x" * 32, "0" * 32, "%00"],
        "code": [of.asked.code, "%00"],
        "number": ["1", "99999999999"],
        "key": ["0" * 32, "%00"],
    }


def operations(app):
    return [
        (path, method.upper(), said)
        for path, methods in documents.described(app)["paths"].items()
        for method, said in methods.items()
        if isinstance(said, dict)
    ]


def test_every_answer_is_one_that_is_described(app, client, places):
    every = operations(app)

    @settings(
        max_examples=120,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.sampled_from(every), ANY | bent() | bent(), st.data())
    def try_it(operation, body, data):
        path, method, said = operation
        names = re.findall(r"{(\w+)}", path)
        known = {n: data.draw(st.sampled_from(places[n])) for n in names}
        etag = data.draw(st.sampled_from(["", '"x"', "*"]))
        query = data.draw(st.sampled_from(QUERIES))
        headers = {"Idempotency_Key": f"any-{next(numbers)}", "If_Match": etag}
        sent = json.dumps(body).encode() if method != "GET" else None
        answer = client.call(method, path.format(**known) + query, sent, **headers)
        status = answer.status_code
        assert status < 500, (operation[:2], answer.text)
        assert str(status) in said["responses"], (operation[:2], status, answer.text)
        if status >= 400:
            assert answer.mimetype == "application/problem+json"

    try_it()


@pytest.mark.parametrize("end", ["%00", "%0A", "%E2%80%AE", "a%00b"])
def test_what_no_address_of_ours_holds_is_not_there(client, places, end):
    for path in (
        f"requests/{end}",
        f"requests/{places['reference'][0]}/sections/{end}",
        f"requests/{places['reference'][0]}/look-ups/{end}",
        f"files/{end}",
        f"searches/{end}",
        f"authorities/{end}",
    ):
        assert client.get(path).json["code"] == "not_found", path


@pytest.mark.parametrize(
    "address",
    [
        "requests?cursor=a%00",
        "requests?country=KE%00",
        "requests?country=KEN",
        "authorities?language=en%00",
        "authorities?instrument=%00",
        "journal?kind=%00",
        "journal?reference=%00",
        "events?after=a%00",
    ],
)
def test_a_query_is_good_to_its_end(client, address):
    assert client.get(address).json["code"] == "bad_query"
