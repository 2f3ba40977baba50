"""A guess which of the API's languages with Latin letters a sentence is in.

Scope: frequent words, special letters and endings; pure. A client that leaves the language open
(the default) sends German as well as English, and an English voice that reads German is of no use.
The guess is cautious: without a clear lead it is None, and the caller keeps the language it had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the and of to is are was you that it for with this have not what how do he she we "
        "they be at on from will would can good morning hello please thank my your there i "
        "i'm it's don't but if as by an me his her our who where here today now yes one "
        "let's could should were been has had did does when why which their them some any "
        "all more than then just like about into only also very much really see know think "
        "want need make take go get let thanks sure course welcome night evening next last "
        "new old after before because these those its too up out over again never always "
        "first time people way day year am so or may might must shall being said says tell "
        "told ask asked call works work play plays look looks give find found come came went "
        "going done made every each many most other another same own still away back down "
        "off through during under between against without within while until since two three "
        "four five six seven eight nine ten monday tuesday wednesday thursday friday "
        "saturday sunday sorry nice great idea hi mother father brother sister friend house "
        "home world life water food money book name thing things week month hour minute late "
        "early ready right left open close press",
        "de": "der die das und ist nicht ich sie wir ein eine mit auf für von zu den dem wie geht "
        "es guten danke bitte was auch sind hat haben wird im er du ihr uns mein kein aber "
        "oder noch nur heute hier ja nein bei nach aus wenn dass einen einem sich vielen "
        "dank gut tag abend morgen natürlich gern schön sehr viel mehr dann schon wieder "
        "immer nie jetzt alle alles man mir mich dir dich ihm ihn ihnen sein seine ihre "
        "unser dieser diese dieses war waren werden wurde kann können muss müssen will soll "
        "möchte machen gehen kommt um vor über unter zwischen durch gegen ohne bis seit weil "
        "ob wo wer warum wann etwas nichts am vom zum zur des keine meine deine jahr zeit "
        "leute neu neue neuen wäre hätte gibt genau eins zwei drei vier fünf sechs sieben "
        "acht neun zehn montag dienstag mittwoch donnerstag freitag samstag sonntag "
        "entschuldigung hallo tschüss vater mutter bruder schwester freund haus welt leben "
        "wasser essen geld buch name woche monat stunde minute spät früh fertig rechts links "
        "gute guter gutes idee sagen sagt sagte fragen wohnt arbeiten arbeitet spielt sieht "
        "finden kommen kam gehe habe bin bist seid würde werde könnte sollte dürfen mag "
        "lassen lässt damit dabei dazu daran darauf dort da doch also deshalb trotzdem "
        "während wegen anderen andere jeder jede jedes viele wenig ihrer seiner allen einer "
        "eines ende",
        "fr": "le la les des et est pas je vous nous un une avec pour dans sur que qui ce cette "
        "bonjour comment merci il elle sont au du c'est de en ne tu mon ma mes mais ou où "
        "oui non plus très bien j'ai aujourd'hui son ses par se on à aux d' l' j' n' qu' s' "
        "c' m' t' y beaucoup demain hier soir matin jour nuit heure heures quand pourquoi "
        "parce donc alors aussi encore jamais toujours rien tout tous toute toutes même "
        "autre leur leurs notre votre nos vos ces ils elles suis es sommes êtes était être "
        "avoir fait faire peut veux va vais allons faut avant après chez sans sous entre "
        "vers depuis pendant peu trop petit nouveau nouvelle salut bonsoir accord sûr voilà "
        "plaît problème temps année gens chose trois quatre cinq six sept huit neuf dix "
        "lundi mardi mercredi jeudi vendredi samedi dimanche désolé pardon père mère frère "
        "sœur ami maison monde vie eau argent livre nom semaine mois minute retard prêt "
        "droite gauche bonne bon idée dit dire demander habite travaille joue voir voit "
        "trouve trouver vient venir venu allé ai as a avait avons avez ont étaient serait "
        "sera pourrait devrait doit dois laisser moi toi lui elle-même ni dont lequel quelle "
        "quel quels quelles chaque plusieurs quelques certains assez moins mieux mal deux "
        "fois l'on là ceci cela ça tant jusqu'à quelque",
        "es": "el la los las y es no un una con por para que en de como cómo está son muy buenos "
        "días hola gracias usted qué yo pero más al del se su mi tu si sí este esta hoy aquí "
        "bien lo le ha buenas tardes noches mañana ayer ahora luego siempre nunca también "
        "tampoco ni nada algo todo todos toda todas otro otra cuando cuándo cuánto donde "
        "dónde porque quién ser estar tengo tiene tienes tener hay hace hacer puede puedes "
        "puedo quiero quieres vamos voy va soy eres somos fue era nos me te les sus mis "
        "nuestro nuestra ese esa eso esto sin sobre entre hasta desde antes después muchas "
        "mucho mucha claro supuesto vale favor ningún ninguna algún nuevo nueva año tiempo "
        "gente cosa señor adiós bueno buena dos tres cuatro cinco seis siete ocho nueve diez "
        "lunes martes miércoles jueves viernes sábado domingo perdón padre madre hermano "
        "hermana amigo casa mundo vida agua dinero libro nombre semana mes hora minuto tarde "
        "temprano listo derecha izquierda idea dice decir dijo preguntar vive trabaja juega "
        "toca ver ve encontrar viene venir había han hemos sería será podría debe debería "
        "dejar ella él ellos ellas nosotros ustedes cada varios algunos unas unos mejor peor "
        "mal mismo misma así casi cerca lejos arriba abajo poco fin país ciudad trabajo",
        "it": "il lo la gli le e è non un una con per che di come sono molto buongiorno ciao "
        "grazie sta lei ma più del della nel i io tu mi si sì questo questa oggi qui bene ha "
        "al dei alla anche cosa ci vi ne da dal dalla dalle alle ai agli allo nella nelle "
        "sul sulla degli delle dello un' l' d' all' dell' c' com' domani ieri ora adesso "
        "sempre mai già ancora tutto tutti tutta tutte altro altra quando quanto dove perché "
        "chi quale essere avere ho hai abbiamo hanno sei siamo era fare fa faccio può posso "
        "voglio vuoi andiamo vado va mio mia tuo suo sua suoi nostro nostra quello quella "
        "senza su tra fra fino prima dopo mille certo prego buona buon sera notte giorno "
        "nessun nessuno nuovo nuova anno tempo gente solo poi però se idea bello bella "
        "signore arrivederci problema niente qualcosa uno due tre quattro cinque sette otto "
        "nove dieci lunedì martedì mercoledì giovedì venerdì sabato domenica scusa scusi "
        "padre madre fratello sorella amico casa mondo vita acqua soldi libro nome settimana "
        "mese minuto tardi ritardo pronto destra sinistra buoni dice dire detto chiedere "
        "vive lavora gioca suona vedere vede trovare viene venire aveva saremo sarebbe sarà "
        "potrebbe deve devo dovrebbe lasciare lui loro noi voi ogni alcuni alcune meglio "
        "peggio male stesso stessa così quasi vicino lontano sopra sotto poco fine paese "
        "città lavoro favore",
        "pt": "o a os as e é não um uma com por para que de do da em no na como está são muito bom "
        "dia olá obrigado obrigada você mas mais eu ele ela se seu sua meu minha sim este "
        "esta hoje aqui bem ao dos das foi nos nas à às pelo pela pelos num numa aos boa "
        "tarde noite amanhã ontem agora depois sempre nunca também nem nada algo tudo todos "
        "toda todas outro outra quando quanto onde porque quem qual ser estar tenho tem "
        "temos ter há faz fazer pode posso quero quer vamos vou vai sou somos era nós me te "
        "lhe seus suas nosso nossa esse essa isso isto sem sobre entre até desde antes muita "
        "muitas claro favor tá nenhum nenhuma novo nova ano tempo gente coisa senhor tchau "
        "ideia já só lá problema dois duas três quatro cinco seis sete oito nove dez segunda "
        "terça quarta quinta sexta sábado domingo desculpe desculpa perdão pai mãe irmão "
        "irmã amigo casa mundo vida água dinheiro livro nome semana mês hora minuto cedo "
        "pronto direita esquerda diz dizer disse perguntar mora vive trabalha joga toca ver "
        "vê encontrar vem vir havia têm tinha seria será poderia deve devia deveria deixar "
        "eles elas vocês cada vários alguns algumas melhor pior mal mesmo mesma assim quase "
        "perto longe acima abaixo pouco fim país cidade trabalho sorte bons boas",
    }.items()
}
_LETTERS: Mapping[str, str] = {
    "ñ": "es", "¿": "es", "¡": "es", "ß": "de", "ä": "de", "ö": "de", "ü": "de es",
    "ã": "pt", "õ": "pt", "ç": "pt fr", "œ": "fr", "ê": "fr pt", "î": "fr", "û": "fr",
    "ë": "fr", "ï": "fr", "â": "fr pt", "ô": "fr pt", "è": "it fr", "ò": "it", "ì": "it",
    "ù": "it fr", "à": "it fr pt", "í": "es pt", "ó": "es pt", "ú": "es pt", "á": "es pt",
    "é": "fr es pt",
}  # fmt: skip
_ENDINGS: Mapping[str, str] = {
    "ing": "en", "tion": "en fr", "ness": "en", "ful": "en", "ght": "en", "ould": "en",
    "ung": "de", "keit": "de", "heit": "de", "lich": "de", "isch": "de", "cht": "de", "tz": "de",
    "eux": "fr", "eau": "fr", "aux": "fr", "ment": "fr", "ez": "fr", "oir": "fr", "ais": "fr",
    "ción": "es", "dad": "es", "iendo": "es", "ito": "es it", "mente": "es it pt", "ar": "es pt",
    "zione": "it", "tà": "it", "ggio": "it", "ato": "it", "ino": "it", "are": "it", "iamo": "it",
    "ção": "pt", "ções": "pt", "dade": "pt", "inho": "pt", "nha": "pt", "ão": "pt", "eiro": "pt",
}  # fmt: skip
_ENDING = 0.4  # of a word
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LOOK_AT_CHARS = 400
_LEAST, _LEAD = 1.0, 0.5


def _weights() -> dict[str, dict[str, float]]:
    """A word has weight 1, shared by the languages that have it."""
    weights: dict[str, dict[str, float]] = {}
    for word in frozenset().union(*_WORDS.values()):
        owners = [language for language, words in _WORDS.items() if word in words]
        weights[word] = dict.fromkeys(owners, 1 / len(owners))
    return weights


def _shared(owners: str, weight: float) -> dict[str, float]:
    languages = owners.split()
    return dict.fromkeys(languages, weight / len(languages))


_WEIGHTS = _weights()
_LETTER_WEIGHTS = {letter: _shared(owners, 1.0) for letter, owners in _LETTERS.items()}
_ENDING_WEIGHTS = {ending: _shared(owners, _ENDING) for ending, owners in _ENDINGS.items()}
_LONGEST_ENDING = max(map(len, _ENDINGS))


def _of_token(token: str) -> Iterator[Mapping[str, float]]:
    """The weights of a word: its own, else those of its clitic, its rest and its ending."""
    if token in _WEIGHTS:
        yield _WEIGHTS[token]
        return
    clitic, apostrophe, rest = token.partition("'")
    if apostrophe:
        yield _WEIGHTS.get(clitic + apostrophe, {})
        token = rest
        yield _WEIGHTS.get(token, {})
    for length in range(min(_LONGEST_ENDING, len(token) - 2), 1, -1):
        if token[-length:] in _ENDING_WEIGHTS:
            yield _ENDING_WEIGHTS[token[-length:]]
            return


def latin_language(text: str, among: Iterable[str] = tuple(_WORDS)) -> str | None:
    """BCP-47 tag of the language the text is clearly in, one of ``among``; else None."""
    head = text[:_LOOK_AT_CHARS].lower().replace("’", "'")
    scores = dict.fromkeys(_WORDS, 0.0)
    found = [weights for token in _TOKEN.findall(head) for weights in _of_token(token)]
    found += [_LETTER_WEIGHTS[letter] for letter in set(head) & _LETTER_WEIGHTS.keys()]
    for weights in found:
        for language, weight in weights.items():
            scores[language] += weight
    ranked = sorted(((score, language) for language, score in scores.items()), reverse=True)
    (best, language), (second, _) = ranked[:2]
    clear = best >= _LEAST and best - second >= _LEAD
    return language if clear and language in among else None
