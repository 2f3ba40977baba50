"""Speech with sherpa-onnx: Kokoro, Piper's format, Matcha, Kitten, Supertonic and other VITS.

Scope: text to pieces to sound. sherpa-onnx reads words from a lexicon and leaves out those that it
lacks; it has no other way from text to phonemes since espeak-ng (GPL) was taken out of it. So
English goes through our own phonemes where the model takes some, and other languages need a model
with a lexicon, or Supertonic, which reads letters. A piece is spoken at a time, a sentence or its
first clause, and a segment can be cancelled between two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from dragoman.audio.pcm import from_float
from dragoman.audio.resample import Resampler
from dragoman.engines.base import Caps, EngineUnavailable, Info, Unspeakable, Utterance
from dragoman.engines.shared.english.phonemes import EnglishPhonemes
from dragoman.engines.shared.english.tables import english_phonemes
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.shared.pcm_shaping import shaped
from dragoman.engines.shared.phoneme_pieces import pieces
from dragoman.engines.shared.spoken_sentences import spoken_sentences
from dragoman.engines.shared.voice_table import NAMES, VoiceTable
from dragoman.engines.sherpa.languages import check_told, known_languages
from dragoman.engines.sherpa.library import Provider, nothing_logged, opening, sherpa
from dragoman.engines.sherpa.model_folder import FoundModel, Kind, find, folder_of
from dragoman.engines.sherpa.piper_format import readable
from dragoman.engines.sherpa.voices import voice_table
from dragoman.text.language_tags import primary_tag
from dragoman.text.spoken import is_speakable, pause_ms, sanitized

RATE_HZ = 24_000
_LONGEST_TOKEN = 40
_LONGEST_PIECE = 120  # phonemes
_TOKENS = {"tokens": ("tokens.txt",)}

KINDS = (
    Kind("kokoro", "Kokoro", {"model": ("model*.onnx",), "voices": ("voices.bin",), **_TOKENS},
         ("kokoro",)),
    Kind("kitten", "Kitten", {"model": ("model*.onnx",), "voices": ("voices.bin",), **_TOKENS},
         ("kitten",)),
    Kind("supertonic", "Supertonic", {
        "duration_predictor": ("duration_predictor*.onnx",),
        "text_encoder": ("text_encoder*.onnx",),
        "vector_estimator": ("vector_estimator*.onnx",),
        "vocoder": ("vocoder*.onnx",),
        "tts_json": ("tts.json",),
        "unicode_indexer": ("unicode_indexer.bin",),
        "voice_style": ("voice.bin",),
    }),
    Kind("matcha", "Matcha", {
        "acoustic_model": ("model-steps*.onnx",),
        "vocoder": ("vocos*.onnx", "hifigan*.onnx"),
        **_TOKENS,
    }, ("matcha",)),
    Kind("vits", "Vits", {"model": ("model*.onnx", "*.onnx"), **_TOKENS}, ("vits", "melo-vits")),
)  # fmt: skip
_IPA = str.maketrans({
    "A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "T": "ɾ", "ʤ": "dʒ", "ʧ": "tʃ", "ᵊ": "ə",
})  # fmt: skip
"""Our phonemes are Kokoro's; other models have espeak-ng's, which write these with two letters."""

Alphabet = dict[int, str]


class _Opened(msgspec.Struct):
    """What ``load`` opens. ``english`` with the ``alphabet`` of the model: for one that takes
    phonemes.
    """

    library: Any
    tts: Any
    speakers: Mapping[str, int]
    sounds: dict[str, VoiceTable]
    is_supertonic: bool
    english: EnglishPhonemes | None = None
    alphabet: Alphabet = {}


class SherpaTts(OpensOnce[_Opened]):
    """Synthesizer with voices of sherpa-onnx; see the module.

    ``model``: a folder, or a name of the catalogue. ``languages``: what it speaks. ``kind``: one of
    ``KINDS``, where the files do not tell. ``provider``: cpu or cuda. ``threads`` is per call.
    ``voices`` is a table as in ``voice_table``, whose variants are names or numbers of speakers.
    ``gain_db`` evens out the model's loudness. ``steps``: those of Supertonic.
    """

    def __init__(
        self,
        *,
        model: str = "",
        languages: tuple[str, ...] = (),
        kind: str = "",
        provider: Provider = "cpu",
        threads: int = 1,
        voices: str = "",
        gain_db: float = 0.0,
        steps: int = 5,
    ) -> None:
        self._model, self._kind, self._provider = model, kind, provider
        self._languages = languages
        self._threads, self._voices = threads, voices
        self._gain_db, self._steps = gain_db, steps
        self.info = Info(
            name="sherpa-tts",
            role="tts",
            licence="Apache-2.0; voices by their own",
            quality="good",
            runs_in="process",
            languages=known_languages(languages),
            voices=NAMES,
            rate_hz=RATE_HZ,
            caps=Caps(first_sound_s=15.0, cpu_s=180.0, wall_s=300.0),
            controls=("rate", "volume"),
            device="gpu" if provider == "cuda" else "cpu",
            about="sherpa-onnx: Kokoro, Piper's format, Matcha, Kitten, Supertonic and other VITS",
        )

    def load(self) -> None:
        """Open the model and say a word with each language, if its lexicon has that."""
        super().load()
        for language in self.info.languages:
            with suppress(Unspeakable):
                list(self.synthesize(Utterance(text="1.", voice="", language=language)))

    def _open(self) -> _Opened:
        check_told(self.info.name, self._model, self._languages)
        library = sherpa(self._provider)
        if "*" in self.info.languages:
            raise EngineUnavailable("A voice speaks some languages: languages=en, for example.")
        with readable(folder_of(self._model)) as folder:
            found = find(folder, KINDS, self._kind, full=self._provider == "cuda")
            english, alphabet = self._english(found)
            with opening(found.folder):
                tts = library.OfflineTts(self._config(library, found))
        speakers = _speakers(found.metadata.get("speaker_names", ""), tts.num_speakers)
        sounds = {
            language: voice_table(speakers, language, self._gain_db).changed(self._voices, speakers)
            for language in self.info.languages
        }
        is_supertonic = found.kind.name == "supertonic"
        return _Opened(library, tts, speakers, sounds, is_supertonic, english, alphabet)

    def _config(self, library: Any, found: FoundModel) -> Any:
        files = dict(found.files)
        lexicon = _joined(found.folder, "lexicon*.txt")
        if lexicon and found.kind.name != "supertonic":
            files["lexicon"] = lexicon
        part = getattr(library, f"OfflineTts{found.kind.call}ModelConfig")(**files)
        model = library.OfflineTtsModelConfig(
            **{found.kind.name: part}, num_threads=self._threads, provider=self._provider
        )
        config = library.OfflineTtsConfig(
            model=model, rule_fsts=_joined(found.folder, "*.fst"), silence_scale=1.0
        )
        if not config.validate():
            raise EngineUnavailable(f"sherpa-onnx refuses the model {self._model}.")
        return config

    def _english(self, found: FoundModel) -> tuple[EnglishPhonemes | None, Alphabet]:
        """Our phonemes for a model that takes them. Raises ``EngineUnavailable`` for a model
        that nothing here tells how to read a language.
        """
        has_lexicon = bool(_joined(found.folder, "lexicon*.txt"))
        reads = has_lexicon or found.kind.name == "supertonic"
        takes = found.kind.name in {"kokoro", "kitten"} or (
            found.kind.name in {"vits", "matcha"} and found.metadata.get("has_espeak") == "1"
        )
        others = [tag for tag in self.info.languages if tag != "en"]
        if not reads and (others or not takes) and "frontend" not in found.metadata:
            raise EngineUnavailable(
                f"The model {self._model} has no lexicon (lexicon.txt), and Dragoman makes "
                "phonemes of English only. Say languages=en, or take a model with a lexicon."
            )
        if not takes or "en" not in self.info.languages:
            return None, {}
        try:
            english = english_phonemes(find_model("hibari"), self._threads)
        except EngineUnavailable:
            if reads:
                return None, {}
            raise
        return english, {} if found.kind.name == "kokoro" else _IPA

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """As in the Protocol; a pause follows every piece by its last mark.

        Raises ``ValueError`` for a language without voices, ``EngineUnavailable`` before ``load``.
        """
        opened, language = self._opened, primary_tag(utterance.language)
        if language not in opened.sounds:
            raise ValueError(f"this model has no voice for {utterance.language!r}")
        text = sanitized(utterance.text, longest_token=_LONGEST_TOKEN)
        if not is_speakable(text):
            return
        table = opened.sounds[language]
        sound = table.of(utterance.voice)
        rate = max(0.5, min(2.0, utterance.rate))
        asked = opened.library.GenerationConfig()
        asked.sid, asked.speed = opened.speakers[sound.variant], rate * sound.size
        asked.silence_scale, asked.num_steps = 1.0, self._steps
        if opened.is_supertonic:
            asked.extra = {"lang": language}
        is_silent = True
        for piece, is_last in _pieces(opened, text, language):
            for pcm in shaped(
                iter([_pcm(opened, piece, language, asked)]),
                RATE_HZ,
                size=sound.size,
                gain=table.gain(utterance.voice, language) * utterance.volume / 50,
                pause_ms=pause_ms(piece) * (utterance.pause if is_last else 1.0) / rate,
            ):
                is_silent = False
                yield pcm
        if is_silent:
            raise Unspeakable("The voice in use cannot read this text.")


def _pieces(opened: _Opened, text: str, language: str) -> Iterator[tuple[str, bool]]:
    """Phonemes or sentences, and whether each is the last one."""
    if language == "en" and opened.english is not None:
        yield from pieces(opened.english.of(text), _LONGEST_PIECE)
        return
    found = spoken_sentences(text)
    for number, sentence in enumerate(found, 1):
        yield sentence, number == len(found)


def _pcm(opened: _Opened, piece: str, language: str, asked: Any) -> bytes:
    is_phonemes = language == "en" and opened.english is not None
    if is_phonemes:
        asked.phoneme_codepoints = [[ord(sound) for sound in piece.translate(opened.alphabet)]]
    with nothing_logged():
        audio = opened.tts.generate("" if is_phonemes else piece, asked)
    pcm = from_float(np.asarray(audio.samples, np.float32))
    if not pcm or audio.sample_rate == RATE_HZ:
        return pcm
    resampler = Resampler(audio.sample_rate, RATE_HZ)
    return resampler.feed(pcm) + resampler.flush()


def _speakers(names: str, count: int) -> dict[str, int]:
    """The numbers of the speakers by their names, or by their numbers as text."""
    listed = [name.strip() for name in names.split(",")]
    if len(listed) != count:
        listed = [str(number) for number in range(max(1, count))]
    return {name: number for number, name in enumerate(listed)}


def _joined(folder: Path, pattern: str) -> str:
    return ",".join(str(path) for path in sorted(folder.glob(pattern)))
