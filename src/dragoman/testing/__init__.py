"""For test suites, yours and ours: Dragoman as a local double of the cloud, and strict judges.

* ``serve`` starts a real server in a process of its own; with scripted engines it is ready in
  about a second and always gives the same answers.
* ``recording_relay`` logs what any client and server send each other.
* ``validate_synthesis``, ``validate_interpretation`` and ``validate_recognition`` check such a log
  against the protocol.
* ``transcript_player`` plays a session that is written as text, without any server.
* ``pytest_plugin`` has the fixtures that pytest finds by itself.

Scope of this package: no test needs pytest to use it, and importing it loads no engine.
"""

from dragoman.testing.live_server import LiveServer, serve
from dragoman.testing.validators.interpretation import validate_interpretation
from dragoman.testing.validators.recognition import validate_recognition
from dragoman.testing.validators.rules import Violation
from dragoman.testing.validators.synthesis import validate_synthesis

__all__ = [
    "LiveServer",
    "Violation",
    "serve",
    "validate_interpretation",
    "validate_recognition",
    "validate_synthesis",
]
