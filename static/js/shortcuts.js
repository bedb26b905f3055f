// Single-key shortcuts; they can be switched off, for this device only.
const KEYS_OFF = "portal.keys-off";
const help = document.getElementById("help");
const checkbox = document.getElementById("keys-on");

const areOff = () => { try { return localStorage.getItem(KEYS_OFF) === "yes"; } catch { return false; } };
const isTyping = (node) => Boolean(node.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"));

if (checkbox) {
  checkbox.checked = !areOff();
  checkbox.addEventListener("change", () => {
    try { localStorage.setItem(KEYS_OFF, checkbox.checked ? "no" : "yes"); } catch { /* this browser stores nothing */ }
  });
}
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-help]")) return;
  event.preventDefault();
  if (help && !help.open) help.showModal();
});

const subjects = (side) => [...document.querySelectorAll(`.deploy[data-side="${side}"] .subject`)];
const current = () => document.activeElement?.closest(".deploy");
const focusFirst = (side) => subjects(side)[0]?.focus();
const move = (by) => {
  const item = current();
  const all = subjects(item ? item.dataset.side : document.querySelector(".deploy")?.dataset.side);
  const at = item ? all.indexOf(item.querySelector(".subject")) : -1;
  all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
};
const click = (selector) => current()?.querySelector(selector)?.click();
const toggleCommits = () => {
  const commits = current()?.querySelector(".between");
  if (commits?.hasChildNodes()) commits.replaceChildren();
  else click("[data-between]");
};
const openProgress = () => location.assign(document.querySelector("a[data-progress]")?.href ?? document.body.dataset.operations);

const actions = {
  a: () => focusFirst("api"),
  w: () => focusFirst("web"),
  j: () => move(1),
  k: () => move(-1),
  d: toggleCommits,
  r: () => click("[data-operate]"),
  "?": () => help?.showModal(),
};
let previousKey = "";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  if (areOff() || document.querySelector("dialog[open]")) return;
  const isProgress = previousKey === "g" && event.key === "p";
  previousKey = event.key === "g" ? "g" : "";
  const action = isProgress ? openProgress : actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
