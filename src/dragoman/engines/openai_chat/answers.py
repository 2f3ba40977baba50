"""What a chat model wrote, without what does not belong to the translation.

Scope: pure text. Models think aloud, put a label or quotation marks around a translation, repeat
the source or add notes. Each is taken away only where the source gives no reason for it, because a
speaker may say such things, too. The source is one line.
"""

from __future__ import annotations

import re
from itertools import takewhile

from dragoman.text.continuation import without_false_stop
from dragoman.text.language_names import language_name
from dragoman.text.words import fold, without_controls

_TOKENS = re.compile(r"<\|[^|>]*\|>|<(?:start|end)_of_turn>|</?s>|<eos>")
_LABELS = (
    r"here(?:'s| is) (?:the|your|a) [^:：\n]{0,40}|(?:[\w()-]+ ){0,3}translation|traducción|"
    r"traduction|übersetzung|traduzione|tradução|перевод|翻译|译文|翻譯|譯文|翻訳|訳文|번역"
)
_COLON = re.compile(r"[^:：]{1,60}[:：]")
_NOTE_WORDS = r"(?:note|notes|nota|remarque|hinweis|anmerkung|примечание|注|注意|註)\s*[:：]"
_NOTE = re.compile(rf"\s*[(（\[]\s*{_NOTE_WORDS}.*$|^\W*{_NOTE_WORDS}.*$", re.IGNORECASE)
_QUOTES = {
    '"': '"',
    "“": "”",
    "„": "“",
    "«": "»",
    "「": "」",
    "『": "』",
    "'": "'",
    "‘": "’",
    "`": "`",
}
_ARROW = re.compile(r"\s*(?:->|→|=>|=|:|：)\s*")
_REFUSAL = re.compile(
    r"\W*(?:i(?:['’]m| am) (?:really |very )?sorry|i (?:can(?:['’]t|not)|am unable|am not able)|"
    r"as an ai|unfortunately, i|i apologi[sz]e)\b.{0,80}\b"
    r"(?:translat\w+|assist|help|comply|fulfil\w*|provide|language model|request)",
    re.IGNORECASE,
)
_SPEAKS_OF_ITSELF = re.compile(
    r"as an ai|language model|translat\w+ (?:this|that|the) |provide (?:a|the) translation",
    re.IGNORECASE,
)


class NoTranslation(ValueError):
    """The model wrote something else than a translation."""


def cleaned(answer: str, source: str, target: str) -> str:
    """The translation in an answer. ``target`` is the language tag. Raises ``NoTranslation``."""
    text = _TOKENS.split(_without_thoughts(answer).lstrip(), maxsplit=1)[0]
    text = _paragraph(text, source, target)
    if _refuses(text, target):
        raise NoTranslation("the model refused to translate")
    if label := _label(text, source, target):
        text = text[label.end() :]
    if not _NOTE.search(source):
        text = _NOTE.sub("", text)
    text = without_controls(text).strip()
    text = without_false_stop(_without_quotes(text, source), source).strip()
    if not text:
        raise NoTranslation("the model wrote no translation")
    return text


def _without_thoughts(answer: str) -> str:
    """What stands behind the thoughts; nothing if they do not end."""
    if "</think>" in answer:
        return answer.rpartition("</think>")[2]
    return answer.partition("<think>")[0]


def _paragraph(text: str, source: str, target: str) -> str:
    """The first paragraph that is a translation, in one line: neither a label alone nor the source
    again, and without lines of notes.
    """
    lines = [line.strip() for line in text.split("\n")]
    while len(lines) > 1 and any(lines[1:]) and _is_no_translation(lines[0], source, target):
        del lines[0]
    first = lines[0]
    arrow = _ARROW.match(first, len(source)) if first.startswith(source) else None
    if arrow is not None and arrow.end() < len(first):
        lines[0] = first[arrow.end() :]
    behind = takewhile(lambda line: line and not _NOTE.match(line), lines[1:])
    return " ".join([lines[0], *behind])


def _is_no_translation(line: str, source: str, target: str) -> bool:
    if not line or fold(line) == fold(source):
        return True
    label = _label(line, source, target)
    return label is not None and label.end() >= len(line)


def _label(text: str, source: str, target: str) -> re.Match[str] | None:
    """A label such as ``Translation:`` at the beginning, if the source has none."""
    if _COLON.match(source):
        return None
    labels = f"{_LABELS}|{re.escape(language_name(target) or target)}"
    return re.match(rf"\W*(?:{labels})\W{{0,3}}[:：]\W?\W?\s*", text, re.IGNORECASE)


def _without_quotes(text: str, source: str) -> str:
    closing, inside = _QUOTES.get(text[:1]), text[1:-1]
    if closing is None or len(text) < 3 or not text.endswith(closing):
        return text
    if source[:1] in _QUOTES or closing in inside or text[0] in inside:
        return text
    return inside.strip()


def _refuses(text: str, target: str) -> bool:
    """A refusal is in English. Into English, a speaker may say such a thing, so there it has to
    speak of itself.
    """
    if _REFUSAL.match(text) is None:
        return False
    return target != "en" or _SPEAKS_OF_ITSELF.search(text) is not None
