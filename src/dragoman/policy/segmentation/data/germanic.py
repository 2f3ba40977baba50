"""English, German, Dutch and the Scandinavian languages: tables for the segmenter.

Scope: data, in the shape of ``words.LanguageWords``.
"""

from __future__ import annotations

from dragoman.policy.segmentation.data.words import LanguageWords

ENGLISH = LanguageWords(
    never="""
        mr mrs Ms mx dr prof messrs mme Gen Col Capt Cpt Lt Sgt Cpl Maj Cmdr Adm Rev Hon Sen Rep Gov
        Pres Fr Br Sr Supt Det Insp Amb Atty Msgr Mt Ft vs viz e.g eg i.e ie cf approx esp incl excl
        c.f al w.r.t a.k.a aka resp Asst Assoc Pvt Pfc Spc Ald Cllr Hwy Rte Univ
    """,
    number="""
        no nos p pp pg fig figs vol vols ch chap sec sect art par para ex ed eq eqs tab app op cit
        jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun
        tel ext rm apt ste ver ca c est b d r n.b cl
    """,
    either="""
        jr sr inc ltd co corp llc plc bros u.s u.k u.n e.u u.s.a d.c l.a n.y st ave blvd rd ln sq
        dept ph.d m.a b.a m.d b.sc m.sc m.s b.s d.phil esq r.i.p mfg intl natl assn govt p.o u.s.s.r
        n.b
    """,
    usually="etc p.m a.m pm am b.c a.d b.c.e c.e et.al ibid",
    unit="""
        ft in yd yds mi oz lb lbs min mins sec secs hr hrs h wk wks mo mos yr yrs cm mm km m kg g mg
        ml l gal qt pt tsp tbsp sq cu mph deg cent hp rpm pct
    """,
    marked="Yahoo Jeopardy Wham Joomla Yum Oklahoma Guess Hulu",
    starters="""
        the this that these those it he she they we you i in on at but and so then when while if
        after before there here what why how who where which however our my his her their its a an
        for as with to from by no yes not once since although because some many most all each every
        both let please do did does is are was were can could would will should may might today
        tomorrow yesterday now later next first finally also instead meanwhile nobody everyone
        everybody someone somebody people another one two during until only even still just never
        always often sometimes perhaps maybe again well oh ok okay thanks turn look see ask call
        come go take make don't it's that's he's she's there's they're we're you're i'm i'll let's
        nothing something everything others several few such under over between without within
        together according like unlike thus therefore hence
    """,
    common="""
        hi hey bye wow aha hm hmm um uh oh ah sir it me you him her them us this that now here then
        too yes ok okay well day time home back up out off so do be is was are all way work one two
        go know see much more less soon good bad fine new old ever away down left both life love
        need help stop wait done gone true nice sure said did had has hers mine ours ago door food
        fun game idea talk car job ice tea cup war year week book word land door hand head side face
        eyes kids boy girl man men team dog cat
    """,
    months="January February March April May June July August September October November December",
    days="""
        Monday Tuesday Wednesday Thursday Friday Saturday Sunday EST EDT ET CST CDT CT MST MDT MT
        PST PDT PT GMT UTC BST CET CEST IST JST
    """,
    elided="tis twas twere twill em n cause til till bout round neath cept cos coz ere gainst",
    speech="""
        said says asked asks replied answered shouted cried called whispered yelled added muttered
        exclaimed murmured explained screamed snapped told wondered
    """,
)

