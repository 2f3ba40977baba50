"""Language data for clauses: marks, clause openers, small words, abbreviations.

Law of this file: data only, no decisions. Openers are words that usually begin a clause, so a
cut before them is safe once enough words wait; languages without a list are cut at marks,
pauses and lengths alone.
"""

from __future__ import annotations

FULL_STOPS = (".", "!", "?", "。", "！", "？", "…", "।", "؟", "۔", "։")
HALF_STOPS = (";", ":", "；", "：", "؛")
COMMAS = (",", "，", "、", "،")
CLOSERS = "\"'”’»)]」』）"

_OPENERS: dict[str, str] = {
    "en": "and but or nor so because although though while whereas if unless until when whenever "
    "where which who whom whose that since as before after however therefore then",
    "es": "y e pero o u ni sino porque aunque mientras si cuando donde que quien cuyo pues como "
    "antes después entonces",
    "ca": "i però o ni sinó perquè encara mentre si quan on que qui doncs com abans després",
    "gl": "e pero ou nin senón porque aínda mentres se cando onde que quen pois como antes despois",
    "fr": "et mais ou ni car parce quoique bien si quand lorsque où que qui dont comme puis donc",
    "pt": "e mas ou nem porque embora enquanto se quando onde que quem pois como antes depois",
    "it": "e ma o né perché benché mentre se quando dove che chi cui poi come prima dopo quindi",
    "de": "und aber oder denn weil obwohl während wenn falls als bis dass ob wo der die das",
}
_SMALL: dict[str, str] = {
    "en": "a an the this that these those it its he his him she her we us our they them their you "
    "your my me there here and but or nor so yet because although though while if unless until "
    "when where which who whose as than of to in on at by for from with without into over under "
    "about after before between through during against not no is are was were be been being am "
    "do does did have has had will would shall should can could may might must let all any some "
    "each every both more most much many such same other only even just also then now how what why",
}
_ABBREVIATIONS: dict[str, str] = {
    "en": "mr mrs ms dr prof st jr sr vs etc no vol fig gen col capt lt sgt rev hon eg ie approx",
    "es": "sr sra srta dr dra prof ud uds etc pág núm",
    "ca": "sr sra dr dra prof etc pàg núm",
    "fr": "m mm mme mlle dr prof st ste etc p",
    "pt": "sr sra dr dra prof etc pág nº",
    "it": "sig dott prof ing ecc pag",
    "de": "hr fr dr prof bzw usw ca nr str",
}


def openers(language: str | None) -> frozenset[str]:
    """Words that usually begin a clause in the language (case folded)."""
    return frozenset(_OPENERS.get(language or "", "").split())


def small_words(language: str | None) -> frozenset[str]:
    """Words that are capital only at the beginning of a sentence (case folded)."""
    return frozenset(_SMALL.get(language or "", "").split())


def abbreviations(language: str | None) -> frozenset[str]:
    """Words whose full stop ends no sentence, without their stops (case folded)."""
    single = frozenset("abcdefghijklmnopqrstuvwxyz")
    return single | frozenset(_ABBREVIATIONS.get(language or "", "").split())
