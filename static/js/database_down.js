// On the page that is shown while PostgreSQL is away: try every 10 s, and reload once it is back.
"use strict";

setInterval(async () => {
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    if (answer.status < 500) location.reload();
  } catch { /* the portal itself does not answer: try again */ }
}, 10_000);
