"""Questions that quote the posting and the résumé; where both are used up or missing, the role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interview_app.simulation.pieces import Piece, posting_duties, resume_deeds, topics
from interview_app.simulation.request import SimulatedRequest, read_request

POSTING, RESUME, POSTING_TOPIC, RESUME_TOPIC = "posting", "resume", "posting_topic", "resume_topic"
BEHAVIORAL, SITUATIONAL, TECHNICAL = "behavioral", "situational", "technical"
ROLE_MAX_WORDS = 8
MAX_WORDS = 35


@dataclass(frozen=True)
class Template:
    """A question about a piece of one source, in each language; `competency` likewise."""

    type: str
    source: str
    competency: Mapping[str, str]
    text: Mapping[str, str]


def _template(type_: str, source: str, competency: str, text: str, **german: str) -> Template:
    return Template(
        type_,
        source,
        {"en": competency, "de": german["kompetenz"]},
        {"en": text, "de": german["frage"]},
    )


TEMPLATES = (
    _template(
        BEHAVIORAL,
        RESUME,
        "Ownership",
        "Your résumé says “{piece}”{at}. What was your own part in it, and what changed in the"
        " end?",
        kompetenz="Eigenverantwortung",
        frage="In deinem Lebenslauf steht „{piece}“{at}. Was war dein eigener Anteil, und was hat"
        " sich dadurch geändert?",
    ),
    _template(
        BEHAVIORAL,
        POSTING,
        "Results",
        "The posting says “{piece}”. When have you done something like it, and what came of it?",
        kompetenz="Ergebnisse",
        frage="In der Anzeige steht „{piece}“. Wann hast du schon einmal etwas Ähnliches gemacht,"
        " und was kam dabei heraus?",
    ),
    _template(
        TECHNICAL,
        POSTING_TOPIC,
        "Technical judgement",
        "The posting names {piece}. How would you approach it in this role, and what could go"
        " wrong?",
        kompetenz="Fachliches Urteil",
        frage="Die Anzeige nennt „{piece}“. Wie gehst du das in dieser Rolle an, und was könnte"
        " dabei schiefgehen?",
    ),
    _template(
        BEHAVIORAL,
        RESUME,
        "Problem solving",
        "You wrote “{piece}”{at}. Which decision there was the hardest, and how did you make it?",
        kompetenz="Problemlösung",
        frage="Du schreibst „{piece}“{at}. Welche Entscheidung war dabei die schwerste, und wie"
        " hast du sie getroffen?",
    ),
    _template(
        SITUATIONAL,
        POSTING,
        "Prioritising",
        "Suppose your first task is this: “{piece}”. What would you do in the first two weeks,"
        " and why in that order?",
        kompetenz="Prioritäten setzen",
        frage="Angenommen, deine erste Aufgabe lautet: „{piece}“. Was tust du in den ersten zwei"
        " Wochen, und warum in dieser Reihenfolge?",
    ),
    _template(
        TECHNICAL,
        RESUME_TOPIC,
        "Depth of knowledge",
        "Your résumé names {piece}. Which problem did you solve with it, and where did it reach its"
        " limits?",
        kompetenz="Tiefe des Wissens",
        frage="Dein Lebenslauf nennt „{piece}“. Welches Problem hast du damit gelöst, und wo"
        " lagen die Grenzen?",
    ),
    _template(
        SITUATIONAL,
        POSTING,
        "Conflict",
        "A colleague disagrees with you about this part of the job: “{piece}”. How would you"
        " settle it?",
        kompetenz="Umgang mit Konflikten",
        frage="Eine Kollegin ist bei diesem Teil der Arbeit anderer Meinung als du: „{piece}“."
        " Wie klärst du das?",
    ),
    _template(
        BEHAVIORAL,
        RESUME,
        "Learning",
        "Looking back at “{piece}”{at}: what would you do differently today, and why?",
        kompetenz="Lernen",
        frage="Wenn du auf „{piece}“{at} zurückschaust: Was würdest du heute anders machen, und"
        " warum?",
    ),
    _template(
        TECHNICAL,
        POSTING,
        "Quality and risk",
        "Think of “{piece}”. How would you notice early that something goes wrong, and what would"
        " you do first?",
        kompetenz="Qualität und Risiko",
        frage="Denk an „{piece}“. Woran merkst du früh, dass etwas schiefläuft, und was tust du"
        " zuerst?",
    ),
    _template(
        BEHAVIORAL,
        POSTING,
        "Communication",
        "This job includes “{piece}”. When did you last explain such a matter to somebody outside"
        " your field, and how did it go?",
        kompetenz="Kommunikation",
        frage="Zu dieser Stelle gehört „{piece}“. Wann hast du so etwas zuletzt jemandem erklärt,"
        " der vom Fach nichts wusste, und wie lief es?",
    ),
    _template(
        SITUATIONAL,
        RESUME,
        "Transfer",
        "You did this{at}: “{piece}”. Which part of it would you repeat in this job, and which"
        " would you not?",
        kompetenz="Übertragung",
        frage="Das hast du gemacht{at}: „{piece}“. Was davon würdest du in dieser Stelle wieder"
        " so tun, und was nicht?",
    ),
    _template(
        SITUATIONAL,
        RESUME,
        "Working under constraints",
        "Suppose “{piece}”{at} came up again, with half the time. What would you do first, and what"
        " would you leave out?",
        kompetenz="Arbeiten unter Druck",
        frage="Angenommen, „{piece}“{at} käme noch einmal, mit halb so viel Zeit. Was tust du"
        " zuerst, und was lässt du weg?",
    ),
    _template(
        TECHNICAL,
        RESUME,
        "Trade-offs",
        "Take “{piece}”{at}. Which alternatives did you weigh, and what decided between them?",
        kompetenz="Abwägung",
        frage="Nimm „{piece}“{at}. Welche Alternativen hast du abgewogen, und was gab den"
        " Ausschlag?",
    ),
    _template(
        TECHNICAL,
        RESUME,
        "Measuring",
        "How did you measure whether “{piece}”{at} had worked, and what would you measure today?",
        kompetenz="Messen",
        frage="Woran hast du gemessen, ob „{piece}“{at} gelungen ist, und was würdest du heute"
        " messen?",
    ),
    _template(
        SITUATIONAL,
        POSTING_TOPIC,
        "Judgement under pressure",
        "On a busy day something goes wrong with {piece}. What would you do first, and whom would"
        " you tell?",
        kompetenz="Urteil unter Druck",
        frage="An einem vollen Tag geht bei „{piece}“ etwas schief. Was tust du zuerst, und wem"
        " sagst du Bescheid?",
    ),
    _template(
        TECHNICAL,
        POSTING_TOPIC,
        "Explaining",
        "How would you explain {piece} to a new colleague, and which mistake would you warn of?",
        kompetenz="Erklären",
        frage="Wie erklärst du einer neuen Kollegin „{piece}“, und vor welchem Fehler warnst du"
        " sie?",
    ),
)

# Without posting and résumé there is only the role. Competency and matter, in both languages.
MATTERS = {
    "en": (
        ("Reliability", "a deadline at risk"),
        ("Explaining", "something difficult to explain"),
        ("Teamwork", "a disagreement with a colleague"),
        ("Learning", "a mistake of your own"),
        ("Adaptability", "priorities that change at short notice"),
        ("Decision making", "a decision with incomplete information"),
        ("Initiative", "a process worth improving"),
        ("Helping others", "a colleague who needs help"),
        ("Curiosity", "something new to learn quickly"),
        ("Judgement", "a choice between speed and quality"),
    ),
    "de": (
        ("Zuverlässigkeit", "ein gefährdeter Termin"),
        ("Erklären", "etwas, das schwer zu erklären ist"),
        ("Zusammenarbeit", "eine Meinungsverschiedenheit mit einem Kollegen"),
        ("Lernen", "ein eigener Fehler"),
        ("Anpassung", "Prioritäten, die sich kurzfristig ändern"),
        ("Entscheiden", "eine Entscheidung mit unvollständigen Informationen"),
        ("Initiative", "ein Ablauf, der besser sein könnte"),
        ("Hilfsbereitschaft", "eine Kollegin, die Hilfe braucht"),
        ("Neugier", "etwas Neues, das schnell gelernt sein muss"),
        ("Urteil", "die Wahl zwischen Tempo und Qualität"),
    ),
}
ROLE_QUESTIONS = {
    "en": {
        BEHAVIORAL: "You apply as {role}. Think of {matter}: which moment comes to mind, what did"
        " you do, and what came of it?",
        SITUATIONAL: "Imagine your first month as {role}, and {matter}. What would you do first,"
        " and why?",
        TECHNICAL: "As {role}, where do you meet {matter} in the technical work, and how do you"
        " handle it?",
    },
    "de": {
        BEHAVIORAL: "Du bewirbst dich als {role}. Denk an Folgendes: {matter}. Welcher Moment"
        " fällt dir ein, was hast du getan, und was kam dabei heraus?",
        SITUATIONAL: "Stell dir deinen ersten Monat als {role} vor, Stichwort: {matter}. Was tust"
        " du zuerst, und warum?",
        TECHNICAL: "Wo begegnet dir in der fachlichen Arbeit als {role} Folgendes: {matter}, und"
        " wie gehst du damit um?",
    },
}
AT_EMPLOYER = {"en": " at {employer}", "de": " bei {employer}"}
WHY = {
    "en": {
        POSTING: "From the posting: “{piece}”.",
        POSTING_TOPIC: "From the posting: “{piece}”.",
        RESUME: "From your résumé: “{piece}”.",
        RESUME_TOPIC: "From your résumé: “{piece}”.",
    },
    "de": {
        POSTING: "Aus der Anzeige: „{piece}“.",
        POSTING_TOPIC: "Aus der Anzeige: „{piece}“.",
        RESUME: "Aus deinem Lebenslauf: „{piece}“.",
        RESUME_TOPIC: "Aus deinem Lebenslauf: „{piece}“.",
    },
}
WHY_ROLE = {"en": "From the role: {role}.", "de": "Aus der Rolle: {role}."}


def simulated_questions(body: Mapping[str, Any]) -> dict[str, Any]:
    request = read_request(body)
    language = request.language if request.language in WHY else "en"
    wanted = request.schema["properties"]["questions"]
    types = wanted["items"]["properties"]["type"]["enum"]
    questions = _about_pieces(request, types, language)
    questions += _about_role(request, types, language)
    return {"questions": questions[: wanted["minItems"]]}


def _about_pieces(
    request: SimulatedRequest, types: list[str], language: str
) -> list[dict[str, str]]:
    """One question a template, each about a piece of its own, as far as pieces go."""
    supply = _pieces(request)
    return [
        _question(template, piece, language)
        for template in TEMPLATES
        if template.type in types and (piece := next(supply[template.source], None))
    ]


def _pieces(request: SimulatedRequest) -> dict[str, Iterator[Piece]]:
    posting, resume = request.block("job_posting"), request.block("resume")
    named = topics(posting)
    known = {piece.text.casefold() for piece in named}
    return {
        POSTING: iter(posting_duties(posting)),
        RESUME: iter(resume_deeds(resume)),
        POSTING_TOPIC: iter(_telling_first(named, resume)),
        RESUME_TOPIC: iter(each for each in topics(resume) if each.text.casefold() not in known),
    }


def _telling_first(named: list[Piece], resume: str) -> list[Piece]:
    """A matter ("idempotency") before a product that every posting names, and first what the
    résumé speaks of too."""
    spoken_of = resume.casefold()
    return sorted(
        named,
        key=lambda piece: (piece.text[0].isupper(), piece.text.casefold() not in spoken_of),
    )


def _question(template: Template, piece: Piece, language: str) -> dict[str, str]:
    return {
        "text": _asked(template.text[language], piece, language),
        "type": template.type,
        "competency": template.competency[language],
        "why": WHY[language][template.source].format(piece=piece.text),
    }


def _asked(text: str, piece: Piece, language: str) -> str:
    """With the employer, where that does not make the question too long to hear."""
    if piece.employer:
        at = AT_EMPLOYER[language].format(employer=piece.employer)
        question = text.format(piece=piece.text, at=at)
        if len(question.split()) <= MAX_WORDS:
            return question
    return text.format(piece=piece.text, at="")


def _about_role(request: SimulatedRequest, types: list[str], language: str) -> list[dict[str, str]]:
    role = _plain_role(request.settings.get("role", ""))
    return [
        {
            "text": ROLE_QUESTIONS[language][type_].format(role=role, matter=matter),
            "type": type_,
            "competency": competency,
            "why": WHY_ROLE[language].format(role=role),
        }
        for number, (competency, matter) in enumerate(MATTERS[language])
        for type_ in [types[number % len(types)]]
    ]


def _plain_role(role: str) -> str:
    return " ".join(role.replace("?", "").split()[:ROLE_MAX_WORDS])
