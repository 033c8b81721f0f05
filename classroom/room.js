// Fetches the page again and again, and puts what it shows in the place of what is shown. The place on the
// page stays, and so does what a screen reader reads.
const SECONDS = 5;

async function renew() {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(fresh.querySelector("main"));
  } catch {
    document.querySelector("#state").textContent = "This is no longer renewed: make room has ended.";
  }
  setTimeout(renew, 1000 * SECONDS);
}

setTimeout(renew, 1000 * SECONDS);
