"""A disk that is full, of bytes or of files: no row without its file, then on it goes."""

import contextlib
import os

import pytest
from sqlalchemy import func, select

from bench.faults.disk import NoDisk, disk
from tests import factories
from tests.factories import files
from tracing.accounts.actors import actor_of
from tracing.adapters.folder import FolderStore
from tracing.casework import attachments
from tracing.casework.attachments import STORE, Given
from tracing.extensions import db
from tracing.models import Attachment
from tracing.ports import StoreFull


@pytest.fixture
def store(app, tmp_path):
    """The store of the application, on a disk of eight megabytes."""
    with contextlib.ExitStack() as leaving:
        try:
            made = leaving.enter_context(disk(tmp_path / "disk", 8))
        except NoDisk as error:
            pytest.skip(f"no disk of our own: {error}")
        app.extensions[STORE] = FolderStore(made.mounted / "files")
        yield app.extensions[STORE]


def fill_with_bytes(folder):
    """Leave no block."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", 0) as out:
        while out.write(bytes(4096)):
            pass


def fill_with_files(folder):
    """Leave no inode."""
    (folder / "fillers").mkdir()
    with contextlib.suppress(OSError):
        for number in range(100_000):
            os.close(os.open(folder / "fillers" / str(number), os.O_CREAT))


def make_room(folder):
    """Take away what filled the disk."""
    (folder / "filler").unlink(missing_ok=True)
    for path in folder.glob("fillers/*"):
        path.unlink()


@pytest.mark.parametrize("fill", [fill_with_bytes, fill_with_files])
def test_a_full_disk_keeps_no_row_and_goes_on_once_there_is_room(session, store, fill):
    actor = actor_of(factories.sides().investigator)

    def send(width):
        given = Given("a.png", files.png((width, 40)))
        attachments.receive(actor, given, form_key="a-form")

    send(100)
    fill(store.root.parent)
    with pytest.raises(StoreFull):
        send(200)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Attachment)) == 1
    kept = {name for name, _ in store.kept()}
    make_room(store.root.parent)
    send(300)
    rows = db.session.scalars(select(Attachment)).all()
    named = {name for row in rows for name in (row.stored, row.thumbnail) if name}
    assert len(rows) == 2
    assert kept < named
    assert named == {name for name, _ in store.kept()}
