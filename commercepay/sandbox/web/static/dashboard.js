// The page works without this: every button is a form. Here its parts are renewed in place as soon as something changed,
// without losing what is open, chosen, typed or focused.
const main = document.querySelector("main");
const notice = document.getElementById("notice");
const live = document.getElementById("live");
const served = new WeakMap(); // of each part the markup that the server sent, by which a changed one is known

const parts = () => document.querySelectorAll("[data-live]");
const children = (part) => [...part.children];
const fields = (part) => [...part.querySelectorAll("select, input:not([type=hidden])")];
const stops = (part) => [...part.querySelectorAll("a, button, select, input:not([type=hidden]), summary")];
const remember = (node) => served.set(node, node.outerHTML);

function carry(old, fresh) {
  const open = [...old.querySelectorAll("details")].map((one) => one.open);
  fresh.querySelectorAll("details").forEach((one, index) => { one.open = open[index] ?? one.open; });
  const typed = fields(old);
  const same = fields(fresh);
  if (typed.map((one) => one.outerHTML).join() === same.map((one) => one.outerHTML).join()) {
    same.forEach((one, index) => { one.value = typed[index].value; });
  }
  const focused = old.contains(document.activeElement) ? stops(old).indexOf(document.activeElement) : -1;
  old.replaceWith(fresh);
  if (focused >= 0) (stops(fresh)[focused] ?? stops(fresh).at(-1))?.focus({ preventScroll: true });
}

function renew(part, fresh) {
  const known = new Map(children(part).map((node) => [node.id || node.outerHTML, node]));
  let at = part.firstElementChild;
  for (const node of children(fresh)) {
    const markup = node.outerHTML;
    const old = known.get(node.id || markup);
    known.delete(node.id || markup);
    if (old === undefined) part.insertBefore(node, at);
    else if (served.get(old) === markup) at = old.nextElementSibling;
    else {
      at = old.nextElementSibling;
      carry(old, node);
    }
    if (served.get(old) !== markup) served.set(node, markup);
  }
  for (const gone of known.values()) gone.remove();
}

async function show(response) {
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = fresh.querySelector("main");
  if (next === null) throw new Error("this is not the dashboard");
  for (const part of parts()) renew(part, fresh.getElementById(part.id));
  main.dataset.version = next.dataset.version;
  return fresh.getElementById("problem");
}

addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    const problem = await show(response);
    document.getElementById("problem").replaceChildren(...problem.children);
    notice.textContent = response.ok ? `${event.submitter.textContent.trim()}: done.` : "";
  } catch {
    notice.textContent = "The sandbox does not respond.";
  }
});

let gone = false;

async function look() {
  if (document.hidden || live.getAttribute("aria-pressed") !== "true") return;
  try {
    const state = await (await fetch("/_sandbox/api/state")).json();
    if (gone) notice.textContent = "";
    gone = false;
    if (String(state.version) !== main.dataset.version) await show(await fetch(location.href));
  } catch {
    gone = true;
    notice.textContent = "The sandbox does not respond.";
  }
}

async function watch() {
  await look();
  setTimeout(watch, 1000);
}

for (const part of parts()) children(part).forEach(remember);
live.hidden = false;
live.addEventListener("click", () => {
  live.setAttribute("aria-pressed", live.getAttribute("aria-pressed") !== "true");
  look();
});
document.addEventListener("visibilitychange", look);
watch();
