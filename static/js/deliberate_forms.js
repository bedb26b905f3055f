// A form with data-deliberate is sent by its button or by Ctrl/Cmd+Enter, never by Enter alone.
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form[data-deliberate]");
  if (!form || event.key !== "Enter") return;
  const isField = event.target.matches("input, select");
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]:not(:disabled)");
    if (button && !event.repeat) form.requestSubmit(button);
  } else if (isField) {
    event.preventDefault();
  }
});

// Two clicks send one request. The server enforces that too, with the idempotency key.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-deliberate]:not([hx-post])")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
