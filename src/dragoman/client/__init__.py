"""A small typed asyncio client for the realtime APIs, of this server and of the cloud.

Scope: it uses the event types of ``protocol`` and the files of ``audio``, never the server's side.
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
