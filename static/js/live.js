// Brings the figures of a page up to date while it is in sight.

const EVERY = 5000;

async function refresh() {
  if (document.visibilityState !== "visible") {
    return;
  }
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (fresh === null) {
        location.reload(); // nothing on the page changes any more
      } else {
        document.getElementById("live").replaceWith(fresh);
      }
    }
  } catch {
    // The site is away for a moment: the next time will tell.
  }
}

setInterval(refresh, EVERY);
