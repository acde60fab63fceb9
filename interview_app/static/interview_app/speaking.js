// Questions are read aloud and answers dictated where the browser can; both only when asked for.
"use strict";

const SPEECH_LANGUAGES = { en: "en-US", de: "de-DE" };

function spokenLanguage() {
  const language = document.querySelector("[data-spoken]").lang;
  return SPEECH_LANGUAGES[language] || language;
}

// Reading aloud: with voices of this computer alone; those from afar would send the question away.

function offerToRead(place) {
  const button = place.querySelector("button");
  const synthesis = window.speechSynthesis;
  if (!synthesis) return;

  function voice() {
    const [language] = spokenLanguage().split("-");
    const isOwn = (each) => each.localService && each.lang.toLowerCase().startsWith(language);
    return synthesis.getVoices().find(isOwn);
  }

  function show() {
    place.hidden = !voice();
  }

  function stop() {
    synthesis.cancel();
    button.setAttribute("aria-pressed", "false");
  }

  button.addEventListener("click", () => {
    if (button.getAttribute("aria-pressed") === "true") return stop();
    const words = new SpeechSynthesisUtterance(document.querySelector("[data-spoken]").textContent);
    words.voice = voice();
    words.lang = words.voice.lang;
    words.onend = words.onerror = () => button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", "true");
    synthesis.speak(words);
  });
  synthesis.addEventListener?.("voiceschanged", show);
  addEventListener("pagehide", stop);
  show();
}

// Dictation: the words go into the box, to be read and corrected before they are sent.

function offerDictation(place) {
  const Recognition = window.SpeechRecognition || window.webkitSpeechRecognition;
  if (!Recognition) return;
  const form = place.closest("form");
  const part = (name) => place.querySelector(`[data-${name}]`);
  let recognition = null;
  let startedAt = 0;

  function showTerms(isShown) {
    part("terms").hidden = !isShown;
    part("offer").setAttribute("aria-expanded", isShown);
    if (isShown) part("start").focus();
    else part("offer").focus();
  }

  function start() {
    showTerms(false);
    recognition = new Recognition();
    recognition.lang = spokenLanguage();
    recognition.continuous = true;
    recognition.interimResults = false;
    recognition.onstart = () => listening(true);
    recognition.onresult = write;
    recognition.onerror = (event) => failed(event.error);
    recognition.onend = () => listening(false);
    recognition.start();
  }

  function listening(isOn) {
    part("offer").hidden = isOn;
    part("stop").hidden = !isOn;
    if (isOn) {
      startedAt = Date.now();
      say("listening");
      part("stop").focus();
    } else if (startedAt) {
      add("spoken_seconds", Math.round((Date.now() - startedAt) / 1000));
      startedAt = 0;
      form.elements.text.focus();
      if (part("dictation-state").textContent === place.dataset.listeningWord) say("stopped");
    }
  }

  function write(event) {
    for (let number = event.resultIndex; number < event.results.length; number += 1) {
      if (event.results[number].isFinal) insert(event.results[number][0].transcript.trim());
    }
  }

  // At the cursor, between blanks.

  function insert(words) {
    if (!words) return;
    const box = form.elements.text;
    const before = box.value.slice(0, box.selectionStart);
    const after = box.value.slice(box.selectionEnd);
    const lead = before && !/\s$/.test(before) ? " " : "";
    const trail = after && !/^\s/.test(after) ? " " : "";
    box.value = before + lead + words + trail + after;
    const cursor = (before + lead + words).length;
    box.setSelectionRange(cursor, cursor);
    box.dispatchEvent(new Event("input"));
    add("spoken_words", words.split(/\s+/).length);
  }

  function add(name, number) {
    form.elements[name].value = Number(form.elements[name].value || 0) + number;
  }

  function failed(error) {
    if (error === "no-speech" || error === "aborted") return;
    say(error === "not-allowed" || error === "service-not-allowed" ? "refused" : "broken");
  }

  function say(word) {
    part("dictation-state").textContent = place.dataset[`${word}Word`];
  }

  part("offer").addEventListener("click", () => showTerms(part("terms").hidden));
  part("not-now").addEventListener("click", () => showTerms(false));
  part("start").addEventListener("click", start);
  part("stop").addEventListener("click", () => recognition.stop());
  form.addEventListener("submit", () => {
    if (startedAt) listening(false);
    recognition?.abort();
  });
  addEventListener("pagehide", () => recognition?.abort());
  place.hidden = false;
}

document.querySelectorAll("[data-aloud]").forEach(offerToRead);
document.querySelectorAll("[data-dictation]").forEach(offerDictation);