GERMAN = LanguageWords(
    never="""
        Hr Hrn Fr Frl Dipl Ing Mag Priv.-Doz Doz z.b zb d.h dh u.u i.d.r o.ä.d bzw ca evtl ggf vgl
        inkl zzgl exkl insb bes sog gem lt zw einschl ausschl abzgl bezgl betr dgl Hl gest geb verh
        z.t z.zt zt z.hd i.a i.v u.a.m m.e a.d v.a o.g s.o s.u u.v.m Fa Gebr Bf Hbf svw entspr urspr
        allg verm vorm nachm
    """,
    number="""
        nr s abs art bd bde kap aufl ziff abb tab lfd sept okt dez jän mrz mo di mi do fr sa so str
        rn rdnr anm anl
    """,
    either="co mwst gmbh e.v n.chr v.chr ag jh jhd o.ä jr",
    usually="usw etc usf u.ä u.a u.s.w",
    unit="mio mrd std min sek tsd stk",
    starters="""
        der die das ein eine er sie es wir ich ihr man in im am an auf bei mit nach seit von vor zu
        und aber oder doch denn dann danach dort da hier heute morgen gestern jetzt wenn als weil ob
        auch so wie was wer wo warum wann nun noch nur schon sehr kein keine nicht alle viele manche
        dieser diese dieses sein seine mein meine unser unsere bitte später zuerst zuletzt
    """,
    common="""
        ja nein so da hier dort nun ihn ihm sie ihr uns euch mir dir mich dich an auf aus ein ab mit
        zu gut weit sehr ist war sein tun geht kam sah haus tag jahr uhr neu alt frei klar toll spät
        dran hin her los weg vor
    """,
    months="""
        Januar Jänner Februar März April Mai Juni Juli August September Oktober November Dezember
        Jan Feb Mrz Apr Jun Jul Aug Sep Sept Okt Nov Dez
    """,
    before_ordinal="""
        am der die das den dem des im vom zum beim zur ab bis seit jeder jede jedes jeden ihr ihre
        sein seine seinen mein meine meinen unser unsere unseren dieser diese dieses ein eine einen
        montag dienstag mittwoch donnerstag freitag samstag sonntag und
    """,
    after_ordinal="""
        Jahrhundert Jahrhunderts Jahrtausend Klasse Platz Stock Weltkrieg Weltkriegs Bundesliga
        Auflage Kapitel Tag Woche Monat Geburtstag Semester Runde Mal Teil Akt Band Halbzeit
        Hochzeitstag Etage Staffel Folge Spieltag Obergeschoss Advent
    """,
    particles="von van de der den di da del della des du do dos das la le les el al",
    elided="s n ne nen nem",
)

DUTCH = LanguageWords(
    never="""
        dhr mevr mw mej drs ir ing bijv bv d.w.z dwz m.b.t t.a.v i.v.m o.a oa t.o.v n.a.v o.i.d
        m.a.w a.h.w resp vgl zgn z.g t/m evt incl excl plm
    """,
    number="nr blz pag afb hfdst jl",
    usually="enz e.d etc e.a",
    starters="""
        de het een hij zij ze wij we ik jij je u dit dat deze die er hier daar toen dan als maar en
        of want ook nu vandaag morgen gisteren in op bij met na van voor wat wie waar wanneer waarom
        hoe niet geen alle veel
    """,
    common="""
        ja nee hier daar nu dan zo wel niet hem haar hen ons mij jou het is was gaat kwam huis dag
    """,
    elided="s t n k m r ns",
)

SCANDINAVIAN = LanguageWords(
    never="""
        t.ex t.eks f.eks dvs d.v.s bl.a s.k pga p.g.a m.fl.s jfr jf fr.o.m t.o.m resp osv.s inkl
        exkl ang vedr mht ift iht ca kl hr frk sml nuv
    """,
    number="nr s sid kap avd fig st stk",
    usually="osv m.m mm o.s.v m.fl mfl etc o.l o.d",
    unit="kr mio mia milj mkr tim",
    starters="""
        den det de en ett et han hon hun vi jag jeg ni du man i på av till til efter när når om men
        och og så då da där der här her nu idag imorgon igår också också inte ikke vad hva hvad hvem
        vem var hvor hur hvordan varför alla alle många
    """,
    common="ja nei nej her här der där nu så det den dem oss deg dig meg mig ham hem hus dag år",
    before_ordinal="den det de i på till til fra från",
)

TABLES = (ENGLISH, GERMAN, DUTCH, SCANDINAVIAN)
