"""An authority shows how its State marks; all who sign in see it."""

from io import BytesIO

import pytest
from sqlalchemy import select

from tests import factories
from tests.factories import files
from tests.visitors import shown
from tracing.extensions import db
from tracing.models import MarkingPicture
from tracing.upkeep import showing
from workflows.policies import Role


def add(desk, account, content: bytes, name: str = "proof.png"):
    form = {"picture": (BytesIO(content), name), "title": "Left side"}
    where = desk.page("/pictures")
    return desk.visit(account).post(where, form, content_type="multipart/form-data")


def one() -> MarkingPicture:
    db.session.commit()
    return db.session.scalars(select(MarkingPicture)).one()


def test_a_picture_is_added_seen_by_others_and_removed(desk):
    assert add(desk, desk.one, files.png((40, 30))).status_code == 303
    made = one()
    other = desk.visit(desk.other)
    assert "Left side" in other.get(desk.page()).text
    for suffix in ("", "/small"):
        answer = other.get(f"/points-of-contact/picture/{made.token}{suffix}")
        assert answer.status_code == 200
        assert answer.mimetype in ("image/png", "image/jpeg")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    where = desk.page(f"/pictures/{made.token}/remove")
    assert other.post(where).status_code == 403
    keeper = factories.person(desk.other.authority, Role.MAINTAINER)
    assert desk.visit(keeper).post(where).status_code == 403
    assert desk.visit(desk.two).post(where).status_code == 303
    assert db.session.scalar(select(MarkingPicture.id)) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "This file is empty"),
        (b"GIF89a", "Choose a picture (JPEG or PNG)"),
        (b"%PDF-1.4", ""),
        (b"\x89PNG\r\n\x1a\nbroken", "cannot be read to its end"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(desk, content, said):
    answer = add(desk, desk.one, content)
    assert answer.status_code == 422
    assert said in shown(answer.text)
    assert db.session.scalar(select(MarkingPicture.id)) is None


def test_nobody_shows_marks_for_another_authority(desk):
    keeper = factories.person(desk.other.authority, Role.MAINTAINER)
    assert add(desk, keeper, files.png((40, 30))).status_code == 403
    assert add(desk, desk.other, files.png((40, 30))).status_code == 403


def test_there_are_so_many_pictures_and_no_more(desk, session, monkeypatch):
    monkeypatch.setattr(showing, "MOST", 1)
    assert add(desk, desk.one, files.png((40, 30))).status_code == 303
    again = add(desk, desk.one, files.png((41, 30)))
    assert again.status_code == 422
    assert "Remove a picture first" in shown(again.text)
