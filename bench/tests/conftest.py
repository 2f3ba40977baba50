"""What every test of the benchmarks may use: the fixtures of the server's tests."""

from tests.conftest import anyio_backend, embedded_server, scripted_server

__all__ = ["anyio_backend", "embedded_server", "scripted_server"]
