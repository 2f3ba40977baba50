"""Turkish, Greek, Finnic, Hungarian, Vietnamese, Indic, Semitic and others: segmenter tables.

Scope: data, in the shape of ``words.LanguageWords``; at the end, what follows a closing quote in
languages that report speech without a change of case.
"""

from __future__ import annotations

from dragoman.policy.segmentation.data.words import LanguageWords

TURKISH = LanguageWords(
    never="""
        dr prof doç yrd av müh sn hz bkz örn krş yak yy alb gen org cad sok mah apt blv şti tic san
    """,
    number="no s sf sayf cilt böl mad tel",
    either="a.ş ltd",
    usually="vb vs vd vbg",
    unit="dk sn saat",
    starters="""
        bu şu o ben sen biz siz onlar bir ve ama fakat çünkü sonra önce şimdi bugün yarın dün orada
        burada ne nasıl neden niçin kim nerede her hiç çok daha evet hayır
    """,
    common="evet var yok bu şu o ben sen biz siz çok iyi daha gel git oldu ev gün yıl mı mi mu mü",
)

GREEK = LanguageWords(
    never="κ κα κος κυρ δρ καθ π.χ πχ δηλ βλ πρβλ λ.χ αγ οδ λεωφ τηλ περ στρ συν",
    number="αρ σελ αρθ κεφ εικ παρ",
    usually="κ.λπ κλπ κ.ά κτλ κ.τ.λ κ.α κ.ο.κ π.μ μ.μ",
    unit="ευρ λεπ χλμ εκ",
    starters="""
        ο η το οι τα ένας μια ένα αυτός αυτή αυτό εμείς εσείς εγώ εσύ στο στη στην στον με σε από
        για και κι αλλά ή αν όταν πού πώς τι ποιος γιατί μετά πριν τότε τώρα σήμερα αύριο χθες εκεί
        εδώ όλα όλοι δεν ναι όχι θα να
    """,
    common="ναι όχι εδώ εκεί τώρα μου σου του της μας σας τους εγώ εσύ όλα όλοι καλά ξέρω",
)

FINNIC = LanguageWords(
    never="esim ns mm ks vrt tri toht prof dr kpl nk nt vt sh lk",
    number="s nro nr lk",
    usually="jne ym yms jms jpt",
    unit="v kk min h klo milj mrd kr",
    starters="""
        hän se ne he me te minä sinä tämä tuo nyt sitten kun jos mutta ja tema nad meie mina see
    """,
    common="on ei se hän me te he nyt niin hyvä joo ja jah siin",
)

HUNGARIAN = LanguageWords(
    never="pl dr prof ifj id özv ún kb ill dl vö ld br gr",
    number="sz o old kb tel",
    usually="stb",
    unit="ft eft perc mp",
    starters="""
        a az ő ők mi ti én te ez egy és de hogy ha mert most ma holnap tegnap itt ott nem igen
    """,
    common="igen nem itt ott most ma ő az ez jó van volt lesz",
)

VIETNAMESE = LanguageWords(
    never="TS ThS GS PGS BS KS CN LS TP Tp TX TT Tr ĐT NXB Ths Ts Gs vd",
    number="tr số đ điều",
    usually="v.v vv",
    starters="ông bà anh chị em tôi nó họ chúng cô chú bác đây đó khi nếu nhưng và sau trước",
    common="có rồi đi về nhà tôi nó họ ạ nhé vui quá lắm thôi được đây đó em anh chị",
    speech="nói hỏi đáp bảo kêu",
)

INDIC = LanguageWords(
    never="""
        डॉ डा श्री प्रो पं कु सु इं ले कै मे क ख ग ए बी सी डी ई एफ जी एच आई जे के एल एम एन ओ पी क्यू
        आर एस टी यू वी डब्ल्यू एक्स वाई ज़ेड रु सं नं उदा ডা ডাঃ ড মোঃ মো திரு டாக்டர் డా శ్రీ ഡോ ಡಾ
        ડૉ ਡਾ
    """,
    number="पृ नं क्र",
    unit="रु कि.मी किमी",
)

SEMITIC = LanguageWords(
    never="د أ م ص ب ت هـ ق.م د.أ أ.د وغ ד״ר פרופ עו״ד גב מר רח טל עמ לדוג دکتر مهندس ص.ب ش ڈاکٹر",
    usually="إلخ الخ وכו וכד وغيرها ק.מ",
)

INDONESIAN = LanguageWords(
    never="jl dr drs dra ir hj bpk sdr sdri yth kab kec prov kel a.n d.a u.p s.d",
    number="no hlm hal tgl",
    usually="dll dsb dst",
    starters="""
        ini itu dia mereka kami kita saya anda di ke dari dan tetapi tapi jika ketika apa siapa
    """,
    common="ya ini itu dia kami kita saya anda sini situ ada saja juga lagi kok deh dong",
)

BALTIC = LanguageWords(
    never="pvz t.y t.t prof dr kt doc gyd pr al piem",
    number="nr psl lpp",
    usually="ir.t.t utt u.c kt",
    unit="m d val min tūkst mln",
)

GEORGIAN_ARMENIAN = LanguageWords(never="ქ ბ-ნი ქ-ნი ე.ი მაგ ე.წ օր")

TABLES = (
    TURKISH,
    GREEK,
    FINNIC,
    HUNGARIAN,
    VIETNAMESE,
    INDIC,
    SEMITIC,
    INDONESIAN,
    BALTIC,
    GEORGIAN_ARMENIAN,
)

JAPANESE_GOES_ON = ("と", "って", "を", "など", "なんて")
"""What follows a closing quote that is a part of the sentence around it..."""
JAPANESE_STARTS = (
    "ところ",
    "とても",
    "とにかく",
    "とりあえず",
    "ともかく",
    "とき",
    "とある",
    "とうとう",
)
"""... but these words begin a sentence of their own."""
CHINESE_SPEECH = "说說问問道喊叫答嚷吼"
"""A verb of speech; the name in front of it is short."""
KOREAN_SPEECH = (
    *("물었", "물어", "말했", "말하", "대답", "외쳤", "외치", "소리쳤", "속삭", "중얼", "덧붙"),
    *("하고", "라고", "이라고", "했다", "했어", "했습", "답했", "되물"),
)
"""How a verb of speech begins."""
