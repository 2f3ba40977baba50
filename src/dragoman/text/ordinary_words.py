"""Words that are so ordinary that they are no misrecognised name.

Scope: data and look-ups. ``is_small`` knows the function words of every language of
``clause_data``; ``is_ordinary`` the common vocabulary of a language that has a list (``has_list``):
a recognised word in it, or a regular form of one, means itself. The lists need not be complete:
they are one guard of several (``policy.glossary.asr_spelling``).
"""

from __future__ import annotations

import functools

from dragoman.text import clause_data
from dragoman.text.language_tags import primary_tag

_MORE_SMALL = {
    "en": "am an as at be by do go he hi if in is it me my no of oh ok on or so to up us we i "
    "may will can who not off out own per via",
}
_ORDINARY = {
    "en": "able above accept access according account across act action active activity actual add "
    "address admit adult affect afraid afternoon again age agency agent ago agree ahead air allow "
    "almost alone along already although always among amount analysis ancient animal announce "
    "annual another answer anyone anything anyway apart appear apple application apply approach "
    "area argue arm army around arrange arrive art article artist ask assume attack attempt "
    "attend attention attitude author authority available average avoid award aware away baby "
    "back bad bag ball bank bar base basic basis battle beach bear beat beautiful become bed begin "
    "behavior behind believe benefit best better beyond big bill bird bit black blood blow blue "
    "board boat body book born borrow boss bottle bottom box boy brain branch break breakfast "
    "bridge brief bright bring broad brother brown budget build building burn bus business busy "
    "button buy cake call camera camp campaign cancer candidate capital car card care career "
    "careful carry case cash cat catch cause cell center central century certain chair challenge "
    "chance change character charge check chemical chest chicken chief child choice choose church "
    "circle citizen city civil claim class clean clear client climb clock close cloud club coach "
    "coal coast coat coffee cold collect college color column come comfort command comment "
    "commercial committee common community company compare compete complete complex compute "
    "computer concept concern condition conference confident confirm conflict connect consider "
    "constant contact contain content context continue contract control convert cook cool copy "
    "corner correct cost cotton council count country couple course court cover create credit "
    "crime critical cross crowd cry cube culture cup current custom customer cut daily damage "
    "dance danger dark data date daughter day dead deal dear death debate decade decide decision "
    "deep defend define degree deliver demand depend describe desert design desk despite detail "
    "determine develop device die diet differ different difficult dinner direct direction "
    "director discover discuss disease dish distance divide doctor document dog dollar door "
    "double doubt down dozen draw dream dress drink drive drop drug dry due dust duty ear early "
    "earn earth ease east easy eat economy edge education effect effort egg eight either election "
    "electric element else employ empty end enemy energy engine english enjoy enough enter entire "
    "equal error escape especially essential establish even evening event ever every evidence "
    "exact example except exchange excite exercise exist expect expensive experience expert "
    "explain express extend extra eye face fact factor factory fail fair faith fall familiar "
    "family famous fan far farm fashion fast fat father fault favor fear feature federal feed feel "
    "few field fight figure file fill film final finance find fine finger finish fire firm first "
    "fish fit five fix flat floor flow flower fly focus folder folk follow food foot force foreign "
    "forest forget form formal former forward found four frame free freedom fresh friend front "
    "fruit fuel full fun function fund funny future game garden gas gate gather general generate "
    "gentle get gift girl give glad glass global goal god gold good govern government grade grand "
    "grant graph grass gray great green ground group grow guard guess guest guide gun guy hair "
    "half hall hand handle hang happen happy hard hat hate head health hear heart heat heavy help "
    "hero hide high hill history hit hold hole holiday home honest hope horse hospital host hot "
    "hotel hour house however huge human hundred hunt hurry hurt husband ice idea identify image "
    "imagine impact important improve include income increase indeed independent indicate "
    "individual industry inform information inside instead insurance interest internal "
    "international interview introduce invest invite involve iron island issue item jacket job "
    "join joint joke journey judge jump jury just keep key kid kill kind king kitchen knee knife "
    "know knowledge label labor lack lady lake land language large last late later laugh launch "
    "law lawyer lay lead leader leaf league learn learning least leather leave left leg legal "
    "lesson letter level library lie life lift light like likely limit line link lip list listen "
    "literature little live load loan local lock log long look lose loss lot loud love low luck "
    "lunch machine magazine main maintain major make male man manage manager manner map mark "
    "market marry mass master match material matter maybe meal mean measure meat media medical "
    "meet meeting member memory mention message metal method middle mile military milk million "
    "mind mine minister minute mirror miss mission mistake mix model modern moment money monitor "
    "month moon moral morning mother motion mountain mouse mouth move movement movie much murder "
    "muscle music name narrow nation national native natural nature near nearly necessary neck "
    "need neighbor neither nerve net network never new news newspaper next nice night nine nobody "
    "noise none normal north nose note nothing notice novel number nurse object observe obvious "
    "occasion occur ocean offer office officer official often oil old once one open operate "
    "opinion opportunity option orange order ordinary organize original other ought outside over "
    "owe pace pack page pain paint pair paper parent park part particular partner party pass past "
    "path patient pattern pause pay peace people percent perfect perform perhaps period person "
    "phone photo phrase physical pick picture pie piece pipe place plan plane plant plate play "
    "player please plenty pocket poem point police policy political poor popular population port "
    "position positive possible post pot pound power practice prepare present president press "
    "pressure pretty prevent price pride primary prince print prison private prize probably "
    "problem process produce product profession professor program progress project promise "
    "proper property protect proud prove provide public pull pump pure purpose push put quality "
    "quarter queen question quick quiet quite race radio rain raise range rate rather reach react "
    "read ready real realize really reason receive recent recognize record red reduce refer "
    "reflect reform regard region relate relation release religion remain remember remote remove "
    "rent repair repeat replace reply report represent request require research reserve resource "
    "respect respond rest result return reveal rich ride right ring rise risk river road rock role "
    "roll roof room root rope rough round route row royal rule run rush sad safe sail salt same "
    "sand save say scale scene school science score screen sea search season seat second secret "
    "section secure see seed seek seem select self sell send senior sense sentence separate series "
    "serious serve server service set settle seven several shade shake shape share sharp sheet "
    "ship shirt shock shoe shoot shop short shot shoulder shout show shut sick side sight sign "
    "signal silence silver similar simple since sing single sister sit site situation six size "
    "skill skin sky sleep slip slow small smart smell smile smoke smooth snow social society soft "
    "software soil soldier solid solution solve someone something sometimes son song soon sorry "
    "sort soul sound soup source south space speak special speech speed spell spend spirit split "
    "sport spot spread spring square staff stage stair stand standard star start state statement "
    "station stay steal steel step stick still stock stomach stone stop store storm story straight "
    "strange stream street strength stress strike string strong structure student study stuff "
    "style subject succeed success sudden suffer sugar suggest suit summer sun supply support "
    "suppose sure surface surprise surround survive sweet swim switch symbol system table tail "
    "take talk tall task taste tax tea teach team tear technical technology tell ten tend term "
    "test text thank theory thick thin thing think third thought thousand threat three throat "
    "throw thumb ticket tie tight time tiny tip tired title today together tomorrow tone tongue "
    "tonight tool tooth top topic torch total touch tough tour toward tower town toy track trade "
    "tradition traffic train transfer transform transformed translate transport travel treat tree "
    "trial trip trouble truck true trust truth try turn twelve twenty two type uncle understand "
    "union unit universe university unless use useful user usual valley value variety various vast "
    "version very victim video view village violence visit voice vote wage wait walk wall want war "
    "warm warn wash waste watch water wave way weak wealth weapon wear weather week weekend weight "
    "welcome west wet wheel white whole wide wife wild win wind window wine wing winner winter "
    "wire wise wish within woman wonder wood word work worker world worry worth wound write wrong "
    "yard year yellow yes yesterday yet young zero",
}  # fmt: skip
_ENDINGS = ("'s", "s", "es", "ed", "d", "ing", "er", "r", "ers", "rs", "ly", "al", "est", "y")


@functools.cache
def _small(language: str) -> frozenset[str]:
    return clause_data.small_words(language) | frozenset(_MORE_SMALL.get(language, "").split())


@functools.cache
def _ordinary(language: str) -> frozenset[str]:
    return _small(language) | frozenset(_ORDINARY.get(language, "").split())


def is_small(word: str, language: str | None) -> bool:
    """Whether this word (case folded) holds sentences together: articles, pronouns and the like."""
    return word in _small(primary_tag(language))


def has_list(language: str | None) -> bool:
    """Whether ``is_ordinary`` knows the language."""
    return primary_tag(language) in _ORDINARY


@functools.lru_cache(maxsize=4096)
def is_ordinary(word: str, language: str | None) -> bool:
    """Whether this word (case folded, without marks) is common in the language."""
    known = _ordinary(primary_tag(language))
    if word in known:
        return True
    for ending in _ENDINGS:
        stem = word[: -len(ending)] if word.endswith(ending) else ""
        if len(stem) < 3:
            continue
        twice = stem[:-1] if stem[-1] == stem[-2] else ""
        if stem in known or twice in known or stem + "e" in known:
            return True
        if stem.endswith("i") and stem[:-1] + "y" in known:
            return True
    return False
