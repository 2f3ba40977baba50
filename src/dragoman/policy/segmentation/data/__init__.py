"""What ends a sentence, in which languages: tables for ``policy.segmentation.segmenter``.

Law of this package: data only, one file for each family of languages, and ``marks`` for the
characters. All languages hold at once, for a text may change its language in the middle and
nobody says so; a word that would do harm in another language is in a class that asks for more
proof (``number``, ``unit``) or stands with its capital.
"""

from __future__ import annotations

from dragoman.policy.segmentation.data import germanic, others, romance, slavic
from dragoman.policy.segmentation.data.words import together

WORDS = together((*germanic.TABLES, *romance.TABLES, *slavic.TABLES, *others.TABLES))
"""The union over all languages, by the name of the field of ``words.Words``."""
