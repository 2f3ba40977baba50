"""What ends a sentence, in which languages: tables for ``policy.sentences``.

Law of this file: data only. Abbreviations are in lower case and without their last full stop.
"""

from __future__ import annotations

STRONG = frozenset("。！？｡।॥။។")
"""End a sentence by themselves: in their scripts no space need follow."""

WEAK = frozenset(".!?…؟۔։‼⁇⁈⁉")
"""End a sentence only if white space (or a script without spaces) follows."""

CLAUSE = frozenset(",;:，、；：،؛—–")
"""Where a sentence that is too long is cut."""

OPENERS = frozenset("“‘「『（《〈【([{«‹„")
CLOSERS = frozenset("”’」』）》〉】)]}»›\"'")

# No word that may well end a sentence ("no", "sat", "art") stands here: a missed cut costs some
# delay at that full stop, and so does a wrong one, but the wrong one is heard.
_ABBREVIATED = """
    mr mrs ms dr prof sr jr st mt ft gen col capt lt sgt rev hon sen rep vs etc eg ie cf al approx
    dept est inc ltd co corp fig figs nos vol vols pp eds ave blvd rd jan feb apr jun jul aug sep
    sept oct nov dec tue tues thu thur thurs fri
    bzw ca evtl ggf hr fr frl nr str usw vgl zb zt inkl zzgl tel mio mrd geb abs bd
    mme mlle mm env av chap
    sra srta dra ud uds pág págs núm aprox ee uu avda exmo exma sigg dott avv pag
    г гг тыс млн млрд руб коп ул стр рис см др пр
"""
ABBREVIATIONS = frozenset(_ABBREVIATED.split())
