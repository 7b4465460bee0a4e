"""Who may do what is written down once, and every page is held to it."""

import pytest

from tests.isolation import matrix
from workflows.states import Trigger


def test_every_page_has_its_row_and_every_row_its_page(app):
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints == set(matrix.policy()["routes"])
    assert set(matrix.policy()["steps"]) == {*Trigger} - {Trigger.SUBMIT}


@pytest.mark.parametrize("state", matrix.STATES)
def test_each_cell_is_as_the_policy_says(app, session, everything, state):
    room = matrix.room(app)
    matrix.run(room, state, everything)
    assert room.cells > 300
    assert room.wrong == []
