"""Random hostile texts, the same in every run.

No lone surrogates are in them: the wire makes U+FFFD of those before an engine sees a text.
"""

from __future__ import annotations

import random

from dragoman.protocol.core.client_text import whole

MARKUP = (
    "<speak>", "</speak>", '<break time="10s"/>', '<prosody rate="x-slow">', "<!--", "<![CDATA[",
    "&lt;speak&gt;", "&#0;", "[[h@loU]]", "[[", "]]", "\x01", "\x0110S", "\x1b[31m", "\x1b]0;x\x07",
    "<SABLE>", "(voice_kal_diphone)", "\\pau=9999\\", "{{", "}}", "`" * 3, "**", "{pause}",
)  # fmt: skip
UNSEEN = (
    "\0\x07\x08\x0b\x0c\x7f\x85\xad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a"
    "\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\ufff9\ufffb\ufffd\ufffe\uffff"
    "\ufe0f\u034f\u115f\u3164\ue000\U000e0041\U000e007f\U000e0101\U0010ffff\ud800\udc00\ud83d"
)
SCRIPTS = (
    "abcdefghijklmnopqrstuvwxyz", "AEIOU", "0123456789", "äéñøßčőřž", "привет мир", "γειά σου",
    "今天天气很好我们去公园", "兄穷熊", "こんにちはカタカナ", "漢字仮名交", "안녕하세요",
    "مرحبا", "שלום", "नमस्ते", "สวัสดี", "😀🎉👍🏽👨\u200d👩\u200d👧🇩🇪",
    "𝗼𝗻𝗲ｆｕｌｌ①½²℃ﬁ", "\u0301\u0316\u0323\u0489\u20dd",
)  # fmt: skip
MARKS = " \t\n.,;:!?…。、！？-—_()[]{}<>«»“”'\"/\\|@#$%^&*+=~`´"


def mixed_text(rng: random.Random, most: int) -> str:
    """Up to about ``most`` characters of everything."""
    parts: list[str] = []
    size, most = 0, rng.randint(1, most)
    while size < most:
        kind = rng.randrange(8)
        if kind == 0:
            part = rng.choice(MARKUP)
        elif kind == 1:
            part = rng.choice(UNSEEN) * rng.choice((1, 1, 1, 30))
        elif kind == 2:
            part = rng.choice(MARKS) * rng.choice((1, 1, 1, 2, 40))
        elif kind == 3:
            part = chr(rng.randrange(0x110000))
        elif kind == 4:
            part = rng.choice(rng.choice(SCRIPTS)) * rng.randint(1, 40)
        else:
            letters = rng.choice(SCRIPTS)
            part = "".join(rng.choice(letters) for _ in range(rng.randint(1, 12))) + " "
        parts.append(part)
        size += len(part)
    return whole("".join(parts)[:most])


def mixed_texts(count: int, most: int, seed: int = 1) -> list[str]:
    """``count`` texts of at most ``most`` characters."""
    rng = random.Random(seed)
    return [mixed_text(rng, most) for _ in range(count)]


def clusters(base: str, marks: int) -> str:
    """ "Zalgo": every character of ``base`` under a heap of combining marks."""
    rng = random.Random(7)
    return "".join(
        c + "".join(chr(rng.randrange(0x300, 0x370)) for _ in range(marks)) for c in base
    )
