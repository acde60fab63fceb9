"""What no question may be, in both languages; and what only looks like it."""

from __future__ import annotations

import pytest

from interview_app.question_rules import fault_of, is_repeated, telling_words, unlawful_topic

UNLAWFUL = {
    "age": [
        "How old are you?",
        "What is your date of birth?",
        "In which year were you born?",
        "When do you plan, and will you retire soon?",
        "Are you too old for night shifts?",
        "Wie alt bist du?",
        "Wie alt sind Sie eigentlich?",
        "Wann wurdest du geboren?",
        "Darf ich nach deinem Geburtsdatum fragen?",
        "Wann willst du in Rente gehen?",
    ],
    "family": [
        "Are you married?",
        "What is your marital status?",
        "Do you have any children?",
        "Do you plan to have children?",
        "How does your husband feel about the night shifts?",
        "Are you currently pregnant?",
        "Who looks after your children during shifts?",
        "Have you taken parental leave before?",
        "Bist du verheiratet?",
        "Hast du schon kleine Kinder?",
        "Möchtest du später einmal Kinder?",
        "Wie steht deine Familie zu den Schichten?",
        "Haben Sie Kinder?",
        "Warst du schon in Elternzeit?",
        "Gibt es einen Kinderwunsch?",
    ],
    "religion": [
        "What is your religion?",
        "Are you a Christian?",
        "Which church do you belong to?",
        "Do you pray during the day?",
        "Welcher Konfession gehören Sie an?",
        "Bist du gläubig?",
        "Gehst du sonntags in die Kirche?",
        "Spielt dein Glaube bei der Arbeit eine Rolle?",
    ],
    "health": [
        "Do you have a disability?",
        "How is your health?",
        "Do you suffer from any chronic illness?",
        "How many sick days did you take last year?",
        "What is your medical history?",
        "Hast du eine Behinderung?",
        "Bist du schwerbehindert?",
        "Wie oft warst du krank?",
        "Nimmst du Medikamente?",
        "Wie ist Ihr Gesundheitszustand?",
    ],
    "origin": [
        "Where are you originally from?",
        "What is your nationality?",
        "Are you a German citizen?",
        "What is your mother tongue?",
        "Are you a native speaker?",
        "Woher kommst du ursprünglich?",
        "Welche Staatsangehörigkeit hast du?",
        "Ist Deutsch deine Muttersprache?",
        "Hast du einen Migrationshintergrund?",
    ],
    "private life": [
        "Who did you vote for?",
        "Are you a member of a trade union?",
        "What is your sexual orientation?",
        "Bist du in einer Gewerkschaft?",
        "Welche Partei wählst du?",
    ],
}
LAWFUL = [
    "How old is the code base that you maintained, and why was it kept?",
    "How would you calm a group of young children before an injection?",
    "How do you explain medication to children on the ward?",
    "Tell me about a time when you planned care for a patient with a disability.",
    "How would you talk to parents whose child is often ill?",
    "Which family of protocols would you choose, and why?",
    "When were you engaged in open source last?",
    "Where would you start if the health check of a service failed?",
    "How do you keep date of birth and address of customers private?",
    "When did you have to single out one cause among many?",
    "What did your healthcare project teach you?",
    "How would you handle a union's objection to a new rota?",
    "When were you sick of a process, and how did you change it?",
    "Wie gehst du mit Patienten und ihrer Krankheit um?",
    "Wie würdest du Kinder in einer Gruppe von zwanzig eingewöhnen?",
    "Wann hast du mit Kindern gearbeitet, die nicht zuhören wollten?",
    "Wie würdest du Angehörigen erklären, warum sie krank sind?",
    "Wie alt darf eine Sicherung höchstens sein, und warum?",
    "Was würdest du tun, wenn eine Familie mit dem Pflegeplan nicht einverstanden ist?",
    "Wie prüfst du, ob eine Partei den Vertrag erfüllt hat?",
    "Wie würdest du einen Stamm von Altersdaten anonymisieren?",
    "Wann hast du eine Gemeinschaft aufgebaut, die dich überdauert hat?",
]


@pytest.mark.parametrize(
    ("topic", "text"), [(topic, text) for topic, texts in UNLAWFUL.items() for text in texts]
)
def test_a_question_about_the_person_is_unlawful(topic: str, text: str) -> None:
    assert unlawful_topic(text) == topic
    assert fault_of(text) == "unlawful"


@pytest.mark.parametrize("text", LAWFUL)
def test_a_question_about_the_work_is_not(text: str) -> None:
    assert fault_of(text) is None


def test_what_the_posting_says_is_not_what_the_interviewer_asks() -> None:
    assert (
        unlawful_topic("The posting says “your family insurance plans”. What would you ask?")
        is None
    )


@pytest.mark.parametrize(
    "text",
    [
        "What is a lock? When would you use one?",
        "How would you test it, and also how would you deploy it?",
        "Wie würdest du messen, und außerdem, wie würdest du planen?",
        "Was ist ein Index? Wann hilft er?",
    ],
)
def test_two_questions_in_one_are_told(text: str) -> None:
    assert fault_of(text) == "two_in_one"


def test_a_question_of_36_words_is_too_long() -> None:
    assert fault_of(" ".join(["word"] * 35) + "?") is None
    assert fault_of(" ".join(["word"] * 36) + "?") == "too_long"


def test_a_word_without_an_end_is_no_question() -> None:
    assert fault_of("?" * 1_000_000) == "too_long"


def test_a_question_with_few_words_changed_was_asked_before() -> None:
    before = "When did you last miss a deadline at Fjord Pay, and what did you do then?"

    assert repeats("When did you last miss a deadline at Fjord Pay and what did you do?", before)
    assert repeats(before.upper(), before)
    assert not repeats("When did you last move a deadline, and who agreed to it?", before)
    assert not repeats("Why is this so?", "Why was it so?")


def repeats(text: str, before: str) -> bool:
    return is_repeated(telling_words(text), [telling_words(before)])
