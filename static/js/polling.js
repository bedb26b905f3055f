// Polling stops while the tab is hidden; when the portal does not answer, the page says for how long.
import { serverTime, updateAges } from "./clock.js";
import { toast } from "./toasts.js";

const NO_ANSWER = "The portal did not answer. Whether it was done is shown under Operations; nothing is sent again by itself.";

let answeredAt = Date.now();
const polls = (node) => node.matches("[hx-trigger*=every]");
const pausesWhenHidden = (node) => polls(node) && !node.matches("[data-background]"); // a running operation updates its tab's icon

document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && pausesWhenHidden(event.detail.elt)) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) window.htmx.trigger(document.body, "wake");
  updateAges();
});

const showNoAnswer = () => {
  const note = document.getElementById("no-answer");
  note.hidden = false;
  note.querySelector("time").dateTime = serverTime(answeredAt).toISOString();
  updateAges();
};
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) return;
  answeredAt = Date.now();
  document.getElementById("no-answer").hidden = true;
});

for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.body.addEventListener(name, (event) => {
    const source = event.detail.elt;
    if (polls(source)) showNoAnswer();
    else if (source.href) location.assign(source.href); // the whole page explains what the fragment could not
    else if (!event.detail.xhr?.getResponseHeader("HX-Trigger")) toast(NO_ANSWER);
  });
}
