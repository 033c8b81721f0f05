// Loads what makes a page alive. A page from the disk may load no modules; its text says what to do.
(() => {
  const here = /** @type {HTMLScriptElement} */ (document.currentScript).src;
  if (location.protocol === "file:") {
    document.documentElement.classList.add("live-never");
    return;
  }
  import(new URL("page.js", here).href).catch((error) => {
    for (const place of document.querySelectorAll(".live-without")) {
      place.textContent =
        "The server did not send the page’s scripts, or not as JavaScript. Reload the page.";
    }
    throw error;
  });
})();
