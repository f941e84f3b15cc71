// Keys press the buttons that name them. Nobody says anything twice, or of the next pair, by a second click or a key held.
"use strict";

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || typing) return;
  const button = document.querySelector(`[data-keys] [data-key="${CSS.escape(event.key.toLowerCase())}"]:not(:disabled)`);
  if (!button) return;
  event.preventDefault();
  button.click();
});

document.addEventListener(
  "click",
  (event) => {
    if (event.detail > 1 && event.target.closest("[data-keys] button")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  true,
);
