// Log lines: new ones come on top, the oldest go, and whoever reads further down stays where they are.
const trim = () => {
  for (const list of document.querySelectorAll(".log[data-most]")) {
    while (list.children.length > Number(list.dataset.most)) list.lastElementChild.remove();
  }
};

// Safari does not keep the place by itself.
const keepsPlace = CSS.supports("overflow-anchor", "auto");
let before = null;
document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
  const scroll = event.detail.target.closest(".log-scroll");
  before = scroll && scroll.scrollTop > 0 ? { scroll, height: scroll.scrollHeight } : null;
});
document.body.addEventListener("htmx:oobAfterSwap", () => {
  if (before && !keepsPlace) before.scroll.scrollTop += before.scroll.scrollHeight - before.height;
  before = null;
});
document.body.addEventListener("htmx:afterSettle", trim);

// The local time is shown when somebody points at a time.
const nameLocalTime = (event) => {
  const time = event.target.closest?.("time[data-local]") ?? event.target.querySelector?.(":scope > time[data-local]");
  if (time && !time.dataset.named) {
    time.title = `${new Date(time.dateTime).toLocaleString()} local time`;
    time.dataset.named = "yes";
  }
};
document.body.addEventListener("pointerover", nameLocalTime);
document.body.addEventListener("focusin", nameLocalTime);
