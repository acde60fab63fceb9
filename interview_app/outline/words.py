"""What names of positions, employers and degrees are made of, in English and German."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    """
    accountant administrator adviser advisor agent analyst apprentice architect artist assistant
    associate attorney auditor author baker barista bartender bookkeeper broker buyer captain
    caregiver carer carpenter cashier ceo cfo chair chef chief cio clerk coach consultant contractor
    controller cook coordinator coo cto dentist designer developer director dispatcher doctor driver
    editor electrician engineer estimator executive facilitator fellow foreman founder freelancer
    gardener handler head inspector instructor intern internship interpreter janitor journalist
    lawyer lead leader lecturer librarian machinist manager mechanic member mentor midwife nurse
    officer operator organiser organizer owner painter paramedic pharmacist photographer physician
    pilot planner plumber postdoc president principal producer professor programmer receptionist
    recruiter registrar reporter representative researcher scientist secretary senior specialist
    sre steward strategist stylist supervisor surgeon surveyor teacher technician technologist
    tester therapist trainee trainer translator treasurer tutor veterinarian vp volunteer waiter
    waitress warden welder worker writer
    azubi anwalt arzt ärztin bäcker friseur gehilfe geselle gärtner hausmeister jurist koch köchin
    kauffrau kaufmann maler praktikum redakteur referent schlosser schreiner tischler vorstand
    volontariat werkstudium zivildienst
    """
)
TITLE_ENDINGS = tuple(
    """
    anwalt arzt assistent assistenz aufseher auszubildende auszubildender architekt arbeiter bauer
    beauftragte beauftragter berater betreuer bearbeiter buchhalter controller coach designer dozent
    elektroniker elektriker entwickler erzieher fachkraft fahrer forscher führer gründer händler
    helfer hilfskraft informatiker ingenieur inhaber installateur kauffrau kaufmann koordinator
    kraft laborant lehrer leiter leitung lotse manager mechaniker mechatroniker meister mitarbeiter
    monteur pfleger planer praktikant professor programmierer psychologe redakteur referent
    schwester sekretär spezialist student techniker therapeut trainer übersetzer verkäufer vertreter
    verwalter volontär wissenschaftler
    """.split()  # noqa: SIM905
)
EMPLOYERS = _words(
    """
    ag gmbh kg ohg ug se ltd limited inc llc llp plc corp corporation company co group holding
    holdings bv nv ab oy aps sa sarl sas spa srl association agency bank bistro bureau café centre
    center church charity clinic clinics club college committee consulting council foundation
    federation firm gallery gruppe hospital hospitals hotel industries institute kitchen lab labs
    laboratories library logistics media ministry museum network partners polytechnic restaurant
    school services society software solutions sons söhne studio studios systems technologies
    theatre trust union university ventures works academy amt bundesamt behörde betrieb büro
    fachhochschule firma gymnasium handwerkskammer hilfswerk hochschule institut kammer kanzlei
    klinik klinikum krankenhaus ministerium praxis stadt stadtwerke stiftung universität uni
    verband verein verlag werk werke werkstatt zentrum
    """
)
EMPLOYER_ENDINGS = ("schule", "werke", "werk", "klinik", "universität", "verein", "verband", "bank",
                    "anlagenbau", "museum", "stiftung", "akademie", "kollegium")  # fmt: skip
DEGREES = _words(
    """
    abitur abschluss apprenticeship associate ausbildung bachelor ba bsc beng bs certificate degree
    diploma diplom doctorate fachabitur magister master masters matura mba meisterbrief ma meng msc
    phd promotion staatsexamen studies studium umschulung a-levels baccalaureate
    """
)
SCHOOLS = ("schule", "universität", "university", "college", "school", "gymnasium", "polytechnic",
           "academy", "akademie", "institute")  # fmt: skip
SCHOOL_NAMES = _words(
    "eth epfl fh fu htw hu kit kth lmu lse mit ntnu rwth th tu tum uc ucl ucla uni"
)
BEFORE_A_SUBJECT = "in "
MOST_WORDS_OF_PARTNERS = 4
FEMININE = ("innen", "in")


def titleness(text: str, section: str) -> int:
    """How much its words speak for a position (in education: a degree), less what is against."""
    words: list[str] = WORD.findall(text.casefold())
    if section == "education":
        for_it = sum(word in DEGREES for word in words) + text.startswith(BEFORE_A_SUBJECT)
    else:
        for_it = sum(map(_is_title, words))
    return 2 * for_it - employerness(text, section)


def employerness(text: str, section: str) -> int:
    """How much its words speak for a firm, a club or (in education, more) a school."""
    words: list[str] = WORD.findall(text.casefold())
    firms = sum(word in EMPLOYERS or word.endswith(EMPLOYER_ENDINGS) for word in words)
    if "&" in text and len(words) <= MOST_WORDS_OF_PARTNERS:
        firms += 1
    return firms + (2 * sum(map(_is_school, words)) if section == "education" else 0)


def schoolness(text: str) -> int:
    """How many of its words speak for a school or a degree, and none for a position."""
    words: list[str] = WORD.findall(text.casefold())
    if any(map(_is_title, words)):
        return 0
    return sum(word in DEGREES or _is_school(word) for word in words)


def _is_school(word: str) -> bool:
    return word in SCHOOL_NAMES or word.endswith(SCHOOLS)


def after_title(text: str) -> tuple[str, str]:
    """Title and employer of a text that has no sign between them: the last word of a title ends it.
    All is title where what follows is no name."""
    ends = [word.end() for word in WORD.finditer(text) if _is_title(word.group().casefold())]
    rest = text[ends[-1] :].strip() if ends else ""
    return (text[: ends[-1]], rest) if rest[:1].isupper() else (text, "")


def _is_title(word: str) -> bool:
    bare = next(
        (word.removesuffix(end) for end in FEMININE if word.endswith(end) and len(word) > 6), word
    )
    return word in TITLES or bare in TITLES or bare.endswith(TITLE_ENDINGS)
