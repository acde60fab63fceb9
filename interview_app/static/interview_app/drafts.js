// What is typed is never lost: kept in this browser at once, on the server a moment later, and told
// where another tab has other words.
"use strict";

const DRAFT_AFTER_MS = 800;
const DRAFT_AGAIN_MS = 3000;

function startDraft(form) {
  const box = form.elements.text;
  const seen = form.elements.draft_seen;
  const state = form.querySelector("[data-draft-state]");
  const conflict = form.querySelector("[data-conflict]");
  const key = `${KEPT}${form.dataset.question}`;
  let saved = form.dataset.unsaved ? null : box.defaultValue;
  let timer = 0;
  let isSaving = false;
  let isStopped = false;

  // In this browser

  function keep(extra) {
    const other = conflict.hidden ? undefined : conflict.querySelector("[data-other]").textContent;
    const own = { text: box.value, key: form.elements.form_key.value, seen: seen.value };
    const copy = { ...own, other, ...extra };
    try {
      localStorage.setItem(key, JSON.stringify(copy));
    } catch {
      // Full or forbidden: the server's draft is still there.
    }
  }

  function bringBack() {
    const copy = keptCopy(key);
    if (!copy) return;
    // The server has it, perhaps with a story of the library behind it.
    const isHere = box.value.startsWith(copy.text.trimEnd()) || isAnswered(copy.text);
    const isNewer = copy.key === form.dataset.draftKey || copy.seen === seen.value;
    const isTyped = box.value !== box.defaultValue;
    if (isHere) localStorage.removeItem(key);
    else if ((isNewer && !isTyped) || !box.value.trim()) putBack(copy.text);
    else ask(copy.text, seen.value);
    if (copy.other && copy.other !== box.value && conflict.hidden) ask(copy.other, seen.value);
  }

  function putBack(text) {
    box.value = text;
    form.closest("details")?.setAttribute("open", "");
    typed();
    say("restored");
  }

  // On the server

  function typed() {
    clearTimeout(timer);
    if (box.value === saved) {
      delete form.dataset.unsaved;
      return localStorage.removeItem(key);
    }
    form.dataset.unsaved = "true";
    keep();
    timer = setTimeout(save, DRAFT_AFTER_MS);
  }

  async function save() {
    if (box.value === saved || isSaving || isStopped || form.dataset.sent) return;
    isSaving = true;
    const text = box.value;
    try {
      await hear(await send(text), text);
    } catch {
      say("failed");
    } finally {
      isSaving = false;
    }
    clearTimeout(timer);
    if (box.value !== saved && !isStopped) timer = setTimeout(save, DRAFT_AGAIN_MS);
  }

  function send(text) {
    refreshToken(form);
    return fetch(form.dataset.draft, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new FormData(form),
      keepalive: text.length < 15000, // browsers allow 64 kB to outlive the page
    });
  }

  async function hear(response, text) {
    if (response.redirected || response.status === 403) return say("signedOut");
    if (response.status === 404) return stop("gone");
    if (response.status === 413) return say("tooLong");
    const answer = await response.json();
    if (answer.code === "DRAFT_CHANGED") return ask(answer.text, answer.saved_at);
    if (!response.ok) return tell(answer.error, true);
    saved = text;
    seen.value = answer.saved_at;
    if (box.value === text) typed();
    const isOneMore = answer.answers > Number(form.dataset.answers);
    if (isOneMore) say("answered");
    else tell(`${state.dataset.savedWord} ${clock(answer.saved_at)}`, false);
  }

  // Two tabs

  function ask(other, version) {
    isStopped = true;
    conflict.hidden = false;
    conflict.querySelector("[data-other]").textContent = other;
    conflict.dataset.version = version;
    tell(conflict.querySelector("h2").textContent, true);
  }

  function decide(text) {
    box.value = text;
    seen.value = conflict.dataset.version;
    conflict.hidden = true;
    isStopped = false;
    saved = null;
    typed();
    box.focus();
  }

  // Words about it

  function stop(why) {
    isStopped = true;
    say(why);
  }

  function say(why) {
    tell(state.dataset[`${why}Word`], why !== "restored");
  }

  function tell(sentence, isBad) {
    if (state.textContent !== sentence) state.textContent = sentence;
    state.classList.toggle("failed", isBad);
  }

  box.autocomplete = "off"; // What comes back is our copy, not an older one of the browser's.
  box.addEventListener("input", typed);
  form.addEventListener("leave", (event) => stop(event.detail === "gone" ? "gone" : "signedOut"));
  form.addEventListener("submit", () => {
    refreshToken(form);
    keep({ sent: true });
  });
  conflict.querySelector("[data-keep]").addEventListener("click", () => decide(box.value));
  conflict.querySelector("[data-add]").addEventListener("click", () => {
    decide(`${box.value}\n\n${conflict.querySelector("[data-other]").textContent}`);
  });
  addEventListener("pagehide", () => {
    if (box.value !== saved && !isStopped && !form.dataset.sent) send(box.value).catch(() => {});
  });
  bringBack();
  if (box.value !== box.defaultValue) typed(); // Before this script had arrived.
}

// A sign-in in another tab renews the token against forgery; the cookie has the new one.

function refreshToken(form) {
  const cookie = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  if (cookie) form.elements.csrfmiddlewaretoken.value = cookie[1];
}

function isAnswered(text) {
  const plain = (words) => words.replace(/\r\n/g, "\n").trim();
  const answers = document.querySelectorAll(".answer-block > .words");
  return [...answers].some((answer) => plain(answer.textContent) === plain(text));
}

function startWordCount(form) {
  const box = form.elements.text;
  const meter = form.querySelector("[data-words]");
  const advice = meter.textContent;

  function count() {
    const words = box.value.split(/\s+/).filter(Boolean).length;
    meter.textContent = words ? `${meter.dataset.words}: ${words} · ${advice}` : advice;
  }

  box.addEventListener("input", count);
  count();
}

document.querySelectorAll("form[data-draft]").forEach((form) => {
  startDraft(form);
  startWordCount(form);
});
