"""The sentences of simulated feedback, in the interview's language."""

from __future__ import annotations

CANNOT_TELL = {
    "en": "This cannot be judged from the answer by a simulation.",
    "de": "Das kann eine Simulation aus der Antwort nicht beurteilen.",
}

REASONS = {
    "en": {
        "relevance": {
            "low": "The answer takes up little of what was asked.",
            "middle": "Part of the question is answered.",
            "high": "The answer takes up the question and shows what you did about it.",
        },
        "situation": {
            "low": "Where and when this was, and what your task was, stays open.",
            "middle": "The context can be seen, your own task only between the lines.",
            "high": "Context and your own task are clear.",
        },
        "action": {
            "low": "What you yourself did cannot be seen.",
            "middle": "Some own steps are there, with little reason why.",
            "high": "You name your own steps.",
        },
        "result": {
            "low": "How it ended is missing.",
            "middle": "An outcome is named, but not measured.",
            "high": "You name an outcome that can be measured.",
        },
        "specificity": {
            "low": "There is little in it that somebody could check.",
            "middle": "There are some concrete details.",
            "high": "Numbers and names make it easy to believe.",
        },
        "clarity": {
            "low": "It is hard to follow, or too thin to have an order.",
            "middle": "It can be followed, but the parts are out of balance.",
            "high": "It has an order and is easy to follow.",
        },
        "reasoning": {
            "low": "Claims stand there without reasons.",
            "middle": "There are reasons, but no alternative is weighed.",
            "high": "You give reasons and weigh alternatives.",
        },
        "depth": {
            "low": "Limits and failure cases are missing.",
            "middle": "One limit is named.",
            "high": "You speak of limits and of what happens when it fails.",
        },
    },
    "de": {
        "relevance": {
            "low": "Die Antwort greift wenig von der Frage auf.",
            "middle": "Ein Teil der Frage ist beantwortet.",
            "high": "Die Antwort greift die Frage auf und zeigt, was du getan hast.",
        },
        "situation": {
            "low": "Wo und wann das war und was deine Aufgabe war, bleibt offen.",
            "middle": "Der Zusammenhang ist erkennbar, deine Aufgabe nur zwischen den Zeilen.",
            "high": "Zusammenhang und eigene Aufgabe sind klar.",
        },
        "action": {
            "low": "Was du selbst getan hast, ist nicht zu erkennen.",
            "middle": "Einige eigene Schritte sind da, kaum Gründe dafür.",
            "high": "Du nennst deine eigenen Schritte.",
        },
        "result": {
            "low": "Wie es ausging, fehlt.",
            "middle": "Ein Ergebnis ist genannt, aber nicht gemessen.",
            "high": "Du nennst ein Ergebnis, das sich messen lässt.",
        },
        "specificity": {
            "low": "Es steht wenig darin, das jemand nachprüfen könnte.",
            "middle": "Es gibt einige konkrete Einzelheiten.",
            "high": "Zahlen und Namen machen es glaubhaft.",
        },
        "clarity": {
            "low": "Es ist schwer zu folgen, oder zu knapp für eine Ordnung.",
            "middle": "Man kann folgen, aber die Teile sind unausgewogen.",
            "high": "Es ist geordnet und leicht zu verstehen.",
        },
        "reasoning": {
            "low": "Behauptungen stehen ohne Gründe da.",
            "middle": "Es gibt Gründe, aber keine Alternative ist abgewogen.",
            "high": "Du nennst Gründe und wägst Alternativen ab.",
        },
        "depth": {
            "low": "Grenzen und Fehlerfälle fehlen.",
            "middle": "Eine Grenze ist genannt.",
            "high": "Du sprichst von Grenzen und davon, was im Fehlerfall geschieht.",
        },
    },
}

STRENGTHS = {
    "en": {
        "measured": "You say what came of it, with a number.",
        "reasoned": "You say what you did and why.",
        "own_action": "You say what you did yourself.",
        "own_task": "You make your own task clear.",
        "learnt": "You say what you took from it.",
    },
    "de": {
        "measured": "Du sagst, was dabei herauskam, mit einer Zahl.",
        "reasoned": "Du sagst, was du getan hast und warum.",
        "own_action": "Du sagst, was du selbst getan hast.",
        "own_task": "Du machst deine eigene Aufgabe klar.",
        "learnt": "Du sagst, was du daraus mitgenommen hast.",
    },
}

TRY_THIS = {
    "en": {
        "relevance": "Repeat the question in your first sentence, then answer that.",
        "situation": "Begin with one sentence: where, when, and what your task was.",
        "action": "Tell two or three steps that begin with “I”, each with its reason.",
        "result": "End with what changed: a number, or what somebody saw or said.",
        "specificity": "Add one number and one name: how many, how long, with which tool.",
        "clarity": "Four parts, one or two sentences each: situation, task, steps, result.",
        "reasoning": "Name one alternative and say why you did not choose it.",
        "depth": "Say where it breaks, and how you would notice.",
    },
    "de": {
        "relevance": "Greif die Frage im ersten Satz auf und beantworte dann genau sie.",
        "situation": "Beginne mit einem Satz: wo, wann, und was deine Aufgabe war.",
        "action": "Erzähl zwei oder drei Schritte, die mit „Ich“ beginnen, jeden mit seinem Grund.",
        "result": "Ende mit dem, was sich geändert hat: eine Zahl, oder was jemand sah oder sagte.",
        "specificity": "Füge eine Zahl und einen Namen hinzu: wie viele, wie lange, womit.",
        "clarity": "Vier Teile, je ein oder zwei Sätze: Lage, Aufgabe, Schritte, Ergebnis.",
        "reasoning": "Nenne eine Alternative und sag, warum du sie nicht gewählt hast.",
        "depth": "Sag, wo es an Grenzen stößt und woran du das merken würdest.",
    },
}

GAPS = {
    "en": {
        "situation": "[add where and when this was, and your task]",
        "action": "I [add what you did yourself, and why].",
        "result": "In the end, [add number] [add what changed].",
        "number": "That was [add number] [add compared with what].",
    },
    "de": {
        "situation": "[Ort, Zeit und deine Aufgabe ergänzen]",
        "action": "Ich habe [ergänzen, was du selbst getan hast und warum].",
        "result": "Am Ende [Zahl ergänzen] [ergänzen, was sich geändert hat].",
        "number": "Das waren [Zahl ergänzen] [ergänzen, im Vergleich wozu].",
    },
}
