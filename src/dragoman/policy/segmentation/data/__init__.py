"""What ends a sentence in which languages: tables for ``policy.segmentation.segmenter``.

Scope: data, one file for each family of languages, and ``marks`` for the characters. All languages
hold at once, because a text may change its language without notice. A word that would do harm in
another language is in a class that needs more evidence (``number``, ``unit``) or is listed with its
capital.
"""

from __future__ import annotations

from dragoman.policy.segmentation.data import germanic, others, romance, slavic
from dragoman.policy.segmentation.data.words import union

WORDS = union((*germanic.TABLES, *romance.TABLES, *slavic.TABLES, *others.TABLES))
"""The union over all languages, by the name of the field of ``words.Words``."""
