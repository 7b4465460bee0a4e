"""Marks in the store: kept with their keys, found again by every rung of the ladder."""

import pytest
from marshmallow import ValidationError
from sqlalchemy import select, text

from tests import factories
from tracing.casework import queries
from tracing.extensions import db
from tracing.models import Marking
from tracing.models.keys import answers, key_columns
from workflows.markings import parse
from workflows.matching import asked, climb
from workflows.ranking import Traits
from workflows.vocabulary import RestorationMethod, Rung

SAME = Traits("Example Arms", "A1", "9x18", "BR")


@pytest.fixture
def item(of):
    return factories.draft(of).item


def filed(of, **changes):
    request = factories.draft(of, **changes)
    db.session.commit()
    return request.reference


def stored(item, *texts):
    """Give an item these marks alone."""
    item.markings = [
        Marking(position=n, type="SERIAL", text=mark) for n, mark in enumerate(texts, 1)
    ]
    db.session.commit()


def climbed(mark):
    def rows(ask):
        query = select(Marking.text, Marking.text).where(answers(Marking, ask))
        return db.session.execute(query)

    return {found: hit.rung for found, hit in climb(parse(mark), rows)}


def test_a_mark_keeps_its_keys_and_how_it_was_restored(item):
    mark = item.serial
    assert mark.text == "АВ 04?7 К"
    assert (mark.normalised, mark.folded, mark.reversed) == (
        "АВ04?7К",
        "A804*7K",
        "K7*408A",
    )
    assert mark.method is RestorationMethod.VISUAL
    mark.text = "AB-12"
    assert (mark.normalised, mark.folded, mark.reversed) == ("AB12", "A812", "218A")
    mark.text = "△"
    assert (mark.normalised, mark.folded, mark.reversed) == (None, None, None)


def test_every_rung_finds_its_marks_and_no_others(item):
    stored(item, "AX-1234", "АХ1234", "AX124", "AX12Ж34", "XA1234", "A?12*", "ZZ9999")
    assert climbed("ax 1234") == {
        "AX-1234": Rung.EXACT,
        "АХ1234": Rung.FOLDED,
        "AX124": Rung.ONE_ERROR,
        "AX12Ж34": Rung.ONE_ERROR,
        "XA1234": Rung.ONE_ERROR,
        "A?12*": Rung.PATTERN,
    }
    for pattern in ("AX?234", "*1234", "AX*234", "AX*", "[AZ][XZ]1234"):
        assert {"AX-1234", "АХ1234"} <= set(climbed(pattern)), pattern
        assert "ZZ9999" not in climbed(pattern)
    assert climbed("*X*") == {}


def test_long_marks_one_error_apart_are_found_by_their_halves(item):
    long = "AX1234567890" * 3
    stored(item, long[:-1], "9" + long[1:], long[:17] + long[18] + long[17] + long[19:])
    assert set(climbed(long).values()) == {Rung.ONE_ERROR}
    assert len(climbed(long)) == 3


def test_each_question_is_answered_by_an_index_alone(item):
    db.session.execute(text("ANALYZE"))
    sqlite = db.engine.dialect.name == "sqlite"
    if not sqlite:
        db.session.execute(text("SET enable_seqscan = off"))
    for mark in ("AX1234", "AX?1234", "*4567", "AX*567", "AX*"):
        for ask in asked(parse(mark)):
            query = select(Marking.id).where(answers(Marking, ask))
            compiled = query.compile(db.engine)
            plan = db.session.connection().exec_driver_sql(
                ("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + str(compiled),
                bound(compiled),
            )
            words = " ".join(str(part) for row in plan for part in row)
            assert "ix_marking_folded" in words or "ix_marking_reversed" in words


def bound(compiled):
    values = {
        name: process(compiled.params[name])
        for name, process in compiled._bind_processors.items()
    }
    values = compiled.params | values
    if compiled.positional:
        return tuple(values[name] for name in compiled.positiontup)
    return values


def test_a_bulk_load_takes_the_same_keys():
    assert key_columns("АВ-12") == {
        "normalised": "АВ12",
        "folded": "A812",
        "reversed": "218A",
    }
    assert set(key_columns(None).values()) == {None}


def test_requests_about_what_may_be_the_same_item_come_the_likeliest_first(of):
    other = filed(of, markings_serial="AX-12 34", item_make="Another Maker")
    right = filed(of, markings_serial="АХ12З4")
    near = filed(of, markings_serial="AX1235")
    filed(of, markings_serial="XX9999")
    found = queries.marked_like(factories.actor_of(of.investigator), "ax12?4", SAME)
    assert [one.what for one in found] == [right, other]
    found = queries.marked_like(factories.actor_of(of.investigator), "AX1234", SAME)
    assert [one.what for one in found] == [right, other, near]
    assert [one.hit.rung for one in found] == [
        Rung.FOLDED,
        Rung.EXACT,
        Rung.ONE_ERROR,
    ]


def test_a_mark_of_another_authority_is_found_by_nobody_else(of):
    filed(of, markings_serial="AX1234")
    stranger = factories.actor_of(factories.sides().investigator)
    asked_one = factories.actor_of(of.officer)
    assert queries.marked_like(stranger, "AX1234", SAME) == []
    assert queries.marked_like(asked_one, "AX1234", SAME) == []


def test_a_sign_that_is_no_pattern_is_refused_where_it_stands(of):
    form = factories.complete_form(of.asked, markings_serial="AB[0-9]")
    with pytest.raises(
        ValidationError, match=r"a range is not understood \(position 5\)"
    ):
        factories.loaded(form)
