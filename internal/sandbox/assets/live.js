// Keeps the parts of a page marked data-live fresh without touching what a person is typing.
const { endpoint, version: rendered } = document.currentScript.dataset;
let seen = Number(rendered);

async function look() {
  const answer = await fetch(endpoint, { cache: "no-store" });
  const { version } = await answer.json();
  if (version !== seen) {
    await refresh();
    seen = version;
  }
}

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-store" });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next && !part.contains(document.activeElement) && part.innerHTML !== next.innerHTML) {
      part.replaceChildren(...next.childNodes);
    }
  }
  toBottom();
}

function toBottom() {
  for (const chat of document.querySelectorAll("[data-bottom]")) {
    chat.scrollTop = chat.scrollHeight;
  }
}

for (const select of document.querySelectorAll("select[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
toBottom();
setInterval(() => {
  if (!document.hidden) {
    look().catch(() => {}); // the server restarts often during development
  }
}, 1500);
