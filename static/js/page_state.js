// What a new fragment changes outside itself: the tab's icon, the announced state, and which <details> stay open.
import { setClock } from "./clock.js";

const openDetails = new Set();
const state = () => document.querySelector("main [data-icon]");
let announced = state()?.dataset.say;

document.body.addEventListener("htmx:beforeSwap", (event) => {
  openDetails.clear();
  for (const node of event.detail.target.querySelectorAll("details[open][id]")) openDetails.add(node.id);
});
document.body.addEventListener("htmx:afterSettle", () => {
  for (const id of openDetails) document.getElementById(id)?.setAttribute("open", "");
  const data = state()?.dataset;
  if (!data) return;
  const icon = document.getElementById("icon");
  if (icon.getAttribute("href") !== data.icon) icon.href = data.icon;
  if (data.now) setClock(data.now);
  if (data.say !== undefined && data.say !== announced) {
    announced = data.say;
    document.getElementById("announcement").textContent = announced;
  }
});
