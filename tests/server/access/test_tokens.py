"""Temporary tokens: who has one, until when, and who cannot make one."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dragoman.server.access.keys import Key, digest
from dragoman.server.access.tokens import Tokens, fresh_secret, kept_secret, secret_from

ANN = Key(name="ann", sha256=digest("a"))
BOB = Key(name="bob", sha256=digest("b"))
SECRET = fresh_secret()
TOKENS = Tokens(SECRET)


def keys(*valid: Key) -> Callable[[str], Key | None]:
    return {key.name: key for key in valid}.get


def test_a_token_stands_for_its_key_until_it_ends() -> None:
    token = TOKENS.make(ANN, 1000)
    assert token.startswith("st-")
    assert TOKENS.key_of(token, keys(ANN, BOB), 999.9) == ANN
    assert TOKENS.key_of(token, keys(ANN, BOB), 1000) is None


def test_another_process_with_the_secret_knows_it_and_nobody_else() -> None:
    token = TOKENS.make(ANN, 1000)
    assert Tokens(SECRET).key_of(token, keys(ANN), 1) == ANN
    assert Tokens(fresh_secret()).key_of(token, keys(ANN), 1) is None


def test_a_revoked_or_replaced_key_takes_its_tokens_along() -> None:
    token = TOKENS.make(ANN, 1000)
    assert TOKENS.key_of(token, keys(BOB), 1) is None
    assert TOKENS.key_of(token, keys(Key(name="ann", sha256=digest("new"))), 1) is None


def test_a_changed_token_is_none() -> None:
    token = TOKENS.make(ANN, 1000)
    signed = bytearray(base64.urlsafe_b64decode(token[3:] + "=" * (-len(token[3:]) % 4)))
    for place in range(len(signed)):
        signed[place] ^= 1
        changed = "st-" + base64.urlsafe_b64encode(signed).decode().rstrip("=")
        assert TOKENS.key_of(changed, keys(ANN, BOB), 1) is None
        signed[place] ^= 1


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_nonsense_is_no_token(text: str) -> None:
    assert TOKENS.key_of("st-" + text, keys(ANN), 1) is None


def test_servers_with_the_same_keys_in_their_settings_know_each_others_tokens() -> None:
    token = Tokens(secret_from(("a", "b"))).make(ANN, 1000)
    assert Tokens(secret_from(("a", "b"))).key_of(token, keys(ANN), 1) == ANN
    assert Tokens(secret_from(("a", "c"))).key_of(token, keys(ANN), 1) is None


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(kept_secret, [path] * 32))
    assert len(found) == 1
    assert len(found.pop()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
