// The dialog opens when its content has arrived, and gives the focus back to what opened it.
const dialog = document.getElementById("dialog");
let opener = null;

document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target === dialog && !dialog.open) opener = event.detail.elt.id;
});

// An answer that started nothing has an alert at the top. The focus goes there, or a second click would send the form.
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== dialog) return;
  if (!dialog.open) dialog.showModal();
  const alert = dialog.querySelector("[role=alert]");
  if (alert) alert.tabIndex = -1;
  (alert ?? dialog.querySelector("[autofocus]") ?? dialog.querySelector("a, button"))?.focus({ preventScroll: true });
  dialog.scrollTop = 0; // the plan is read before it is confirmed
});

dialog.addEventListener("close", () => {
  dialog.replaceChildren();
  document.getElementById(opener)?.focus();
  opener = null;
});

document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-close]");
  if (!closer || !closer.closest("dialog")) return;
  event.preventDefault();
  closer.closest("dialog").close();
});
