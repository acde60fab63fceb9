"""The postings and résumés of the tests: invented people and firms, real in shape."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "samples"


def sample_bytes(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def resume_bytes(name: str) -> bytes:
    """A small file that readers stumble over; their README says what each should give."""
    return (FOLDER.parent / "resumes" / name).read_bytes()


def sample_text(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


BILLING_POSTING = sample_text("job-backend-billing.txt")
PRODUCT_POSTING = sample_text("job-product-manager.txt")
GERMAN_POSTING = sample_text("job-ausbildung-de.txt")
MARA_RESUME = sample_text("resume-mara-lindqvist.txt")
TOMASZ_RESUME = sample_text("resume-tomasz-okafor.txt")

STRONG_ANSWER = (
    "In 2022 at Kollektiv Parking our payment capture charged some drivers twice. My task was to "
    "stop it without a freeze. I read three months of capture logs and found that a timeout made "
    "the client send again. I added idempotency keys to the capture call because retries could "
    "not be avoided, and I built a ledger table that reconciled with the bank every night. Double "
    "charges fell from 37 a month to none. I learned to ask for the invariant first."
)
MEDIUM_ANSWER = (
    "In my last project we had double charges. I looked into the logs and we changed how payments "
    "were sent. After that it improved a lot and the customers were happy."
)
WEAK_ANSWER = "I am a very motivated team player and I always give my best in every situation."
SHORT_GOOD_ANSWER = (
    "When invoices were sent twice in 2021, I owned the fix. I added an idempotency key because "
    "retries were unavoidable. Duplicates fell from 12 a week to 0."
)
LONG_EMPTY_ANSWER = " ".join(
    [
        "We always believe that communication is the key to success and that everybody should give"
        " their best at all times, since a good team is more than the sum of its members."
    ]
    * 12
)
OFF_TOPIC_ANSWER = (
    "My favourite dish is lasagne with a lot of cheese, and the weather is nice today."
)
GERMAN_ANSWER = (
    "Im Praktikum bei einem Handwerksbetrieb fiel 2024 das Netz aus. Meine Aufgabe war, die Kasse "
    "wieder zum Laufen zu bringen. Ich habe zuerst die Kabel geprüft, weil das am schnellsten "
    "ging, und dann habe ich den Router neu eingerichtet. Am Ende lief alles nach 25 Minuten "
    "wieder. Ich habe gelernt, vorher alles aufzuschreiben."
)
