// Keeps the open page up to date: the relay sends it drawn, and the parts that changed are put in place.
"use strict";

const main = document.getElementById("main");
const lost = document.getElementById("lost");
const before = new Map();

const parts = (root) => [...root.querySelectorAll("[data-part]")];

const busy = (part) => {
  const held = document.activeElement;
  const chosen = document.getSelection();
  return (held && /^(INPUT|SELECT|TEXTAREA)$/.test(held.tagName) && part.contains(held)) ||
    (chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode));
};

const keep = (old, fresh) => {
  for (const one of old.querySelectorAll("details[id]")) {
    const same = fresh.querySelector(`#${CSS.escape(one.id)}`);
    if (same) same.open = one.open;
  }
};

const where = (part) => {
  const held = document.activeElement;
  if (!held || !part.contains(held)) return null;
  return [...part.querySelectorAll("a, button, summary, pre")].indexOf(held);
};

const put = (html) => {
  const drawn = document.createElement("template");
  drawn.innerHTML = html;
  const fresh = parts(drawn.content);
  const names = new Set(fresh.map((part) => part.dataset.part));
  for (const part of parts(main)) if (!names.has(part.dataset.part)) part.remove();
  let last = null;
  for (const part of fresh) {
    const name = part.dataset.part;
    const old = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
    const text = part.outerHTML;
    if (!old) {
      if (last) last.after(part); else main.prepend(part);
      before.set(name, text);
      last = part;
      continue;
    }
    last = old;
    if (before.get(name) === text || busy(old)) continue;
    before.set(name, text);
    const place = where(old);
    keep(old, part);
    const seen = old.querySelector(".scroll")?.scrollLeft;
    old.replaceWith(part);
    if (seen) part.querySelector(".scroll")?.scrollTo({ left: seen });
    last = part;
    if (place !== null && place >= 0) part.querySelectorAll("a, button, summary, pre")[place]?.focus();
  }
};

// On a phone the pages stand in a row that scrolls: the one that is open is brought into sight.
const here = document.querySelector(".side nav a[aria-current]");
const row = here && here.closest("ul");
if (row && row.scrollWidth > row.clientWidth) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;

// The same for the day's chart: what is seen of it ends a little after now.
const chart = document.querySelector(".scroll");
const now = chart && chart.querySelector(".now");
if (now) chart.scrollLeft += now.getBoundingClientRect().left - chart.getBoundingClientRect().right + 40;

if (main && main.dataset.live && window.EventSource) {
  for (const part of parts(document)) before.set(part.dataset.part, part.outerHTML);
  let stream = null;
  // A stream that is refused, rather than cut off, may be refused because nobody is signed in any more.
  const tell = () => fetch("/live?of=/nowhere", { headers: { Accept: "text/html" } }).then((answer) => {
    if (answer.status === 401) { lost.hidden = true; document.getElementById("out").hidden = false; }
  }, () => undefined);
  const open = () => {
    if (stream || document.hidden) return;
    stream = new EventSource(`/live?of=${encodeURIComponent(main.dataset.live)}`);
    stream.onopen = () => { lost.hidden = true; document.getElementById("out").hidden = true; document.documentElement.dataset.live = "yes"; };
    stream.onmessage = (event) => { const html = JSON.parse(event.data); if (html) put(html); };
    stream.onerror = () => {
      lost.hidden = false;
      if (stream.readyState === EventSource.CLOSED) tell();
      if (stream.readyState === EventSource.CLOSED) { stream = null; setTimeout(open, 5000); }
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return open();
    if (stream) { stream.close(); stream = null; }
  });
  open();
}
