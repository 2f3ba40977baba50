"""Reading aloud, inside a line: links, code, emphasis, tags, entities, addresses, emoji.

Scope: pure functions on text, each linear in it. Characters that code and backslashes protect are
first mapped into the private use area, whose own characters nobody can read, and mapped back last;
then whatever still looks like a command to an engine is broken up.
"""

from __future__ import annotations

import html
import re

from dragoman.policy.reading.markup_data import (
    COMMANDS,
    CONTROLS,
    INLINE_TAGS,
    INVISIBLE,
    PICTURE,
    TIGHT,
    TOP_DOMAINS,
    UNREADABLE,
    ZERO_WIDTH,
)
from dragoman.text.characters import TEXT_PICTOGRAPHS
from dragoman.text.scripts import is_dense

MARKED = re.compile(
    rf"[*_#`~\[\]<>&|\\{UNREADABLE}{PICTURE}]|://|www\.|mailto:|\w\.\w{{2,}}/|==|[\n\u2028\u2029]"
)
"""Anything that plain text lacks: text without a match is read as it is."""

_TO_PRIVATE = {code: 0xE000 + code for code in range(0x21, 0x7F) if not chr(code).isalnum()}
_FROM_PRIVATE = {private: code for code, private in _TO_PRIVATE.items()}
_FROM_PRIVATE[0xE020] = 0x20

