// Loads what makes a page alive. A page from the disk may load no modules; its text says what to do.
(() => {
  const here = /** @type {HTMLScriptElement} */ (document.currentScript).src;
  if (location.protocol !== "file:") {
    import(new URL("page.js", here).href);
  }
})();
