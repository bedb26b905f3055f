// What a page can do beyond plain links and forms. Without it everything still works, page by page.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const dialog = byId("dialog");
  const help = byId("help");
  const isTyping = (node) => Boolean(node.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"));

  // --- Ages count on between two answers, by the server's clock ---------------------------------------
  let ahead = 0; // how far this device's clock is ahead of the server's, in ms
  const setClock = (now) => { ahead = Date.now() - Date.parse(now); };
  if (document.body.dataset.now) setClock(document.body.dataset.now);

  const duration = (seconds) => {
    if (seconds < 60) return `${Math.max(seconds, 0)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86400) {
      const hours = Math.floor(seconds / 3600), minutes = Math.floor((seconds % 3600) / 60);
      return hours < 10 && minutes ? `${hours} h ${minutes} min` : `${hours} h`;
    }
    const days = Math.floor(seconds / 86400), hours = Math.floor((seconds % 86400) / 3600);
    return days < 10 && hours ? `${days} d ${hours} h` : `${days} d`;
  };
  const tick = () => {
    if (document.hidden) return;
    for (const time of document.querySelectorAll("time[data-age]")) {
      const words = duration(Math.floor((Date.now() - ahead - Date.parse(time.dateTime)) / 1000));
      if (time.textContent !== words) time.textContent = words;
    }
  };
  setInterval(tick, 1000);

  // Nothing else is new: only the moments from which ages are counted.
  document.body.addEventListener("fresh", (event) => {
    setClock(event.detail.now);
    for (const [name, at] of Object.entries(event.detail.times)) {
      for (const time of document.querySelectorAll(`[data-fresh="${CSS.escape(name)}"] time[data-age]`)) time.dateTime = at;
    }
    tick();
  });

  // --- Sentences: a toast for the eye, a live region for the ear --------------------------------------
  const toast = (sentence) => {
    const note = document.createElement("p");
    note.className = "toast";
    note.textContent = sentence;
    byId("toasts").append(note);
    setTimeout(() => note.remove(), 8000);
  };
  document.body.addEventListener("toast", (event) => toast(event.detail.sentence));

  // --- Polling: stops while nobody looks, says when the portal itself is silent ------------------------
  let heardAt = Date.now();
  const polls = (node) => node.matches("[hx-trigger*=every]");
  const sleeps = (node) => polls(node) && !node.matches("[data-background]"); // a running operation keeps its tab's icon true
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && sleeps(event.detail.elt)) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) htmx.trigger(document.body, "wake");
    tick();
  });
  const silent = () => {
    const note = byId("silent");
    note.hidden = false;
    note.querySelector("time").dateTime = new Date(heardAt - ahead).toISOString();
    tick();
  };
  const heard = () => {
    heardAt = Date.now();
    byId("silent").hidden = true;
  };
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) heard();
  });
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.body.addEventListener(name, (event) => {
      const asked = event.detail.elt;
      if (polls(asked)) silent();
      else if (asked.href) location.assign(asked.href); // the page says what the fragment could not
      else if (!event.detail.xhr?.getResponseHeader("HX-Trigger")) toast("The portal did not answer. Whether it was done is shown under Operations; nothing is sent again by itself.");
    });
  }

  // --- What a new fragment says about the whole page: icon, spoken state, what stays open --------------
  const open = new Set();
  const state = () => document.querySelector("main [data-icon]");
  let said = state()?.dataset.say;
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    open.clear();
    for (const node of event.detail.target.querySelectorAll("details[open][id]")) open.add(node.id);
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    for (const id of open) byId(id)?.setAttribute("open", "");
    const now = state()?.dataset;
    if (!now) return;
    if (byId("icon").getAttribute("href") !== now.icon) byId("icon").href = now.icon;
    if (now.now) setClock(now.now);
    if (now.say !== undefined && now.say !== said) byId("said").textContent = said = now.say;
  });

  // --- The dialog: opens when something came, gives the focus back to what opened it --------------------
  let opener = null;
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === dialog && !dialog.open) opener = event.detail.elt.id;
  });
  // An answer that started nothing says so at the top: the focus goes there, or a second click would send it.
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target !== dialog) return;
    if (!dialog.open) dialog.showModal();
    const alert = dialog.querySelector("[role=alert]");
    if (alert) alert.tabIndex = -1;
    (alert ?? dialog.querySelector("[autofocus]") ?? dialog.querySelector("a, button"))?.focus({ preventScroll: true });
    dialog.scrollTop = 0; // what will happen is read before it is answered
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    byId(opener)?.focus();
    opener = null;
  });
  document.addEventListener("click", (event) => {
    const closer = event.target.closest("[data-close]");
    if (!closer || !closer.closest("dialog")) return;
    event.preventDefault();
    closer.closest("dialog").close();
  });

  // A form marked as deliberate is sent by its button or by Ctrl/Cmd+Enter, never by a stray Enter.
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-deliberate]");
    if (!form || event.key !== "Enter") return;
    const field = event.target.matches("input, select");
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const button = form.querySelector("button[type=submit]:not(:disabled)");
      if (button && !event.repeat) form.requestSubmit(button);
    } else if (field) {
      event.preventDefault();
    }
  });
  // Two clicks are one request; the server keeps that rule, this only shows it.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-deliberate]:not([hx-post])")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // --- Single keys; they can be switched off -----------------------------------------------------------
  const KEYS_OFF = "portal.keys-off";
  const stored = () => { try { return localStorage.getItem(KEYS_OFF) === "yes"; } catch { return false; } };
  const choice = byId("keys-on");
  if (choice) {
    choice.checked = !stored();
    choice.addEventListener("change", () => {
      try { localStorage.setItem(KEYS_OFF, choice.checked ? "no" : "yes"); } catch { /* this browser keeps nothing */ }
    });
  }
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-help]")) return;
    event.preventDefault();
    if (help && !help.open) help.showModal();
  });

  const rows = (side) => [...document.querySelectorAll(`.deploy[data-side="${side}"] .subject`)];
  const here = () => document.activeElement?.closest(".deploy");
  const focusFirst = (side) => rows(side)[0]?.focus();
  const step = (by) => {
    const now = here();
    const all = rows(now ? now.dataset.side : document.querySelector(".deploy")?.dataset.side);
    const at = now ? all.indexOf(now.querySelector(".subject")) : -1;
    all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
  };
  const press = (selector) => here()?.querySelector(selector)?.click();
  const toggleBetween = () => {
    const between = here()?.querySelector(".between");
    if (between?.hasChildNodes()) between.replaceChildren();
    else press("[data-between]");
  };
  const toProgress = () => location.assign(document.querySelector("a[data-progress]")?.href ?? document.body.dataset.operations);
  const keys = {
    a: () => focusFirst("api"),
    w: () => focusFirst("web"),
    j: () => step(1),
    k: () => step(-1),
    d: toggleBetween,
    r: () => press("[data-operate]"),
    "?": () => help?.showModal(),
  };
  let after = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
    if (stored() || document.querySelector("dialog[open]")) return;
    const isProgress = after === "g" && event.key === "p";
    after = event.key === "g" ? "g" : "";
    const act = isProgress ? toProgress : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