_UNREADABLE_CHARS = re.compile(f"[{UNREADABLE}]")
_SPAN = re.compile(r"(?<!`)(`{1,8})(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
_ADDRESS_LINK = re.compile(
    r"<((?:https?|ftp|wss?)://[^\s<>]+|(?:mailto:)?[^\s<>@]+@[^\s<>@]+)>", re.I
)
_ATTRIBUTES = r"(?:\s+[\w:.@-]+(?:\s*=\s*(?:\"[^\"]{0,400}\"|'[^']{0,400}'|[^\s\"'<>]{1,400})))"
_TAG = re.compile(rf"<[/?!]?[A-Za-z][\w:.-]{{0,40}}{_ATTRIBUTES}{{0,20}}\s*[/?]?>")
_TAG_NAME = re.compile(r"[A-Za-z][\w:.-]*")
_OPEN_TAG = re.compile(r"<(?=[/?!]?[A-Za-z])")
_COMMAND = re.compile(rf"<(?=\s*[/?!]?\s*(?:{'|'.join(COMMANDS)})\b)", re.IGNORECASE)
_PAREN = r"\((?:<[^<>]*>|(?:[^()\s]|\([^()\s]*\))*)(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^)]*\)))?\s*\)"
_IMAGE = re.compile(rf"!\[([^\[\]]*)\](?:{_PAREN}|\[[^\[\]]*\])")
_LINK = re.compile(rf"\[((?:[^\[\]]|\[[^\[\]]*\])*)\](?:{_PAREN}|\[[^\[\]^][^\[\]]*\]|\[\])")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,40}\]|(?<=[.!?,;。！？，”\"])\[\d{1,3}\](?:\[\d{1,3}\])*")
_TAIL = r"[!$%&'()*+,./:;=?@A-Za-z0-9_~#\[\]-]"
_URL = re.compile(
    r"(?<![A-Za-z0-9])(?:https?|ftp|wss?)://(?:[^\s/@<>\"]*@)?([A-Za-z0-9\u00c0-\u052f._-]+|[^\s/:?#<>\"'()\[\]，。！？；、]+)"
    rf"(?::\d+)?(?:[/?#]{_TAIL}*)?",
    re.IGNORECASE,
)
_WWW = re.compile(
    rf"(?<![\w.-])www\.((?:[A-Za-z0-9\u00c0-\u052f-]+\.)+[A-Za-z0-9\u00c0-\u052f-]+)(?::\d+)?(?:[/?#]{_TAIL}*)?",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"(?<![\w@./-])((?:[A-Za-z0-9-]+\.)+(?:{'|'.join(TOP_DOMAINS)}))(?::\d+)?/{_TAIL}*"
)
_URL_END = ".,;:!?'\")]}*_~"
_MAILTO = re.compile(r"(?<![A-Za-z0-9])mailto:(?=\S+@)", re.IGNORECASE)
_STARS = re.compile(r"\*+")
_UNDERSCORES = re.compile(r"_+")
_STRIKES = re.compile(r"~~+")
_HIGHLIGHT = re.compile(r"==(?=\S)|(?<=\S)==")
_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")
_PICTURES = re.compile(
    f" ?(?:[{TEXT_PICTOGRAPHS}\u2194-\u2199\u21a9\u21aa\u2934\u2935\u00a9\u00ae]\ufe0f|"
    f"[{PICTURE}])(?:[{PICTURE}]|\u200d(?=[{PICTURE}]))*"
)
_DOUBLE_BRACKETS = re.compile(r"\[\s*\[+|\]\s*\]+")


def read_inline(text: str) -> str:
    """What a person would say for a line, or a part of one, without its line marks."""
    if MARKED.search(text) is None:
        return text.strip()
    text = _KEYCAP.sub(r"\1", text)
    text = _UNREADABLE_CHARS.sub(_visible, text)
    if "`" in text:
        text = _SPAN.sub(lambda span: _protected(span[2]), text).replace("`", "")
    if "\\" in text:
        text = _ESCAPE.sub(lambda escape: _protected(escape[1]), text)
    text = _links(_tags(text))
    if "&" in text:
        text = _UNREADABLE_DECODED.sub(" ", html.unescape(text))
    text = _emphasis(_addresses(text))
    text = _without_pictures(text)
    return _without_commands(text.translate(_FROM_PRIVATE)).strip()


def _visible(char: re.Match[str]) -> str:
    """Nothing for an unreadable character without width, else a space."""
    return "" if char[0] in ZERO_WIDTH else " "


def _protected(text: str) -> str:
    return text.translate(_TO_PRIVATE)


def _tags(text: str) -> str:
    if "<" not in text:
        return text
    text = _COMMENT.sub(" ", text)
    text = _ADDRESS_LINK.sub(r"\1", text)
    return _OPEN_TAG.sub("< ", _TAG.sub(_gap_of_tag, text))


def _gap_of_tag(tag: re.Match[str]) -> str:
    name = _TAG_NAME.search(tag[0])
    return "" if name and name[0].lower() in INLINE_TAGS else " "


def _links(text: str) -> str:
    if "[" not in text:
        return text
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    return _FOOTNOTE.sub("", text)


def _addresses(text: str) -> str:
    if "://" in text:
        text = _URL.sub(_host, text)
    if "www." in text or "WWW." in text:
        text = _WWW.sub(_host, text)
    if "/" in text:
        text = _BARE.sub(_host, text)
    return _MAILTO.sub("", text) if "mailto:" in text.lower() else text


def _host(url: re.Match[str]) -> str:
    """The host, and the punctuation behind the address that the pattern took with it."""
    whole = url[0]
    bare = whole.rstrip(_URL_END)
    behind = whole[len(bare) :]
    if behind.startswith(")") and bare.count("(") > bare.count(")"):
        behind = behind[1:]
    host = url[1].rstrip(".-_")
    return (host[4:] if host.lower().startswith("www.") else host) + behind


def _emphasis(text: str) -> str:
    if "*" in text:
        text = _STARS.sub(lambda run: _run(run, text), text)
    if "_" in text:
        under = text
        text = _UNDERSCORES.sub(lambda run: _run(run, under), text)
    if "~~" in text:
        text = _STRIKES.sub("", text)
    return _HIGHLIGHT.sub("", text) if "==" in text else text


def _run(run: re.Match[str], text: str) -> str:
    """A run of stars or underscores: dropped as emphasis, or itself."""
    before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
    is_word = _is_word(before) and _is_word(after)
    if run[0][0] == "_":
        return run[0] if is_word else ""
    if before.isspace() and after.isspace():
        return run[0] if len(run[0]) == 1 else ""
    if is_word and (len(run[0]) == 1 or (before.isdigit() and after.isdigit())):
        return run[0]
    return ""


def _is_word(char: str) -> bool:
    return char.isalnum() and not is_dense(char)


def _without_pictures(text: str) -> str:
    if text.isascii():
        return text
    return _PICTURES.sub(lambda picture: _gap_of_picture(picture, text), text)


def _gap_of_picture(picture: re.Match[str], text: str) -> str:
    """A space for a picture, since it separates words; nothing in front of a mark."""
    return "" if text[picture.end() : picture.end() + 1] in TIGHT else " "


def _without_commands(text: str) -> str:
    """The text without anything that an engine could take for markup."""
    if "<" in text:
        text = _COMMAND.sub("< ", text)
    while "[" in text or "]" in text:
        broken = _DOUBLE_BRACKETS.sub(" ", text)
        if broken == text:
            break
        text = broken
    return text


_UNREADABLE_DECODED = re.compile(f"[{CONTROLS}{INVISIBLE}\ud800-\udfff]")
