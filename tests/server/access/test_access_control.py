"""The parts of access together: what processes share, and what becomes of a full disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dragoman.protocol.core.commands import Used
from dragoman.protocol.core.principal import Principal
from dragoman.server.access.access_control import AccessControl, usage_path
from dragoman.server.access.key_file import write
from dragoman.server.access.keys import Key, KeyLimits, digest
from dragoman.server.access.usage_store import UsageStore
from dragoman.server.config import Config, ConfigError

ANN = Principal(key_id="ann")


def config(folder: Path, state_dir: str = "", **limits: int) -> Config:
    path = folder / "keys"
    write(path, [Key(name="ann", sha256=digest("a"), limits=KeyLimits(**limits))])
    return Config(api_keys_file=str(path), state_dir=state_dir)


def access(of: Config) -> AccessControl:
    return AccessControl(of, lambda *_: None, lambda _: 0)


def saved(folder: Path) -> int:
    found = UsageStore(usage_path(folder)).totals("2020-01-01").get("ann")
    return found.characters if found else 0


def test_processes_share_the_limits_of_a_key_and_its_tokens(tmp_path: Path) -> None:
    settings = config(tmp_path, connections=1)
    one, other = access(settings), access(settings)

    async def main() -> None:
        with one.session(ANN):
            await one.sync()
            await other.sync()
            excess = other.excess(ANN)
            assert excess is not None
            assert excess.limit == "connections"
        await one.close()
        await other.sync()
        assert other.excess(ANN) is None

    asyncio.run(main())
    key = one.ring.named("ann")
    assert other.key_of(one.tokens.make(key, 2**31)) == key


def test_what_cannot_be_saved_is_saved_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    control = access(config(tmp_path))
    kept = usage_path(tmp_path).with_name("elsewhere")

    async def main() -> None:
        with control.session(ANN) as session:
            assert session is not None
            session.on(Used(characters=5))
            usage_path(tmp_path).rename(kept)
            usage_path(tmp_path).mkdir()  # no database can be there
            await control.sync()
            usage_path(tmp_path).rmdir()
            kept.rename(usage_path(tmp_path))
            session.on(Used(characters=6))
        await control.close()

    asyncio.run(main())
    assert "could not be saved" in caplog.text
    assert saved(tmp_path) == 11


def test_usage_is_saved_while_the_server_runs_and_at_its_end(tmp_path: Path) -> None:
    control = access(config(tmp_path))

    async def main() -> None:
        with control.session(ANN) as session:
            assert session is not None
            session.on(Used(characters=5))
            fresh = asyncio.create_task(control.keep_fresh())
            async with asyncio.timeout(20):
                while saved(tmp_path) != 5:
                    await asyncio.sleep(0)
            session.on(Used(characters=1))
            fresh.cancel()
        await control.close()

    asyncio.run(main())
    assert saved(tmp_path) == 6


def test_a_folder_that_was_asked_for_must_be_usable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="state_dir"):
        access(config(tmp_path, state_dir=str(tmp_path / "file" / "below")))
    asked = tmp_path / "new" / "folder"
    access(config(tmp_path, state_dir=str(asked)))
    assert usage_path(asked).exists()


def test_without_a_usable_folder_usage_ends_with_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    usage_path(tmp_path).mkdir()
    control = access(config(tmp_path, characters=5))
    assert "set state_dir to keep it" in caplog.text
    with control.session(ANN) as session:
        assert session is not None
        session.on(Used(characters=5))
    assert control.excess(ANN) is not None


def test_an_open_server_writes_nothing(tmp_path: Path) -> None:
    control = access(Config(state_dir=str(tmp_path)))
    asyncio.run(control.keep_fresh())
    asyncio.run(control.close())
    assert list(tmp_path.iterdir()) == []
