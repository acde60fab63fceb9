"""One person's whole interview and two members of staff, each text with a word of its own in it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from config.tests.production import Production, Reply
from config.tests.visitor import Page, Visitor

WORDS = {
    "resume": "quokkaresume",
    "file": "ocelotfile",
    "title": "marmottitle",
    "company": "wombatcompany",
    "description": "tapirposting",
    "stack": "lemurstack",
    "draft": "ibisdraft",
    "page_draft": "heronpagedraft",
    "answer": "narwhalanswer",
    "second_answer": "dugongsecond",
    "refused": "kiwirefused",
    "garbage": "lorisgarbage",
    "query": "egretquery",
}
EMAIL = "gannet.address@canary.example.org"
PASSWORDS = {
    "first": "Pangolin-first-71",
    "new": "Pangolin-new-72",
    "wrong": "Pangolin-wrong-73",
    "in_the_wrong_field": "Pangolin-misplaced-74",
    "root": "Pangolin-root-75",
    "clerk": "Pangolin-clerk-76",
}
STAFF = f"""
from django.contrib.auth.models import Permission, User
User.objects.create_superuser("root", "", "{PASSWORDS["root"]}")
clerk = User.objects.create_user("clerk", "", "{PASSWORDS["clerk"]}", is_staff=True)
clerk.user_permissions.set(Permission.objects.exclude(codename="view_content"))
"""
PATIENCE_SECONDS = 40


@dataclass
class Story:
    production: Production
    tokens: list[str] = field(default_factory=list)
    session: dict[str, Any] = field(default_factory=dict)
    failures: int = 0
    root_saw: list[Page] = field(default_factory=list)
    clerk_saw: list[Page] = field(default_factory=list)

    def tell(self) -> None:
        self.production.run("manage.py", "shell", "-v", "0", "-c", STAFF)
        self._register_and_sign_in()
        self._write_about_oneself()
        self._practise()
        self._change_the_password()
        self._put_secrets_into_wrong_places()
        self._look_around_as_staff()

    def _register_and_sign_in(self) -> None:
        account = {"username": "mara", "email": EMAIL, "password": PASSWORDS["first"]}
        self._keep_token(self._ask("POST", "auth/register/", account, expect=201))
        self._sign_in_over_the_api("first", expect=200)
        self._sign_in_over_the_api("wrong", expect=401)
        misplaced = {"username": PASSWORDS["in_the_wrong_field"], "password": PASSWORDS["wrong"]}
        self._ask("POST", "auth/login/", misplaced, expect=401)
        self.browser = self._visitor("/sign-in/", "mara", "first")
        self._visitor("/sign-in/", "mara", "wrong")

    def _sign_in_over_the_api(self, password: str, *, expect: int) -> None:
        sent = {"username": "mara", "password": PASSWORDS[password]}
        reply = self._ask("POST", "auth/login/", sent, expect=expect)
        if expect == 200:
            self._keep_token(reply)

    def _write_about_oneself(self) -> None:
        self._ask("PUT", "me/resume/", {"text": f"I led a team of {WORDS['resume']} for years."})
        self._upload_what_is_no_resume()
        posting = {
            "title": f"Keeper of the {WORDS['title']}",
            "company": f"{WORDS['company']} Ltd",
            "description": f"You look after {WORDS['description']} and ship reliable software.",
            "tech_stack": [WORDS["stack"]],
        }
        self.posting = self._ask("POST", "job-postings/", posting, expect=201).data
        self._ask("POST", "job-postings/", {**posting, "language": WORDS["refused"]}, expect=400)
        garbage = f'{{"title": "{WORDS["garbage"]}'.encode()
        json_type = {"Content_Type": "application/json"}
        self._send("POST", "job-postings/", garbage, expect=400, **json_type)

    def _upload_what_is_no_resume(self) -> None:
        word = WORDS["file"]
        part = (
            f'--b\r\nContent-Disposition: form-data; name="file"; filename="{word}.pdf"\r\n'
            f"Content-Type: application/pdf\r\n\r\n{word}\r\n--b--\r\n"
        )
        kind = {"Content_Type": "multipart/form-data; boundary=b"}
        self._send("PUT", "me/resume/", part.encode(), expect=422, **kind)

    def _practise(self) -> None:
        wanted = {"job_posting": self.posting["id"], "question_count": 2}
        self.session = self._ask("POST", "sessions/", wanted, expect=201).data
        self._wait_for_the_ai()
        first, second = (question["id"] for question in self.session["questions"])
        for question, word in ((first, "answer"), (second, "second_answer")):
            text = {"text": answer(WORDS[word])}
            self._ask("POST", f"questions/{question}/answer/", text, expect=201)
        self._wait_for_the_ai()
        while not self.failures:  # each call fails or not by chance
            self._ask("POST", f"questions/{first}/answer/", text, expect=201)
            self._wait_for_the_ai()
        # An answer takes the place of its draft.
        self._ask("PATCH", f"questions/{first}/draft/", {"text": f"Well, {WORDS['draft']} …"})
        self.browser.get(f"/questions/{second}/")
        self.browser.post(f"/questions/{second}/draft/", text=f"Hm, {WORDS['page_draft']}")
        self._ask("POST", f"sessions/{self.session['id']}/finish/", {}, expect=202)
        self._wait_for_the_ai()

    def _wait_for_the_ai(self) -> None:
        """Until everything about the session is done and its questions are there; what failed is
        asked again."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.session = self._ask("GET", f"sessions/{self.session['id']}/").data
            operations = self.session["operations"]
            for each in operations:
                if each["status"] == "failed":
                    self.failures += 1
                    self._ask("POST", f"operations/{each['id']}/retry/", {}, expect=202)
            is_done = all(each["status"] == "completed" for each in operations)
            if is_done and self.session["questions"]:
                return
            assert time.monotonic() < end, self.session
            time.sleep(0.1)

    def _change_the_password(self) -> None:
        new = PASSWORDS["new"]
        form = {"old_password": PASSWORDS["wrong"], "new_password1": new, "new_password2": new}
        self.browser.post("/password/", **form)
        self.browser.post("/password/", **{**form, "old_password": PASSWORDS["first"]})
        self._sign_in_over_the_api("first", expect=401)
        self._sign_in_over_the_api("new", expect=200)

    def _put_secrets_into_wrong_places(self) -> None:
        token, password = self.tokens[-1], PASSWORDS["new"]
        asked = f"me/?token={token}&password={password}&note={WORDS['query']}"
        self._send("GET", asked, None, expect=401, Authorization="")
        for header in ("X_Api_Key", "Cookie", "Proxy_Authorization", "X_Request_ID"):
            self._send("GET", "me/", None, expect=401, Authorization="", **{header: token})
        self._send("GET", "me/", None, expect=401, Authorization=f"Bearer {token}")
        self._send("GET", "me/", None, expect=401, Authorization=f"Token {token}x")
        self._send("GET", f"{token}/", None, expect=404)
        self._send("GET", "me/", None, expect=400, Host="elsewhere.example")
        self.browser.get(f"/practice/?note={WORDS['query']}&token={token}")

    def _look_around_as_staff(self) -> None:
        for address in ("", f"interview_app/interviewsession/{self.session['id']}/change/"):
            root = self._visitor("/admin/login/", "root", "root")
            self.root_saw.append(root.get(f"/admin/{address}"))
        clerk = self._visitor("/admin/login/", "clerk", "clerk")
        clerk.get(f"/admin/auth/user/?q={WORDS['query']}")
        self.clerk_saw = clerk.crawl("/admin/", most=400)

    def _visitor(self, path: str, username: str, password: str) -> Visitor:
        visitor = Visitor(self.production.port)
        visitor.post(path, username=username, password=PASSWORDS[password])
        return visitor

    def _keep_token(self, reply: Reply) -> None:
        self.tokens.append(reply.data["token"])

    def _ask(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Reply:
        return self._send(method, path, body, expect=expect)

    def _send(self, method: str, path: str, body: Any, *, expect: int, **headers: str) -> Reply:
        if self.tokens:
            headers = {"Authorization": f"Token {self.tokens[-1]}", **headers}
        reply = self.production.ask(method, f"/api/v1/{path}", body, timeout=30, **headers)
        assert reply.status == expect, (method, path, reply.status, reply.body)
        return reply


def answer(word: str) -> str:
    return (
        f"When our {word} broke down in production I first measured where the time went, because "
        "nobody knew. I found that two queries ran for each row, so I wrote one that asks for all "
        "of them, and I put a test beside it. The page then took 200 ms instead of 9 seconds, and "
        "the support team had 40 fewer tickets a week."
    )
