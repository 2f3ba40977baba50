"""Language data for clauses: marks, clause openers, small words, abbreviations, word order.

Scope: data and look-ups, no decisions. Openers are words that usually begin a clause, so a cut
before them is safe once enough words wait; languages without a list are cut at marks, pauses and
lengths alone. Tags are BCP-47 primary tags (``en``, ``zh``, ``yue``).

Not every word that may open a clause is listed: one that is more often inside a clause (German
articles) costs more than it brings. In languages without spaces an opener is searched at the
beginning of the text.
"""

from __future__ import annotations

import functools

FULL_STOPS = tuple(".!?。！？．｡…।॥؟۔։။።។")
HALF_STOPS = tuple(";:；：؛፤")
COMMAS = tuple(",，、､،፣")
CLOSERS = "\"'”’»›)]}」』）】》〉"

_CHARACTERS_PER_WORD = {"zh": 1.75, "yue": 1.75, "ja": 2, "th": 4, "lo": 4, "my": 4, "km": 4}
"""Languages written without spaces, and how many characters weigh as much as an English word."""

_ORDERS: dict[str, str] = {
    "verb last": "ja ko tr az kk ky uz tk mn hi ur bn mr gu pa ne si ta te kn ml fa ps ku my eu "
    "la ka",
    "verb second": "de nl af fy lb",
    "verb first": "ar he mt cy ga br",
    "modifier first": "zh yue",
    "free": "hu fi et",
}
"""Groups of word order; every other language counts as subject, verb, object. Translation between
two groups has to wait for words that come late, so early translations are often revised.
"""
_ORDER_OF = {tag: name for name, tags in _ORDERS.items() for tag in tags.split()}

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
    "ro": "și dar iar sau ori nici fiindcă deoarece deși dacă când unde care cine că să încât apoi",
    "de": "und aber oder denn sondern weil obwohl während wenn falls als bis dass damit ob wo "
    "nachdem bevor sobald deshalb trotzdem dann",
    "nl": "en maar of want omdat hoewel terwijl als indien toen tot dat zodat waar die wie nadat "
    "voordat zodra dus daarom dan",
    "sv": "och men eller för eftersom fastän medan om när tills att där som så därför sedan innan",
    "da": "og men eller for fordi selvom mens hvis når indtil at hvor som så derfor siden før",
    "no": "og men eller for fordi selv mens hvis når inntil at hvor som så derfor siden før",
    "fi": "ja mutta tai eli sillä koska vaikka kun jos että kunnes jossa joka jotka niin siksi",
    "pl": "i a ale lub albo ani bo ponieważ gdyż chociaż choć podczas jeśli jeżeli gdy kiedy gdzie "
    "że żeby aby który która które którzy więc zatem potem zanim",
    "cs": "a ale nebo ani protože neboť ačkoli zatímco jestli pokud když kde že aby který která "
    "které takže proto pak než",
    "sk": "a ale alebo ani pretože lebo hoci kým ak keď kde že aby ktorý ktorá ktoré takže preto",
    "sl": "in ampak ali niti ker čeprav medtem če ko kjer da ki zato potem preden",
    "hr": "i a ali ili ni jer iako dok ako kad kada gdje da koji koja koje pa zato zatim prije",
    "hu": "és de vagy sem mert bár amíg ha amikor ahol hogy aki amely ami tehát ezért aztán "
    "mielőtt",
    "ru": "и а но или либо ни потому поскольку хотя пока если когда где что чтобы который которая "
    "которое которые кто поэтому затем прежде",
    "uk": "і й та а але або ні тому оскільки хоча поки якщо коли де що щоб який яка яке які хто "
    "потім перш",
    "bg": "и а но или нито защото макар докато ако когато където че който която което които затова",
    "el": "και αλλά ή ούτε γιατί επειδή αν όταν όπου ότι πως που να ενώ μόλις ώστε οπότε έπειτα",
    "tr": "ve ama fakat ancak veya ya çünkü eğer ki oysa yani sonra",
    "ar": "و لكن أو أم لأن رغم بينما إذا إن لو عندما حيث أن الذي التي الذين ثم قبل بعد لذلك",
    "he": "ו אבל או כי למרות בזמן אם כאשר כש איפה ש אשר לכן אז לפני אחרי",
    "fa": "و اما ولی یا زیرا چون اگرچه اگر وقتی جایی که تا پس سپس",
    "hi": "और लेकिन मगर परंतु या क्योंकि हालांकि जबकि अगर यदि जब जहाँ जहां कि जो ताकि इसलिए फिर तो",
    "ur": "اور لیکن مگر یا کیونکہ اگرچہ جبکہ اگر جب جہاں کہ جو تاکہ اس پھر تو",
    "bn": "এবং কিন্তু অথবা বা কারণ যদিও যদি যখন যেখানে যে যা তাই তারপর",
    "id": "dan tetapi tapi atau karena meskipun sementara jika kalau ketika saat bahwa yang agar "
    "sehingga lalu kemudian sebelum setelah",
    "ms": "dan tetapi atau kerana walaupun sementara jika kalau apabila ketika bahawa yang supaya "
    "lalu kemudian sebelum selepas",
    "vi": "và nhưng hoặc hay vì mặc trong nếu khi nơi rằng mà để nên rồi trước sau",
    "th": "และ แต่ หรือ เพราะ แม้ ถ้า หาก เมื่อ ซึ่ง ที่ว่า ว่า เพื่อ ดังนั้น แล้ว ก่อน หลังจาก",
    "ko": "그리고 그러나 하지만 그런데 또는 그래서 그러므로 왜냐하면 만약 만일 그러면 따라서 또한",
    "zh": "而且 而 但是 但 可是 不过 然而 或者 因为 由于 所以 因此 虽然 尽管 如果 假如 要是 当 "
    "然后 于是 并且 以及 那么 为了 除非 直到",
    "yue": "而且 但係 不過 或者 因為 由於 所以 雖然 如果 當 然後 跟住 於是 並且 同埋 咁 為咗 除非",
    "ja": "そして しかし でも だから それで また または なぜなら もし ただし つまり ところが "
    "さらに そのため したがって それから",
}
_SMALL: dict[str, str] = {
    "en": "a an the this that these those it its he his him she her we us our they them their you "
    "your my me there here and but or nor so yet because although though while if unless until "
    "when where which who whose as than of to in on at by for from with without into over under "
    "about after before between through during against not no is are was were be been being am "
    "do does did have has had will would shall should can could may might must let all any some "
    "each every both more most much many such same other only even just also then now how what why",
    "es": "el la los las un una unos unas este esta esto ese esa eso estos estas él ella ellos "
    "ellas nosotros usted ustedes yo tú me te se nos le les lo mi tu su y e o u pero ni sino "
    "porque aunque mientras si cuando donde que quien cuyo de del a al en con por para sin sobre "
    "entre desde hasta no es son era eran ser está están ha han hay más muy también ya como",
    "fr": "le la les un une des ce cette ces il elle ils elles nous vous je tu on me te se lui "
    "leur mon ton son notre votre et ou mais ni car parce si quand lorsque où que qui dont de "
    "du à au aux en avec pour par sans sur entre depuis ne pas est sont était être a ont il y "
    "plus très aussi déjà comme donc puis",
    "it": "il lo la i gli le un uno una questo questa quello quella egli lui lei noi voi loro "
    "io tu mi ti si ci vi mio tuo suo e o ma né perché se quando dove che chi cui di del a al "
    "in con per da su tra fra non è sono era erano essere ha hanno c'è più molto anche già come "
    "poi",
    "pt": "o a os as um uma uns umas este esta isto esse essa isso ele ela eles elas nós você "
    "vocês eu tu me te se nos lhe meu teu seu e ou mas nem porque se quando onde que quem de do "
    "da a ao em no na com por para sem sobre entre desde até não é são era eram ser está estão "
    "há mais muito também já como",
    "ca": "el la els les un una uns unes aquest aquesta això ell ella nosaltres vostè jo tu em "
    "et es ens li meu teu seu i o però ni perquè si quan on que qui de del a al en amb per "
    "sense sobre entre des fins no és són era eren ser està han hi més molt també ja com",
    "de": "der die das ein eine einer eines einem einen dieser diese dieses er es wir ihr ich du "
    "mich mir dich dir ihn ihm uns euch mein dein sein unser und aber oder denn weil obwohl "
    "während wenn falls als bis dass ob wo von zu in im an am auf für mit ohne über unter nach vor "
    "zwischen nicht kein ist sind war waren sein hat haben wird werden kann auch schon noch wie "
    "dann",
    "nl": "de het een dit dat deze die hij zij wij jullie ik jij je me mij hem haar ons hun "
    "mijn en maar of want omdat als toen tot dat van te in aan op voor met zonder over onder na "
    "niet geen is zijn was waren heeft hebben wordt kan ook al nog hoe dan",
}
_DETERMINERS: dict[str, str] = {
    "es": "el la los las lo un una unos unas este esta esto estos estas ese esa eso esos esas "
    "aquel aquella aquellos aquellas del al mi mis tu tus su sus nuestro nuestra nuestros nuestras",
    "pt": "o a os as um uma uns umas este esta isto estes estas esse essa isso esses essas aquele "
    "aquela do da dos das ao à aos às no na nos nas num numa pelo pela pelos pelas meu minha seu "
    "sua seus suas nosso nossa",
    "gl": "o a os as un unha uns unhas este esta isto ese esa iso do da dos das ao á aos ás no na "
    "nos nas nun nunha meu miña seu súa seus súas noso nosa",
    "ca": "el la els les un una uns unes aquest aquesta això aquests aquestes aquell aquella del "
    "dels al als pel pels meu meva seu seva nostre nostra",
    "fr": "le la les un une des ce cet cette ces du au aux mon ma mes ton ta tes son sa ses notre "
    "nos votre vos leur leurs",
    "it": "il lo la i gli le un uno una questo questa questi queste quel quello quella del dello "
    "della dei degli delle al allo alla ai agli alle nel nello nella nei nelle dal dalla sul sulla "
    "mio mia suo sua nostro nostra",
    "de": "der die das den dem des ein eine einen einem einer eines dieser diese dieses diesen "
    "diesem mein meine sein seine ihr ihre unser unsere",
    "nl": "de het een dit dat deze die",
    "en": "a an this that these those",
}
_ABBREVIATIONS: dict[str, str] = {
    "en": "mr mrs ms dr prof st jr sr vs etc no vol fig gen col capt lt sgt rev hon eg ie approx",
    "es": "sr sra srta dr dra prof ud uds etc pág núm",
    "ca": "sr sra dr dra prof etc pàg núm",
    "gl": "sr sra dr dra prof etc páx núm",
    "fr": "m mm mme mlle dr prof st ste etc p",
    "pt": "sr sra dr dra prof etc pág nº",
    "it": "sig dott prof ing ecc pag",
    "de": "hr fr dr prof bzw usw ca nr str",
    "nl": "dhr mevr dr prof enz bijv nl nr ca",
    "pl": "pan dr prof np itd itp ul nr tj im",
    "cs": "dr prof ing např atd tj č ul",
    "ru": "г гг им тыс млн млрд др пр ул стр т",
    "uk": "р рр ім тис млн млрд др ст вул",
    "sv": "dr prof bl dvs osv st nr ca",
    "da": "dr prof bl dvs osv nr ca",
    "no": "dr prof bl dvs osv nr ca",
    "tr": "sn dr prof doç vb vs no",
    "ro": "dl dna dr prof etc nr pag",
}


