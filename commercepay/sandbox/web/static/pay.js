// The page works without this. It counts down, sends a form once, and notices what happened in another tab.
const main = document.querySelector("main");
const left = document.querySelector("[data-seconds-left]");

async function look() {
  const response = await fetch(location.href).catch(() => null);
  if (response === null) return;
  const now = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("main");
  if (now.dataset.state !== main.dataset.state) location.reload();
}

if (left) {
  const end = Date.now() + left.dataset.secondsLeft * 1000;
  const notice = document.getElementById("notice");
  const two = (number) => String(number).padStart(2, "0");
  const count = () => {
    const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    left.textContent = (hours ? `${hours}:${two(minutes)}` : minutes) + `:${two(seconds % 60)}`;
    left.classList.toggle("soon", seconds <= 60);
    if (seconds <= 60 && !notice.textContent) notice.textContent = "Less than a minute is left to pay.";
    if (seconds === 0) location.reload();
  };
  count();
  setInterval(count, 1000);
}

let sent = false;
addEventListener("submit", (event) => {
  if (sent) return event.preventDefault();
  sent = true;
  const again = () => {
    sent = false;
    event.submitter?.removeAttribute("aria-disabled");
  };
  event.submitter?.setAttribute("aria-disabled", "true");
  setTimeout(again, 5000); // the merchant's page may not respond, and a second press does no harm
});

addEventListener("pageshow", (event) => event.persisted && location.reload());
document.addEventListener("visibilitychange", () => document.hidden || look());
