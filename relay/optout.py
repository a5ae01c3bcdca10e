"""Whether a text that came in asks for no more texts, in plain words of English, Spanish and French.

A request counts in any reasonable words (47 CFR 64.1200(a)(10)); the words that carriers know are those of the CTIA's
messaging principles. When it is not clear, nobody is opted out: `unsure` says that a person should read it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MARK = "opted_out"
"""Note on a delivery that was planned when this person asked to stop; it says who."""
_LONGEST = 1600
"""Characters of a text that are read; ten segments."""
_SIGNS = {"🛑", "⛔", "🚫"}
_ODD_SIGNS = {"✋", "🖕", "🤚", "👎"}
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufe0e\ufe0f\ufeff\U0001f3fb-\U0001f3ff]")
# A phone's reaction repeats our own text, with our own "Reply STOP to opt out" in it.
_REACTION = re.compile(
    r"\s*(?:liked|loved|disliked|emphasi[sz]ed|questioned|laughed at|reacted\b.{0,20}\bto|removed an? .{1,20} from|"
    r"le gusto|a .{1,40} le (?:gusto|encanto))\s+[\"\u201c\u201d\u00ab]"
)
_QUOTED = re.compile(r"[\"\u201c\u201d\u00ab\u00bb][^\"\u201c\u201d\u00ab\u00bb]*[\"\u201c\u201d\u00ab\u00bb]")
_OUR_WORDS = re.compile(r"\b(?:reply|text|txt|send|respond|answer)(?: with)? stop\b(?: to \w+(?: \w+)?)?")
_SPELT_OUT = re.compile(r"\b(?:[a-z] ){3,}[a-z]\b")

_POLITE_WORDS = """
a ahora already and dude favor fucking gracias guys hello hey hi hola immediately just kindly maintenant man me merci
mr mrs ms now oh ok okay omg please pls plz por real right sir stp svp so thank thanks to us vous wtf ya you
"""
_POLITE = frozenset(_POLITE_WORDS.split())
"""Words that change nothing around a request."""

_ALWAYS = frozenset(
    {
        *("stop", "stp", "sotp", "stopp", "stopall", "stop all", "stopp all", "all stop", "full stop now"),
        *("unsubscribe", "unsubscribed", "unsubscribing", "unsuscribe", "unsubcribe", "un subscribe", "unsub"),
        *("optout", "opt out", "opt me out", "opting out", "opted out", "stop it", "stop this", "just stop"),
        *("alto", "basta", "alto ya", "ya basta", "pare", "paren", "parar", "desuscribir", "desuscribirme"),
        *("arret", "arrete", "arreter", "arretez", "desabonner", "desabonnement", "desabonnez moi"),
    }
)
"""What is a request as the whole of a text, and as its first or last sentence."""
_ALONE = frozenset(
    {
        *("cancel", "cancelled", "end", "quit", "quit it", "end this", "revoke", "halt", "cease", "cease and desist"),
        *(
            "no text",
            "no texts",
            "no messages",
            "no sms",
            "end all",
            "cancel all",
            "quit all",
            "remove me",
            "delete me",
            "take me off",
            "no more",
            "go away",
        ),
        *("fuck off", "piss off", "leave me alone", "delete my number", "lose my number", "lose this number"),
        *("para", "detener", "detente", "detenganse", "cancelar", "cancela", "cancele", "salir", "baja"),
        *("no mas", "fin", "dejenme en paz", "dejame en paz", "annuler"),
    }
)
"""What is a request only as the whole of a text: beside other words it mostly means something else."""

_TEXTS = r"(?:txts?|texts?|texting|txting|messag(?:e|es|ing)|msgs?|sms|contact(?:ing)?|writing|communications?|spam)"
_DOING = r"(?:texting|txting|messaging|msging|contacting|calling|spamming|harassing|bothering|sending|writing)"
_NOT = r"(?:do not|dont|never|please no|wish not to|no need to)"
_STOP = r"(?:stop|stopp|quit|cease|halt|end)"
_SOON = r"(?:please|now|again|immediately|asap|thanks|already|at once)"
_ASKED = (
    # stop texting me; quit sending me these messages; stop all texts; end these texts
    (
        rf"\b{_STOP}(?: (?:with|w|sending(?: me| us)?))?(?: (?:all|the|these|those|this|your|ur|any|damn))* {_TEXTS}"
        rf"(?= (?:me|us|my|this|here|to|and|or|you|it|i)\b| \||$| {_SOON}\b)"
    ),
    rf"\b{_STOP}(?: the| all| fucking)? {_DOING}(?= (?:me|us|my|this|here|these|any|so|and)\b| \||$| {_SOON}\b)",
    # do not text me again; dont ever contact this number
    (
        rf"\b{_NOT} (?:ever )?(?:text|txt|message|msg|sms|contact|call or text|text or call|bother|spam|write)"
        r"(?: or (?:call|text|message))? (?:me|us|here|(?:this|my) (?:number|phone|cell))\b"
    ),
    rf"\b{_NOT} (?:ever )?send (?:me |us )?(?:any |more |anymore |these |another |a )*{_TEXTS}\b",
    # i dont want any more texts; no longer wish to receive messages; never asked to be contacted
    (
        r"\b(?:dont|do not|not|no longer|never|didnt) (?:want|wish|like|wanna|agree|ask|asked|sign up)(?: to)?"
        r"(?: (?:get|getting|receive|receiving|be|being|for|any|more|your|ur|these|the|further|anymore|have))* "
        rf"(?:{_TEXTS}|texted|messaged|contacted)\b"
    ),
    r"\b(?:revoke|withdraw|withdrawing|revoking) (?:my )?(?:consent|permission)\b",
    rf"\bno (?:more|further)(?: (?:of )?(?:these|your|the))? {_TEXTS}\b",
    rf"\bno {_TEXTS} (?:please|pls|thanks|thank you)\b",
    # remove me from your list; take my number off; opt me out; unsubscribe me
    (
        r"\b(?:remove|delete|take|drop|scrub) (?:me|my (?:number|phone|info|cell)|this number|us)(?: off| out)?"
        r"(?: (?:from|of|off))? (?:your|the|this|that|ur|all|any) (?:\w+ )?"
        r"(?:lists?|texts?|texting|messages|database|contacts|system|records|sms|files?)\b"
    ),
    rf"\b(?:remove|delete|lose) (?:my|this) (?:number|phone|cell)(?= \||$| from\b| {_SOON}\b)",
    rf"\btake (?:me|my number|this number) off(?= \||$| {_SOON}\b)",
    (
        r"\bopt (?:me |us |my number )?out(?= \||$| (?:please|now|of (?:\w+ )?"
        r"(?:texts?|texting|messages?|messaging|sms|this|these|it|all|everything|your))\b)"
    ),
    rf"\bremove me(?= \||$| {_SOON}\b)",
    r"\b(?:be|get) (?:removed|taken off)(?: from| off)?(?: your| the| this| all)? (?:lists?|texts?|messages)\b",
    r"\b(?:unsubscribe|unsuscribe|unsubcribe)\b",
    # Spanish
    (
        r"\b(?:deja|deje|dejen|dejar|para|pare|paren) de "
        r"(?:escribir|mandar|enviar|textear|molestar|contactar|llamar)(?:me|nos|le)?\b"
    ),
    (
        r"\bno (?:me|nos) (?:escrib\w+|mand\w+|envi\w+|text\w+|contact\w+|molest\w+|llam\w+)"
        r"(?: (?:mas|nunca|ya|otra|otro))*(?: (?:mensajes?|textos?|sms|vez))?(?= \||$| por favor)"
    ),
    r"\b(?:no|ya no) (?:quiero|deseo)(?: (?:mas|recibir|sus|que|estos|tus))* (?:mensajes?|textos?|sms)\b",
    r"\bno mas (?:mensajes?|textos?|sms)\b",
    r"\b(?:darme|dame|deme|denme|darnos) de baja\b",
    r"\b(?:borr\w+|elimin\w+|quit\w+) mi numero\b",
    r"\b(?:quit\w+me|saqu\w+me|elimin\w+me|borr\w+me) de (?:la|su|esta|tu) lista\b",
    # French
    (
        r"\b(?:arrete|arretez|arreter|cessez) (?:de |d )?(?:m ?)?"
        r"(?:envoyer|texter|ecrire|contacter|les (?:textos|messages))"
    ),
    r"\bne m ?(?:ecrivez|envoyez|textez|contactez) plus\b",
)
_STRONG = re.compile("|".join(_ASKED))
_WHEN = (
    r"(?:until|till|before|after)(?! i (?:call|report|sue|block))|unless|while|when(?! will)|between|during|except|"
    r"if(?! you (?:dont|do not|can|could|would|please))|by (?:phone|calling)|at (?:night|work|home|this hour|\d+)|"
    r"on (?:sundays?|saturdays?|weekends?|mondays?)|(?:so|this) (?:late|early)|antes|despues|hasta|mientras"
)
_CONDITION = re.compile(rf"^(?: \w+){{0,4}} (?:{_WHEN})\b")
_HINT = (
    r"st+o+p+\w*|quit|cancel\w*|unsub\w*|opt(?:ed|ing)? out|optout|end|revoke|remove|delete|spam|scam|lawyer|report\w*|"
    r"harass\w*|wrong (?:number|person)|not interested|signed up|leave me|take me off|no more|do not|"
    r"dont (?:text|contact|message|call)|who (?:is|the \w+ is) this|"
    r"alto|parar?|paren?|basta|baja|no mas|no me|numero equivocado|arret\w*"
)
_HINTS = re.compile(rf"\b(?:{_HINT})\b")
_NOT_SO = r"(?:dont|do not|doesnt|didnt|cant|cannot|wont|never|not|wouldnt|shouldnt|no (?:te|se|lo))"
# Only right before the request: "I am not interested stop texting me" and "if you don't stop" are requests.
_NEGATED = re.compile(
    rf"\b(?<!if you )(?<!why ){_NOT_SO}(?: ever| (?:want|need|mean|ask|like) (?:you )?to)? $|"
    r"\b(?:if|until|unless|before) (?:you|i)(?: want to)? $|\b(?:did you|did i|was i|am i)(?: \w+){0,2} $"
)
_STARTS = {"start", "unstop"}


def asks_to_stop(body: str) -> bool:
    """Whether the sender of this text wants no more of ours."""
    return _judged(body[:_LONGEST]) is True


def asks_to_start(body: str) -> bool:
    """Whether the sender takes an opt-out back: the one word START or UNSTOP, and nothing beside it.

    Case, blanks and a full stop or exclamation mark around it do not matter. YES is not enough: it answers questions.
    """
    return unicodedata.normalize("NFKC", body[:_LONGEST]).strip(" \t\r\n.!\"'").casefold() in _STARTS


def unsure(body: str) -> bool:
    """Whether a person should read this text, as it may ask for no more of ours but does not clearly say so."""
    return _judged(body[:_LONGEST]) is None


@lru_cache(1024)
def _judged(body: str) -> bool | None:
    """True for a request, None where it may be one, False where nothing hints at it."""
    text = _INVISIBLE.sub("", body)
    signs = {sign for sign in text if not sign.isspace() and sign not in ".!?"}
    if signs and signs <= _SIGNS | _ODD_SIGNS:
        return True if signs & _SIGNS else None
    folded = _folded(text)
    if _REACTION.match(folded):
        return None if folded.strip().startswith(("disliked", "questioned")) else False
    bare = folded.strip(" \t\r\n\"\u201c\u201d\u00ab\u00bb'")
    said = _sentences(bare if _QUOTED.fullmatch(folded.strip()) else _QUOTED.sub(" | ", bare))
    if _plainly(said) or _strongly(_OUR_WORDS.sub(" | ", " | ".join(said) + " |")):
        return True
    return None if _HINTS.search(" ".join(said)) or _SIGNS & set(text) else False


def _folded(text: str) -> str:
    """Lower case, without accents; full-width and styled letters become plain ones."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _sentences(text: str) -> list[str]:
    """What stands between full stops, commas and the like; each is words with one blank between them."""
    joined = re.sub(r"(?<=\w)['\u2018\u2019`\u00b4](?=\w)", "", text)
    letters = _SPELT_OUT.sub(lambda found: found[0].replace(" ", ""), re.sub(r"(?<=\b\w)[.\-*_](?=\w\b)", " ", joined))
    parts = re.split(r"[.!?,;:\n\r()\u2026\u2013\u2014\u00bf\u00a1|]+|\s-+\s", letters)
    found = [" ".join(re.findall(r"\w+", part)) for part in parts]
    return [re.sub(r"\bst+o+p+\b", "stop", part) for part in found if part]


def _plainly(said: list[str]) -> bool:
    """Whether it is a word of request with nothing but politeness around it, or opens or closes with a clear one."""
    if not said:
        return False
    if _core(" ".join(said)) in _ALWAYS | _ALONE:
        return True
    words = " ".join(said).split()
    if len(words) > 1 and set(words) == {"stop"}:
        return True
    return any(_core(part) in _ALWAYS for part in (said[0], said[-1]))


def _core(part: str) -> str:
    """The words without the polite ones before and behind them."""
    if part in _ALWAYS or part in _ALONE:
        return part
    words = part.split()
    while words and words[0] in _POLITE and " ".join(words) not in _ALWAYS | _ALONE:
        words.pop(0)
    while words and words[-1] in _POLITE and " ".join(words) not in _ALWAYS | _ALONE:
        words.pop()
    return " ".join(words)


def _strongly(said: str) -> bool:
    """Whether it asks in so many words somewhere, neither negated nor only for some hours or on some condition."""
    for found in _STRONG.finditer(said):
        before = said[: found.start()].rpartition("|")[2]
        after = said[found.end() :].partition("|")[0].rstrip()
        if not _NEGATED.search(before) and not _CONDITION.search(after):
            return True
    return False
