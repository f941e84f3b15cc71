// Keys press the buttons that name them. Nobody says anything twice, or of a pair that has only just come, by a second
// click, a second tap or a key that is held; a key that is not taken is told; focus stays where it was; and what was not
// kept is said.
"use strict";

const SETTLING_MILLISECONDS = 400;
const NOTICE_MILLISECONDS = 4000;
let swapped = performance.now();
let focused = null;
let clearing = 0;

const notice = (words) => {
  document.querySelector("#notice").textContent = words;
  clearTimeout(clearing);
  clearing = setTimeout(() => (document.querySelector("#notice").textContent = ""), NOTICE_MILLISECONDS);
};

document.querySelector("#show-keys")?.removeAttribute("hidden");

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || typing) return;
  const list = document.querySelector("#keys");
  if (event.key === "?" && list) list.open ? list.close() : list.showModal();
  const key = event.key.toLowerCase();
  const button = document.querySelector("[data-keys]") && document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!button || list?.open) return;
  event.preventDefault();
  if (button.matches(":enabled") && performance.now() - swapped > SETTLING_MILLISECONDS) button.click();
  else notice(`${key} came too soon and was not taken: look at the pair, and press again.`);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("#show-keys")) document.querySelector("#keys").showModal();
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
