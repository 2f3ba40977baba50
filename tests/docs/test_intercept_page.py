"""``docs/intercept.md``: its blocks run, one after the other, and it names every host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dragoman.intercept.names import CLOUD_HOSTS
from dragoman.testing.live_server import LiveServer, environment

PAGE = (Path(__file__).parents[2] / "docs" / "intercept.md").read_text("utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_blocks_run(scripted_server: LiveServer, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    (tmp_path / "app.py").write_text(
        "import os; print(os.environ['https_proxy'], os.environ['WEBSOCKET_CLIENT_CA_BUNDLE'])"
    )
    env = environment(url=scripted_server.url) | {"XDG_DATA_HOME": str(tmp_path)}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    assert len(BLOCKS) == 2
    folder = tmp_path / "dragoman" / "intercept"
    for block, is_there in zip(BLOCKS, (True, False), strict=True):
        done = subprocess.run(
            ["bash", "-ec", block],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert folder.exists() == is_there
        assert (str(folder / "ca.pem") in done.stdout) == is_there


def test_every_host_is_named() -> None:
    for host in CLOUD_HOSTS:
        name = host.removesuffix(".maas.aliyuncs.com").removesuffix(".aliyuncs.com")
        assert f"`{name.removeprefix('*.')}`" in PAGE
