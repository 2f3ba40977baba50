"""English names of languages, which some models take and give instead of tags.

Scope: one table, for both ways. The names are those of CLDR, which the models of OpenAI and Qwen
use, too.
"""

from __future__ import annotations

from dragoman.text.language_tags import primary_tag

NAMES = dict(
    entry.split(" ", 1)
    for entry in """
    af Afrikaans|am Amharic|ar Arabic|as Assamese|az Azerbaijani|ba Bashkir|be Belarusian
    bg Bulgarian|bn Bengali|bo Tibetan|br Breton|bs Bosnian|ca Catalan|cs Czech|cy Welsh|da Danish
    de German|el Greek|en English|es Spanish|et Estonian|eu Basque|fa Persian|fi Finnish
    fil Filipino|fo Faroese|fr French|ga Irish|gl Galician|gu Gujarati|ha Hausa|haw Hawaiian
    he Hebrew|hi Hindi|hr Croatian|ht Haitian Creole|hu Hungarian|hy Armenian|id Indonesian
    is Icelandic|it Italian|ja Japanese|jv Javanese|ka Georgian|kk Kazakh|km Khmer|kn Kannada
    ko Korean|la Latin|lb Luxembourgish|ln Lingala|lo Lao|lt Lithuanian|lv Latvian|mg Malagasy
    mi Maori|mk Macedonian|ml Malayalam|mn Mongolian|mr Marathi|ms Malay|mt Maltese|my Burmese
    nb Norwegian Bokmål|ne Nepali|nl Dutch|nn Norwegian Nynorsk|no Norwegian|oc Occitan|pa Punjabi
    pl Polish|ps Pashto|pt Portuguese|ro Romanian|ru Russian|sa Sanskrit|sd Sindhi|si Sinhala
    sk Slovak|sl Slovenian|sn Shona|so Somali|sq Albanian|sr Serbian|su Sundanese|sv Swedish
    sw Swahili|ta Tamil|te Telugu|tg Tajik|th Thai|tk Turkmen|tl Tagalog|tr Turkish|tt Tatar
    ug Uyghur|uk Ukrainian|ur Urdu|uz Uzbek|vi Vietnamese|yi Yiddish|yo Yoruba|yue Cantonese
    zh Chinese|zu Zulu
    """.strip()
    .replace("\n    ", "|")
    .split("|")
)
"""BCP-47 primary tag -> English name."""

_TAGS = {name.lower(): tag for tag, name in NAMES.items()} | {"castilian": "es", "mandarin": "zh"}


def language_name(tag: str | None) -> str | None:
    """``Spanish`` for ``es`` and ``es-MX``; None for a tag without a name here."""
    return NAMES.get(primary_tag(tag))


def language_tag(name: str | None) -> str | None:
    """The primary tag for a name or a tag, in any case: ``es`` for ``spanish`` and ``es-MX``; None
    for what is neither (``auto``, ``None``).
    """
    text = (name or "").strip().lower()
    tag = _TAGS.get(text) or primary_tag(text)
    return tag if tag in NAMES else None
