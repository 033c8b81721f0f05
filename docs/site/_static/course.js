// The theme lets the keyboard scroll what is too wide, and looks again only when the window changes its size. A
// result that has just been opened is looked at too.
document.addEventListener("toggle", () => window.dispatchEvent(new Event("resize")), true);
