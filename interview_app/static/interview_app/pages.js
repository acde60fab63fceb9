// Makes pages that already work without it more pleasant: live status, draft autosave, local times.
"use strict";

const POLL_MS = 1200;
const POLL_HIDDEN_MS = 5000;
const POLL_AFTER_ERROR_MS = 3000;
const DRAFT_AFTER_MS = 800;

// Live status: polls a fragment with its ETag until nothing is unfinished.

function startLive(region) {
  let etag = "";

  async function poll() {
    try {
      const response = await fetch(region.dataset.live, {
        headers: etag ? { "If-None-Match": etag } : {},
        cache: "no-store",
      });
      if (response.redirected || response.status === 404) {
        location.reload(); // signed out or deleted elsewhere: the page itself says so
        return;
      }
      if (response.ok) {
        etag = response.headers.get("ETag") || "";
        replaceFragment(region, await response.text());
      }
    } catch {
      setTimeout(poll, POLL_AFTER_ERROR_MS);
      return;
    }
    schedule();
  }

  function schedule() {
    if (region.dataset.unfinished === "true") {
      setTimeout(poll, document.hidden ? POLL_HIDDEN_MS : POLL_MS);
    }
  }

  schedule();
}

function replaceFragment(region, html) {
  const fragment = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
  if (!fragment) return;
  const focused = region.contains(document.activeElement) ? pathOf(document.activeElement) : null;
  region.replaceChildren(document.adoptNode(fragment));
  region.dataset.unfinished = fragment.dataset.unfinished;
  showLocalTimes(region);
  showElapsed();
  announce(region);
  if (focused) region.querySelector(focused)?.focus();
}

function pathOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const attribute = ["formaction", "href"].find((name) => element.hasAttribute(name));
  return attribute ? `[${attribute}="${CSS.escape(element.getAttribute(attribute))}"]` : null;
}

function announce(region) {
  const announcer = document.querySelector(".announcer");
  const news = region.querySelector(".failure h3") || region.querySelector("[data-announce]");
  if (announcer && news && announcer.textContent !== news.textContent) {
    announcer.textContent = news.textContent;
  }
}

// Times: the server writes UTC, the reader sees their own clock.

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[data-clock]")) {
    time.textContent = clock(time.dateTime);
  }
}

function clock(moment) {
  return new Date(moment).toLocaleTimeString(document.documentElement.lang, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  });
}

function showElapsed() {
  for (const element of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.round((Date.now() - new Date(element.dataset.since)) / 1000));
    element.textContent = `${seconds} s`;
  }
}

// Drafts: saved a moment after typing stops and when the page is left.

function startDraft(form) {
  const box = form.elements.text;
  const state = form.querySelector("[data-draft-state]");
  let saved = box.value;
  let timer = 0;

  async function save() {
    const text = box.value;
    if (text === saved || form.dataset.sent) return;
    try {
      const response = await fetch(form.dataset.draft, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new FormData(form),
        keepalive: text.length < 15000, // browsers allow 64 kB to outlive the page
      });
      if (response.redirected) throw new Error("signed out");
      const answer = await response.json();
      if (!response.ok) return tell(answer.error, true);
      saved = text;
      tell(`${state.dataset.savedWord} ${clock(answer.saved_at)}`, false);
    } catch {
      tell(state.dataset.failedWord, true);
      timer = setTimeout(save, POLL_AFTER_ERROR_MS);
    }
  }

  function tell(sentence, failed) {
    state.textContent = sentence;
    state.classList.toggle("failed", failed);
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, DRAFT_AFTER_MS);
  });
  addEventListener("pagehide", save);
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

// A second click sends nothing; the server would not start anything twice either.

function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "true";
  });
  addEventListener("pageshow", () => delete form.dataset.sent);
}

showLocalTimes(document);
showElapsed();
setInterval(showElapsed, 1000);
document.querySelectorAll("[data-live]").forEach(startLive);
document.querySelectorAll("form[data-once]").forEach(sendOnce);
document.querySelectorAll("form[data-draft]").forEach((form) => {
  startDraft(form);
  startWordCount(form);
});
