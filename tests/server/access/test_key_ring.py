"""Which keys are valid, and what a change of the file does."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.server.access.key_file import write
from dragoman.server.access.key_ring import KeyRing
from dragoman.server.access.keys import Key, digest
from dragoman.server.config import ConfigError


def key(name: str, secret: str) -> Key:
    return Key(name=name, sha256=digest(secret))


def named(ring: KeyRing, secret: str) -> str | None:
    found = ring.find(secret)
    return found.name if found else None


def plain(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_without_keys_the_server_is_open() -> None:
    assert KeyRing((), None).is_open
    assert not KeyRing(("sk-one",), None).is_open


def test_keys_are_named_by_their_place(tmp_path: Path) -> None:
    ring = KeyRing(("sk-one", "sk-two"), plain(tmp_path / "keys", "sk-three"))
    assert [named(ring, f"sk-{n}") for n in ("one", "two", "three")] == ["key1", "key2", "key3"]
    for wrong in ("", "sk-on", "sk-one2", "sk-one ", "\udcff"):
        assert ring.find(wrong) is None


def test_a_managed_file_without_keys_is_refused_at_the_start(tmp_path: Path) -> None:
    write(tmp_path / "keys", ())
    with pytest.raises(ConfigError, match="dragoman keys add --file"):
        KeyRing((), tmp_path / "keys")


def test_a_changed_file_counts_but_is_looked_at_once_a_second(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    write(path, [key("ann", "a")])
    ring = KeyRing((), path)
    assert not ring.refresh(100.0)
    write(path, [key("ann", "a"), key("bob", "b")])
    assert not ring.refresh(100.5)
    assert ring.find("b") is None
    assert ring.refresh(101.5)
    assert named(ring, "b") == "bob"
    assert not ring.refresh(103.0)


def test_revoking_the_last_key_does_not_open_the_server(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    write(path, [key("ann", "a")])
    ring = KeyRing((), path)
    write(path, ())
    assert ring.refresh(10.0)
    assert ring.find("a") is None
    assert not ring.is_open


@pytest.mark.parametrize("what", ["gone", "broken", "empty", "writable"])
def test_a_file_that_cannot_be_used_keeps_the_keys(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = plain(tmp_path / "keys", "sk-one")
    ring = KeyRing((), path)
    if what == "gone":
        path.unlink()
    elif what == "writable":
        path.chmod(0o666)
    else:
        path.write_text("{" if what == "broken" else "")
    assert not ring.refresh(10.0)
    assert not ring.refresh(20.0)
    assert named(ring, "sk-one") == "key1"
    assert caplog.text.count("stay as they were") == 1
    path.unlink(missing_ok=True)
    plain(path, "sk-two")
    assert ring.refresh(30.0)
    assert (named(ring, "sk-one"), named(ring, "sk-two")) == (None, "key1")
