"""A small typed asyncio client for both realtime APIs, of this server and of the cloud alike.

Law of this package: it imports ``wire`` and ``audio`` at most, never the server's side.
"""

from dragoman.client.connection import LOCAL_URL
from dragoman.client.errors import (
    CannotConnect,
    ClientError,
    ConnectionLost,
    Refused,
    ServerError,
)
from dragoman.client.interpretation import InterpretClient
from dragoman.client.synthesis import SpeechClient

__all__ = [
    "LOCAL_URL",
    "CannotConnect",
    "ClientError",
    "ConnectionLost",
    "InterpretClient",
    "Refused",
    "ServerError",
    "SpeechClient",
]
