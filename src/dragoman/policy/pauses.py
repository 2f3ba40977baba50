"""How long a silence in speech has to be to mean something. Media time."""

SOFT_PAUSE_MS = 300
"""Silence after which held-back words are committed and a clause may be cut."""

SENTENCE_PAUSE_MS = 700
"""Silence after which a full stop that a recogniser wrote is believed."""
