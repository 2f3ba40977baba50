"""Russian, Ukrainian, Polish, Czech, Slovak and their kin: tables for the segmenter.

Scope: data, in the shape of ``words.LanguageWords``.
"""

from __future__ import annotations

from dragoman.policy.segmentation.data.words import LanguageWords

RUSSIAN = LanguageWords(
    year="г гг",
    never="""
        г гр гос проф акад доц ул просп пер пл наб бул ш обл р-н пос дер стр-во корп кв д ср см напр
        т.е т.к т.н т.наз т.о т.ч в.т.ч и.о о м пр-т тел зам зав инж ген кап лейт сер адм мин-во
        букв лат англ франц греч прим ред сост авт изд тов св преп
    """,
    number="стр с рис табл гл п пп ст ч вып т тт № разд",
    either="им н.э до.н.э р.х ф.и.о",
    usually="т.д т.п др пр проч",
    unit="""
        г гг в вв руб коп тыс млн млрд трлн мин сек ч час км м см мм кг л га шт долл экз чел дн мес
    """,
    starters="""
        он она оно они мы вы я ты это этот эта эти тот та те в во на с со к ко у о об от до из за по
        под при для без и а но или да нет если когда где куда как что кто почему зачем потом затем
        тогда теперь сейчас сегодня завтра вчера там здесь тут все всё всех его её их наш мой не ни
        уже ещё однако также поэтому после перед тем
    """,
    common="""
        да нет он она они мы вы ты я это там тут вот так как все всё ещё уже его её их нас вас дом
        день год раз мир час лес сад суд друг дела нём ней мне ему ей им тебе себе был была быть
        знаю жду идём
    """,
)

UKRAINIAN = LanguageWords(
    year="р рр",
    never="""
        р гр ім проф акад доц вул пров пл просп бульв обл р-н смт буд кв ред див напр т.зв т.б тобто
        п пп м о св тел заст
    """,
    number="стор с мал табл гл ст ч вип т №",
    usually="т.д т.п та.ін ін тощо",
    unit="р рр ст грн коп тис млн млрд хв сек год км м см кг л шт",
    starters="""
        він вона воно вони ми ви я ти це цей ця ці той та ті в у на з із зі до від за по під при для
        без і й а але або так ні якщо коли де куди як що хто чому потім тоді тепер зараз сьогодні
        завтра вчора там тут усі все його її їх наш мій не вже ще
    """,
    common="так ні він вона ми ви ти я це там тут ось усе все його її їх нас вас дім день рік раз",
)

POLISH = LanguageWords(
    year="r",
    never="""
        np tzn tj tzw prof dr hab inż mgr doc ks św ul al pl os pt im gen płk kpt por ppor sierż wg
        ob m.in min.in ds ww jw cd j.w śp bł abp bp lek
    """,
    number="nr s str rys tab rozdz art ust pkt poz t tel",
    usually="itd itp etc",
    unit="r w zł gr tys mln mld godz min sek km kg szt",
    starters="""
        on ona ono oni one my wy ja ty to ten ta te w we na z ze do od za po pod przy dla bez i a
        ale lub albo tak nie jeśli gdy kiedy gdzie jak co kto dlaczego potem teraz dziś jutro
        wczoraj tam tu tutaj wszyscy jego jej ich nasz mój już jeszcze
    """,
    common="tak nie on ona my wy ja ty to tam tu już go ją ich nas was dom raz dnia rok",
    before_ordinal="na w do od",
)

CZECH = LanguageWords(
    never="""
        např tzv tj pí sl prof dr ing mgr bc doc judr mudr phdr rndr mjr gen plk kpt por sv ul tř
        kpt resp popř hl vl zn zejm cca ca pozn srov
    """,
    number="č čís str s obr tab kap odst čl sv tel",
    usually="atd apod aj tzn atp ap",
    unit="tis mil mld hod min sek kč",
    starters="""
        on ona ono oni ony my vy já ty to ten ta v ve na s se z ze do od za po pod při pro bez i a
        ale nebo ano ne když kdy kde jak co kdo proč potom teď dnes zítra včera tam tady všichni
        jeho její jejich náš můj už ještě
    """,
    common="ano ne on ona my vy já ty to tam tady už ho ji je nás vás dům den rok",
)

BALKAN = LanguageWords(
    year="g god г",
    never="npr tj tzv gosp gđa gđ prof dr ul напр т.е т.нар проф ул бул г-н г-жа нпр тј ул",
    number="br str sl čl бр стр чл",
    usually="itd i.sl itn ipd и.др т.н итд",
    unit="god lv лв ст god г год",
    starters="on ona oni mi vi ja ti to u na i a ali то той тя те ние вие аз ти в на и но а",
)

TABLES = (RUSSIAN, UKRAINIAN, POLISH, CZECH, BALKAN)
