// Keys press the buttons that name them. Nobody says anything twice, or of a pair that has only just come, by a second
// click, a second tap or a key that is held; focus stays where it was; and what was not kept is said.
"use strict";

const SETTLING_MILLISECONDS = 400;
let swapped = -Infinity;
let focused = null;

const pressable = (key) =>
  document.querySelector("[data-keys]") && document.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || typing) return;
  const list = document.querySelector("#keys");
  if (event.key === "?" && list) list.open = !list.open;
  const button = pressable(event.key.toLowerCase());
  if (!button) return;
  event.preventDefault();
  if (performance.now() - swapped > SETTLING_MILLISECONDS) button.click();
});

document.addEventListener(
  "click",
  (event) => {
    if (event.detail > 1 && event.target.closest("[data-key]")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  true,
);

const tell = (words) => {
  document.querySelector("#problem").textContent = words;
};

document.addEventListener("htmx:beforeRequest", () => {
  focused = document.activeElement?.id || null;
  tell("");
});

document.addEventListener("htmx:afterSwap", () => {
  swapped = performance.now();
  // What was pressed may be gone: there is nothing to take back any more, say.
  const next = focused && (document.getElementById(focused) || document.querySelector("#question [data-key]"));
  next?.focus({ preventScroll: true });
});

document.addEventListener("htmx:responseError", (event) => {
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const reason = page.querySelector("[role=alert].message")?.textContent || `The service answered ${event.detail.xhr.status}.`;
  tell(`Nothing was changed. ${reason}`);
});

document.addEventListener("htmx:sendError", () => tell("Nothing was changed: the service cannot be reached."));
