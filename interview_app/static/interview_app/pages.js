// Makes pages that already work without it more pleasant: live status, news of it, local times.
"use strict";

const POLL_MS = 1200;
const POLL_HIDDEN_MS = 5000;
const POLL_AFTER_ERROR_MS = 3000;
const FAR_AWAY_MS = 10000;

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
        leave(response.redirected ? "signed-out" : "gone");
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
      setTimeout(poll, document.hidden || isFarAway(region) ? POLL_HIDDEN_MS : POLL_MS);
    }
  }

  schedule();
}

// Signed out or deleted elsewhere: the page itself says so, unless words on it would be lost.

function leave(why) {
  const form = document.querySelector("form[data-unsaved]");
  if (form) form.dispatchEvent(new CustomEvent("leave", { detail: why }));
  else location.reload();
}

function isFarAway(region) {
  const next = region.querySelector("[data-until]");
  return next !== null && new Date(next.dataset.until) - Date.now() > FAR_AWAY_MS;
}

function replaceFragment(region, html) {
  const fragment = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
  if (!fragment) return;
  const wasUnfinished = region.dataset.unfinished === "true";
  const focused = region.contains(document.activeElement) ? pathOf(document.activeElement) : null;
  region.replaceChildren(document.adoptNode(fragment));
  region.dataset.unfinished = fragment.dataset.unfinished;
  showLocalTimes(region);
  showElapsed();
  announce(region);
  if (wasUnfinished && region.dataset.unfinished !== "true") tellThatItEnded(region);
  if (focused) region.querySelector(focused)?.focus();
}

function pathOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const attribute = ["formaction", "href"].find((name) => element.hasAttribute(name));
  return attribute ? `[${attribute}="${CSS.escape(element.getAttribute(attribute))}"]` : null;
}

// Said once for each state, never for a number that only ticks.

function announce(region) {
  const announcer = document.querySelector(".announcer");
  const news =
    region.querySelector(".failure h3") ||
    region.querySelector(".at-work") ||
    region.querySelector("[data-announce]");
  if (!announcer || !news) return;
  const sentence = news.dataset.announce || news.textContent.trim();
  if (announcer.textContent !== sentence) announcer.textContent = sentence;
}

// News for who looks elsewhere: the title, and a notification where the person asked for it.

const tell = document.querySelector("[data-tell]");
const title = document.title;

function tellThatItEnded(region) {
  offerToTell();
  if (!tell || !document.hidden) return;
  const words = region.querySelector(".failure") ? tell.dataset.failedWord : tell.dataset.readyWord;
  document.title = `${words} · ${title}`;
  if (mayNotify("granted")) new Notification(words, { body: title, tag: location.pathname });
}

function mayNotify(permission) {
  return "Notification" in window && Notification.permission === permission;
}

function offerToTell() {
  const isWaiting = document.querySelector('[data-live][data-unfinished="true"]') !== null;
  if (tell) tell.hidden = !isWaiting || !mayNotify("default");
}

tell?.querySelector("button").addEventListener("click", async () => {
  await Notification.requestPermission();
  offerToTell();
  if (mayNotify("granted")) document.querySelector(".announcer").textContent = tell.dataset.onWord;
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.title = title;
});

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
  for (const element of document.querySelectorAll("[data-until]")) {
    element.textContent = left(Math.ceil((new Date(element.dataset.until) - Date.now()) / 1000));
  }
  for (const element of document.querySelectorAll("[data-over-at]")) {
    if (new Date(element.dataset.overAt) > Date.now()) continue;
    element.textContent = element.dataset.overWord;
    delete element.dataset.overAt;
  }
}

function left(seconds) {
  if (seconds <= 0) return "";
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, "0")} min`;
}

// Copies of what was typed (drafts.js) go once the server has it, and with whoever signs out.

const KEPT = "draft:";

function keptCopy(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function forgetKept(isToGo) {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(KEPT) && isToGo(keptCopy(key))) localStorage.removeItem(key);
    }
  } catch {
    // Forbidden: then nothing is kept either.
  }
}

if (document.querySelector(".message.answer-saved")) forgetKept((copy) => !copy || copy.sent);
document.querySelectorAll("form[data-sign-out]").forEach((form) => {
  form.addEventListener("submit", () => forgetKept(() => true));
});

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
offerToTell();
