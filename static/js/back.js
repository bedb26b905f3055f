// On the page that shows while PostgreSQL is away: look every 10 s, and load what was asked for when it is back.
"use strict";

setInterval(async () => {
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    if (answer.status < 500) location.reload();
  } catch { /* the portal itself does not answer: look again */ }
}, 10_000);
