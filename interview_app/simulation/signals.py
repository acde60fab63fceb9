"""What can be counted in an answer without understanding it, in English and German."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?=\S)[^.!?\n]+)*[.!?]*")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")

# Words to the grader instead of the interviewer: they must earn and cost nothing.
INJECTION = re.compile(
    r"""
    [<＜‹]\s*+/?\s*+\w+
    | \b(?:ignore|disregard|forget|override|bypass)\b
      .{0,80}\b(?:rubric|instructions?|previous|prior|rules|prompt|criteria|above|guidelines)\b
    | \b(?:ignoriere?|vergiss|missachte)\b
      .{0,80}\b(?:rubrik|anweisung\w*|regel\w*|kriterien|vorherig\w*|\w*bewertung\w*)\b
    | \b(?:give|award|assign|grant|output|return|set|score|rate|gib|vergib|bewerte)\b
      .{0,80}\b(?:5|five|fünf|full|maximum|max|highest|top|perfect|beste\w*|volle|höchst\w*)\b
    | \b(?:system|assistant|developer)\s*:
    | \bas\ an?\ (?:ai|language\ model)\b | \bals\ (?:ki|sprachmodell)\b
    | \b(?:new|neue)\s+(?:instructions?|rules|anweisung\w*|regeln)\b
    | ["']?\b(?:score|overall|rating|punkte|note)["']?\s*[:=]
    | \b5\s*(?:/|out\s+of|von)\s*5\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
PAST_TENSE = (
    r"(?:built|led|wrote|cut|made|took|found|set|ran|moved|went|told|got|kept|chose|drew|taught"
    r"|brought|sent|met|spoke|sat|gave|split|put|began|saw|stood|held|sold|bought|drove|did|\w{2,}ed)"
)
OWN_ACTION = re.compile(
    rf"\bI(?:\s+(?:also|then|first|therefore|\w+ly))?\s+{PAST_TENSE}\b"
    rf"|\b(?:and|then|,)\s+{PAST_TENSE}\b(?=\s+(?:the|a|an|it|them|him|her|my|our|each|every|\d))"
    r"|\bI(?:\s+would|['’]d)\s+(?:first\s+|then\s+)?(?!like|love|say|think)\w+"
    r"|\b(?:[Hh]abe|[Hh]atte)\s+ich\b|\b[Ii]ch\s+(?:habe|hatte)\b"
    r"|\b[Ii]ch\s+(?:\w{2,}te|schrieb|nahm|ging|fand|gab|traf|zog|sprach|rief|begann|hielt)\b"
    r"|\b(?:\w{2,}te|schrieb|nahm|ging|fand|gab|traf|zog|sprach|rief|begann)\s+ich\b"
    r"|\b(?:[Ii]ch\s+würde|[Ww]ürde\s+ich)\b(?!\s+sagen)"
)
EMPTY_ACTION = re.compile(
    r"\bI\s+(?:\w+ly\s+)?(?:believed|tried|wanted|needed|liked|loved|hoped|used)\b"
)
WE = re.compile(r"\b(?:we|our|us|ours|wir|uns|unser\w*)\b", re.IGNORECASE)
REASON = re.compile(
    r"\b(?:because|since then|so that|in order to|which meant|the reason|that is why|weil|damit"
    r"|deshalb|daher|denn|um\s+\w+\s+zu)\b",
    re.IGNORECASE,
)
RESULT = re.compile(
    r"\b(?:results?|resulted|outcome|reduced|increased|decreased|fell|dropped|rose|grew|saved|cut"
    r"|improved|doubled|halved|in the end|since then|afterwards|as a result|ended up|none since"
    r"|achieved|delivered|ergebnis\w*|reduziert\w*|gesenkt|gesunken|sank|stieg|gestiegen|verbessert\w*"
    r"|halbiert\w*|gespart|am ende|seitdem|danach|dadurch|gelungen|geschafft)\b",
    re.IGNORECASE,
)
LEARNT = re.compile(
    r"\b(?:learn(?:t|ed)|lesson|next time|differently|realised|realized|gelernt|nächstes mal"
    r"|anders machen|erkannt)\b",
    re.IGNORECASE,
)
SITUATION = re.compile(
    r"\b(?:when|while|during|last (?:year|month|week|spring|summer|autumn|winter)|in (?:19|20)\d\d"
    r"|at my|at the|in my|project|one day|once|als|während|letzt\w+ (?:jahr|monat|woche)|im jahr"
    r"|in meine[rm]|bei meine[rm]|projekt|einmal|praktikum|ausbildung|schule)\b",
    re.IGNORECASE,
)
OWN_TASK = re.compile(
    r"\b(?:my (?:task|job|role|part)|I was responsible|I was asked|I had to|I owned|was mine to"
    r"|meine aufgabe|ich war (?:verantwortlich|zuständig)|ich (?:musste|sollte))\b",
    re.IGNORECASE,
)
HABIT = re.compile(
    r"\b(?:always|usually|normally|generally|typically|immer|normalerweise|meistens|grundsätzlich)\b",
    re.IGNORECASE,
)
OPINION = re.compile(
    r"\b(?:I think|I believe|in my opinion|I feel|ich denke|ich finde|ich glaube|meiner meinung)\b",
    re.IGNORECASE,
)
SELF_DESCRIPTION = re.compile(
    r"\b(?:I am|I['’]m|ich bin)\s+(?:a|an|very|ein|eine|sehr)\b", re.IGNORECASE
)
ALTERNATIVE = re.compile(
    r"\b(?:instead|rather than|trade-?off|alternative\w*|depends|compared|versus|unless|either"
    r"|stattdessen|abwäg\w*|hängt davon|im vergleich|entweder|nachteil\w*|vorteil\w*)\b",
    re.IGNORECASE,
)
LIMITS = re.compile(
    r"\b(?:fail\w*|error\w*|edge case\w*|retr(?:y|ies)|time-?out\w*|duplicate\w*|lock\w*"
    r"|deadlock\w*|limit\w*|race condition\w*|rollback|monitor\w*|alert\w*|worst case|fehler\w*"
    r"|grenz\w*|ausfall\w*|überwach\w*|sonderfall\w*)\b",
    re.IGNORECASE,
)
NAME = re.compile(r"(?<=[a-zäöüß,;:] )[A-ZÄÖÜ][\w-]+")
STOP_WORDS = frozenset(
    """
    the a an and or but in it its of to for from with on at by as is are was were be been have
    has had do did does you your what when where which who why how that this there tell about
    time would could something like came says posting resume résumé part own end der die das den
    dem und oder in im ist hast habe hat du dein deine deinem was wann wie wo wer welche dir
    dich ein eine einen zu zur zum von mit auf bei dabei kam heraus schon einmal etwas steht
    anzeige lebenslauf
    """.split()  # noqa: SIM905  (a list of so many quoted words cannot be read)
)


@dataclass(frozen=True)
class Signals:
    """Counts and sentences of one answer; words to the grader are left out of all of them."""

    answer: str
    language: str

    @cached_property
    def sentences(self) -> list[str]:
        """Each as it stands in the answer, so that it can be quoted."""
        found = (match.group().strip() for match in SENTENCE.finditer(self.answer))
        return [each for each in found if WORD.search(each) and not INJECTION.search(each)]

    @cached_property
    def text(self) -> str:
        return " ".join(self.sentences)

    @cached_property
    def words(self) -> list[str]:
        return WORD.findall(self.text)

    def count(self, pattern: re.Pattern[str]) -> int:
        return len(pattern.findall(self.text))

    def first_sentence_with(self, *patterns: re.Pattern[str]) -> str | None:
        return next(
            (each for each in self.sentences if all(one.search(each) for one in patterns)), None
        )

    @cached_property
    def actions(self) -> int:
        return max(0, self.count(OWN_ACTION) - self.count(EMPTY_ACTION))

    @cached_property
    def numbers(self) -> int:
        return len(set(NUMBER.findall(self.text)))

    @cached_property
    def names(self) -> int:
        # German writes every noun with a capital: a third of them counts as names would elsewhere.
        found = len(set(NAME.findall(self.text)) - {"I"})
        return found // 3 if self.language == "de" else found

    @cached_property
    def has_measured_result(self) -> bool:
        return self.first_sentence_with(RESULT, NUMBER) is not None

    @cached_property
    def longest_sentence(self) -> int:
        return max((len(each.split()) for each in self.sentences), default=0)

    @cached_property
    def repetition(self) -> float:
        """Share of words that say again what was said: 0 for none."""
        return 1 - len({word.lower() for word in self.words}) / max(1, len(self.words))

    def overlap_with(self, question: str) -> int:
        return len(_stems(question) & _stems(self.text))


def _stems(text: str) -> set[str]:
    return {
        word.lower()[:5]
        for word in WORD.findall(text)
        if len(word) >= 3 and word.lower() not in STOP_WORDS
    }
