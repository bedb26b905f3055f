// A message that goes away by itself. It is in a live region, so that screen readers announce it.
export const toast = (message) => {
  const note = document.createElement("p");
  note.className = "toast";
  note.textContent = message;
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), 8000);
};

document.body.addEventListener("toast", (event) => toast(event.detail.message));
