"""A guess which of the API's languages with Latin letters a sentence is in.

Law of this file: small words and special letters, pure. A client that leaves the language open
(the default) sends German as well as English, and an English voice reading German is of no use.
The guess is cautious: without a clear lead it is None, and the caller stays with what it had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the and of to is are was you that it for with this have not what how do he she we "
        "they be at on from will would can good morning hello please thank my your there i i'm "
        "it's don't but if as by an me his her our who where here today now yes one",
        "de": "der die das und ist nicht ich sie wir ein eine mit auf für von zu den dem wie geht "
        "es guten danke bitte was auch sind hat haben wird im er du ihr uns mein kein aber oder "
        "noch nur heute hier ja nein bei nach aus wenn dass einen einem sich",
        "fr": "le la les des et est pas je vous nous un une avec pour dans sur que qui ce cette "
        "bonjour comment merci il elle sont au du c'est de en ne tu mon ma mes mais ou où oui non "
        "plus très bien j'ai aujourd'hui son ses par se",
        "es": "el la los las y es no un una con por para que en de como cómo está son muy buenos "
        "días hola gracias usted qué yo pero más al del se su mi tu si sí este esta hoy aquí bien "
        "lo le ha",
        "it": "il lo la gli le e è non un una con per che di come sono molto buongiorno ciao "
        "grazie sta lei ma più del della nel i io tu mi si sì questo questa oggi qui bene ha al "
        "dei alla anche cosa",
        "pt": "o a os as e é não um uma com por para que de do da em no na como está são muito "
        "bom dia olá obrigado obrigada você mas mais eu ele ela se seu sua meu minha sim este "
        "esta hoje aqui bem ao dos das foi",
    }.items()
}
_LETTERS: Mapping[str, str] = {
    **dict.fromkeys("ñ¿¡", "es"),
    **dict.fromkeys("ßäöü", "de"),
    **dict.fromkeys("ãõ", "pt"),
    **dict.fromkeys("œêîûë", "fr"),
    **dict.fromkeys("òì", "it"),
}
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LOOK_AT_CHARS = 400
_LEAST, _LEAD = 1.0, 0.5


def _weights() -> dict[str, dict[str, float]]:
    """A word counts one in all, shared by the languages that have it."""
    weights: dict[str, dict[str, float]] = {}
    for word in frozenset().union(*_WORDS.values()):
        owners = [language for language, words in _WORDS.items() if word in words]
        weights[word] = dict.fromkeys(owners, 1 / len(owners))
    return weights


_WEIGHTS = _weights()


def latin_language(text: str, among: Iterable[str] = tuple(_WORDS)) -> str | None:
    """BCP-47 tag of the language the text is clearly in, one of ``among``; else None."""
    head = text[:_LOOK_AT_CHARS].lower().replace("’", "'")
    scores = dict.fromkeys(_WORDS, 0.0)
    for token in _TOKEN.findall(head):
        for language, weight in _WEIGHTS.get(token, {}).items():
            scores[language] += weight
    for letter, language in _LETTERS.items():
        scores[language] += head.count(letter) > 0
    ranked = sorted(((score, language) for language, score in scores.items()), reverse=True)
    (best, language), (second, _) = ranked[:2]
    clear = best >= _LEAST and best - second >= _LEAD
    return language if clear and language in among else None
