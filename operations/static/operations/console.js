// Live refresh of the list and of one operation's page: the page is asked for again, and the regions
// marked data-live take the new content. A region that somebody is using is left as it is.
// Django puts the scripts of an admin into the head.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const REFRESH_MS = 5000;
  const control = document.querySelector("[data-refresh]");
  if (!control) return;
  const button = control.querySelector("button");
  const said = control.querySelector("[role=status]");
  const PAUSED = "operations.refresh.paused";
  let paused = sessionStorage.getItem(PAUSED) === "1";

  function show() {
    button.setAttribute("aria-pressed", String(paused));
    said.textContent = paused ? "This page stands still." : "";
  }

  // The focus, typed text and ticked rows are somebody's work.
  function isInUse(region) {
    if (region.contains(document.activeElement)) return true;
    if (region.querySelector("details[open]")) return true;
    return [...region.querySelectorAll("input, textarea, select")].some((field) =>
      field.type === "checkbox" || field.type === "radio"
        ? field.checked !== field.defaultChecked
        : field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue);
  }

  function refreshRows(fresh) {
    const rows = document.querySelector("#result_list tbody");
    const next = fresh.querySelector("#result_list tbody");
    if (!rows || !next || isInUse(rows) || rows.innerHTML === next.innerHTML) return;
    rows.replaceChildren(...next.childNodes);
    // Django's own script knows the boxes that were there when the page was opened.
    if (window.Actions) window.Actions(rows.querySelectorAll("input.action-select"));
  }

  async function refresh() {
    const response = await fetch(location.href, { headers: { "X-Refresh": "1" } });
    if (!response.ok || response.redirected) throw new Error(String(response.status));
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const region of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(region.id);
      if (next && !isInUse(region) && next.innerHTML !== region.innerHTML) {
        region.replaceChildren(...next.childNodes);
      }
    }
    refreshRows(fresh);
  }

  async function turn() {
    if (!paused && !document.hidden) {
      try {
        await refresh();
        said.textContent = "";
      } catch {
        said.textContent = "Not refreshed: the server did not answer as usual.";
      }
    }
    setTimeout(turn, REFRESH_MS);
  }

  button.addEventListener("click", () => {
    paused = !paused;
    sessionStorage.setItem(PAUSED, paused ? "1" : "0");
    show();
  });
  control.hidden = false;
  show();
  setTimeout(turn, REFRESH_MS);
});
