// The button that opens the browser's own dialogue; without JavaScript its menu has one.
"use strict";

document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => print());
});
