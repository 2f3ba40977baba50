"""Every word of a text is spoken, in order: by recognition for English, by espeak's own events
for the other languages, through our segmentation and reading.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jiwer
import numpy as np
import pytest

from dragoman.audio.resample import Resampler
from dragoman.engines.base import EngineUnavailable, Window
from dragoman.engines.espeak import voices as espeak_voices
from dragoman.engines.espeak.engine import espeak_text
from dragoman.engines.moonshine.engine import Moonshine
from dragoman.policy.reading.markup import MarkupReader
from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman.speech import joined_text
from dragoman.text.spoken import sanitized
from tests.engines.flite_speech import flite_pcm
from tests.engines.installed import needs_espeak

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).with_name("espeak_events.py")
ENGLISH = (
    "The library closes early on Friday afternoon.",
    "She bought seven apples and a loaf of bread.",
    "Please turn left at the old stone bridge.",
    "Our teacher asked us to read the second chapter.",
    "The water in the lake was cold and clear.",
    "My brother wants to become a doctor.",
    "There are many birds in the garden this morning.",
    "We will discuss the budget at the next meeting.",
)


@pytest.mark.parametrize(("voice", "errors"), [("Ethan", 0.05), ("Cherry", 0.1)])
def test_english_is_recognised_word_for_word(voice: str, errors: float) -> None:
    """flite at the client's rate, then at the recogniser's: the word error rate is its own."""
    moonshine = Moonshine()
    try:
        moonshine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    heard = []
    for text in ENGLISH:
        out, back = Resampler(16_000, 24_000), Resampler(24_000, 16_000)
        pcm = back.feed(out.feed(flite_pcm(text, voice)))
        pcm += back.feed(out.flush()) + back.flush()
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        found = moonshine.transcribe([Window(samples.tobytes(), "en")])[0]
        heard.append(re.sub(r"[^a-z ]", "", joined_text(found.words).lower()))
    said = [text.lower().rstrip(".") for text in ENGLISH]
    assert jiwer.wer(said, heard) <= errors, heard


# A paragraph for each of the other nine languages; "|" ends a word where nothing else does.
TEXTS = {
    "zh": "今天早上八点，我们在车站等火车。天气很冷，可是大家都很高兴！熊猫和兄弟一起去了北京。",
    "de": "Heute Morgen um acht warteten wir am Bahnhof auf den Zug. Es war kalt, aber alle "
    "freuten sich sehr! Später fuhren Jürgen und ich nach München weiter.",
    "fr": "Ce matin à huit heures, nous attendions le train à la gare. Il faisait froid, mais "
    "tout le monde était content ! Ensuite Émile et moi sommes partis pour Lyon.",
    "es": "Esta mañana esperábamos el tren en la estación. Hacía frío, ¡pero todos estaban "
    "contentos! Después viajamos juntos hasta Sevilla con los niños.",
    "it": "Stamattina alle otto aspettavamo il treno alla stazione. Faceva freddo, ma erano tutti "
    "contenti! Poi io e Niccolò siamo partiti per Perugia.",
    "pt": "Esta manhã às oito esperávamos o trem na estação. Fazia frio, mas todos estavam "
    "felizes! Depois João e eu seguimos viagem para São Paulo.",
    "ru": "Сегодня утром в восемь мы ждали поезд на вокзале. Было холодно, но все радовались! "
    "Потом мы с Олегом поехали в Казань.",
    "ja": "けさ|はちじに、|えきで|でんしゃを|まちました。|さむかったけれど、|みんな|"
    "うれしそうでした！|それから|きょうとへ|いきました。",
    "ko": "오늘 아침 여덟 시에 우리는 역에서 기차를 기다렸습니다. 날씨는 추웠지만 모두 "
    "즐거워했습니다! 그다음에 친구와 부산으로 떠났습니다.",
}


def words_of(language: str) -> list[str]:
    """The words; in Chinese, the characters."""
    return re.findall(r"\w" if language == "zh" else r"\w+", TEXTS[language])


def segments(text: str) -> list[str]:
    """The segments of a session that gets the text a few characters at a time."""
    segmenter, reader = Segmenter(eager=True), MarkupReader()
    found = []
    for at in range(0, len(text), 3):
        found += segmenter.feed(text[at : at + 3])
    found += segmenter.flush()
    return [spoken for segment in found if (spoken := reader.read(segment))]


def asked(requests: list[tuple[str, str, int]]) -> list[dict[str, list[str]]]:
    """espeak's events, and in them the words as texts, in their order."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout)
    for (text, _, _), answer in zip(requests, answers, strict=True):
        answer["words"] = [text[at : at + length] for at, length in answer["words"]]
    return answers


def bare(phonemes: list[str]) -> str:
    """Phonemes without stress and pauses, which depend on the neighbours."""
    return re.sub(r"[',;_:|]", "", "".join(phonemes))


def unspoken(language: str, text: str, words: list[str]) -> list[str]:
    """Those of the words that espeak does not speak in this order when it is given the text.

    A word is known by its event; espeak leaves out that of some, which its phonemes then prove.
    """
    voice = espeak_voices.identifier(language)
    assert voice is not None
    parts = segments(text)
    texts = [espeak_text(sanitized(part), voice) for part in [*parts, *words]]
    answers = asked([(text.text, voice, text.flags) for text in texts])
    spoken = "".join(bare(answer["phonemes"]) for answer in answers[: len(parts)])
    events = [word for answer in answers[: len(parts)] for word in answer["words"]]
    at, event, missing = 0, 0, []
    for word, answer in zip(words, answers[len(parts) :], strict=True):
        if word in events[event : event + 3]:
            event += events[event:].index(word) + 1
            continue
        found = spoken.find(bare(answer["phonemes"]), at)
        if found < 0:
            missing.append(word)
        at = max(at, found)
    return missing


@needs_espeak
@pytest.mark.parametrize("language", TEXTS)
def test_every_word_is_spoken_in_order(language: str) -> None:
    text = TEXTS[language].replace("|", "")
    assert len(segments(text)) >= 3
    assert not unspoken(language, text, words_of(language))


@needs_espeak
@pytest.mark.parametrize("language", ["es", "ru"])
def test_the_check_sees_a_word_that_is_lost(language: str) -> None:
    words = words_of(language)
    for lost in (words[2], words[-1]):
        assert lost in unspoken(language, TEXTS[language].replace(f" {lost}", ""), words)


def test_nothing_is_lost_between_text_and_segments() -> None:
    for language, marked in TEXTS.items():
        text = marked.replace("|", "")
        kept = "".join(segments(text))
        assert re.findall(r"\w", kept) == re.findall(r"\w", text), language
