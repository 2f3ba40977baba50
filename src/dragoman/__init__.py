"""Dragoman: a self-hosted server for the Qwen realtime WebSocket APIs.

Importing this package is cheap on purpose: engine worker processes import it too, and
``dragoman serve --engines scripted`` must be ready in under a second. Public names live in
their own modules: ``dragoman.client``, ``dragoman.engines.base``, ``dragoman.testing``,
``dragoman.speech``.
"""

__version__ = "0.1.0"
