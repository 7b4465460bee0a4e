"""The file store: whole or not at all, under names nobody can guess."""

import os
import re
import stat

import pytest

from tracing.adapters.folder import FolderStore
from tracing.ports import StoreFull


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "files")


def test_a_file_comes_back_as_it_went_in(store):
    name = store.put(b"content")
    assert store.get(name) == b"content"
    assert re.fullmatch(r"[0-9a-f]{40}", name)
    assert [kept for kept, _since in store.kept()] == [name]


def test_the_same_content_twice_has_two_names(store):
    assert store.put(b"content") != store.put(b"content")


def test_only_the_owner_may_read(store):
    name = store.put(b"content")
    path = store.root / name[:2] / name[2:4] / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_removed_is_gone_and_may_be_removed_again(store):
    name = store.put(b"content")
    store.remove(name)
    store.remove(name)
    with pytest.raises(FileNotFoundError):
        store.get(name)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "\0", "a" * 39, "A" * 40])
def test_a_name_that_is_none_of_ours_is_no_file(store, name):
    with pytest.raises(FileNotFoundError):
        store.get(name)


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_leaves_nothing_behind(store, monkeypatch, call):
    full = OSError(28, "No space left on device")

    def fails(*_given):
        raise full

    with monkeypatch.context() as patch:
        if call == "fsync":
            patch.setattr(os, "fsync", fails)
        else:
            patch.setattr(os, "fdopen", fails)
        with pytest.raises(StoreFull):
            store.put(b"content")
    assert list(store.kept()) == []
