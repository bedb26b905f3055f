// Ages on the page grow between two answers, measured by the server's clock.
let ahead = 0; // how far this device's clock is ahead of the server's, in ms

export const setClock = (now) => { ahead = Date.now() - Date.parse(now); };
export const serverTime = (deviceTime) => new Date(deviceTime - ahead);

// The same words as `duration` in rollback_portal/text.py.
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

export const updateAges = () => {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-age]")) {
    const text = duration(Math.floor((Date.now() - ahead - Date.parse(time.dateTime)) / 1000));
    if (time.textContent !== text) time.textContent = text;
  }
};

if (document.body.dataset.now) setClock(document.body.dataset.now);
setInterval(updateAges, 1000);

// The answer to a poll when nothing else has changed: the times from which ages are counted.
document.body.addEventListener("fresh", (event) => {
  setClock(event.detail.now);
  for (const [name, at] of Object.entries(event.detail.times)) {
    for (const time of document.querySelectorAll(`[data-fresh="${CSS.escape(name)}"] time[data-age]`)) time.dateTime = at;
  }
  updateAges();
});
