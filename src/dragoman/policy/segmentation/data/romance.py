"""French, Spanish, Italian, Portuguese, Catalan, Romanian: tables for the segmenter.

Scope: data, in the shape of ``words.LanguageWords``.
"""

from __future__ import annotations

from dragoman.policy.segmentation.data.words import LanguageWords

FRENCH = LanguageWords(
    never="MM Mme Mmes Mlle Mlles Mgr Me Pr Dr p.ex c-à-d c.-à-d c.à.d cf env av apr bd boul s.v.p",
    number="n nº n° art chap fig p pp t vol éd janv févr fév avr juil sept oct nov déc tél réf",
    either="J.-C j.c",
    usually="etc",
    unit="min sec",
    starters="""
        le la les l un une des il elle ils elles on nous vous je tu ce cette ces c'est dans en au
        aux à et mais ou donc or ni car puis ensuite alors après avant quand si comme pour avec sans
        sur sous par qui que quoi où pourquoi comment aujourd'hui demain hier maintenant ici là tout
        toute tous mon ma mes son sa ses notre nos leur leurs ne pas plus non oui
    """,
    common="""
        oui non ici là lui elle toi moi nous vous eux pas plus bien mal tout rien fin jour nuit
    """,
)

SPANISH = LanguageWords(
    never="""
        sr sra sres sras srta srtas dr dra dres dª dña lic ing arq prof profa ud uds vd vds p.ej pej
        av avda c/ fco mª sto sta gral cnel tte aprox ej excmo excma ilmo ilma admón
    """,
    number="pág págs p núm núms n.º nº art arts cap caps fig vol tel tfno ene abr dic s.s",
    either="ee.uu eeuu s.a s.l ss.mm rr.hh cía hnos a.c d.c",
    usually="etc p.m a.m",
    unit="min seg h hs",
    starters="""
        el la los las un una él ella ellos ellas nosotros yo tú usted ustedes esto este esta eso ese
        esa en de del al a por para con sin sobre y pero o aunque cuando si como donde qué quién
        cómo cuándo dónde hoy mañana ayer ahora aquí allí luego después antes entonces también no sí
        ya todo todos muchos su sus mi mis nuestro nadie le se lo
    """,
    common="""
        sí no aquí allí hoy ya bien mal más él ella eso esto así todo nada casa vez día año mar
    """,
)

ITALIAN = LanguageWords(
    never="""
        sig sigg sig.ra sig.na dott dr dott.ssa prof prof.ssa ing avv geom mons p.es ad.es cfr ca
        egr spett c.so v.le p.za
    """,
    number="pag pagg n art cap fig vol tel gen febb apr mag giu lug ago sett ott dic",
    either="s.p.a spa s.r.l srl a.c d.c",
    usually="ecc etc",
    unit="min sec",
    starters="""
        il lo la i gli le un uno una egli lui lei loro noi voi io tu questo questa quello quella in
        di del della a al alla da dal per con su tra fra e ed ma o se quando come dove chi che cosa
        perché oggi domani ieri ora adesso qui là poi dopo prima allora anche non sì no tutto tutti
        molti suo sua mio mia nostro nessuno
    """,
    common="sì no qui là lui lei noi voi loro bene male più poi ora già casa anno qua tu io ok",
)

PORTUGUESE = LanguageWords(
    never="""
        sr sra srs sras dr dra drs prof profa eng exmo exma ilmo v.exa dª p.ex av pça cel gen sto
        sta aprox
    """,
    number="pág págs p n n.º nº núm art cap fig vol tel fev abr mai dez",
    either="s.a ltda cia e.u.a eua a.c d.c",
    usually="etc",
    unit="min seg",
    starters="""
        o a os as um uma ele ela eles elas nós eu você vocês isto este esta isso esse essa em no na
        nos nas de do da ao por para com sem sobre e mas ou se quando como onde quem que quê porque
        hoje amanhã ontem agora aqui ali lá depois antes então também não sim já tudo todos muitos
        seu sua meu minha nosso ninguém
    """,
    common="sim não aqui ali lá hoje já bem mal mais ele ela isso isto tudo nada casa vez dia ano",
)

OTHERS = LanguageWords(
    never="dl dna d-l d-na str bl ap dvs șos bd vg p.e av pl sra nr",
    number="núm pàg art cap vol fig pag",
    usually="ș.a etc șamd ș.a.m.d",
    starters="""
        el ea ei ele noi voi eu tu acest această în la de pe cu și dar el els les un una però
    """,
)

TABLES = (FRENCH, SPANISH, ITALIAN, PORTUGUESE, OTHERS)