@functools.cache
def openers(language: str | None) -> frozenset[str]:
    """Words that usually begin a clause in the language (case folded)."""
    return frozenset(_OPENERS.get(language or "", "").split())


def opens_clause(text: str, language: str | None) -> bool:
    """Whether this word, case folded and without marks, usually begins a clause. Without spaces
    a "word" may be a longer stretch of text; then it is its beginning that counts.
    """
    known = openers(language)
    if language in _CHARACTERS_PER_WORD:
        return any(text.startswith(opener) for opener in known)
    return text in known


@functools.cache
def small_words(language: str | None) -> frozenset[str]:
    """Words that are capital only at the beginning of a sentence (case folded)."""
    return frozenset(_SMALL.get(language or "", "").split())


@functools.cache
def determiners(language: str | None) -> frozenset[str]:
    """Words whose form follows the noun behind them: articles and the like (case folded)."""
    return frozenset(_DETERMINERS.get(language or "", "").split())


@functools.cache
def abbreviations(language: str | None) -> frozenset[str]:
    """Words whose full stop ends no sentence, without their stops (case folded)."""
    single = frozenset("abcdefghijklmnopqrstuvwxyz")
    return single | frozenset(_ABBREVIATIONS.get(language or "", "").split())


def is_spaced(language: str | None) -> bool:
    """Whether words of the language are written with spaces between them."""
    return language not in _CHARACTERS_PER_WORD


def weight(text: str, language: str | None) -> float:
    """How many words of ordinary length the text is worth: words, or a share of a word for every
    letter where no spaces tell words apart.
    """
    per_word = _CHARACTERS_PER_WORD.get(language or "")
    if per_word is None:
        return float(len(text.split()))
    return sum(char.isalnum() for char in text) / per_word


def is_far(source: str, target: str) -> bool:
    """Whether the two languages order their words so differently that the beginning of a
    sentence often cannot be translated before its end is known.
    """
    return _ORDER_OF.get(source) != _ORDER_OF.get(target)
