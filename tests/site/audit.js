// One page as axe-core sees it: what violates WCAG 2.2, A or AA, and how far the page scrolls sideways.
// Code holds thousands of coloured words. Of those that look alike one is kept: the others say nothing new, and
// take most of the time.
async ({ colours, tags, settled }) => {
  await new Promise((done) => setTimeout(done, settled));
  const looks = new Set(), alike = [];
  for (const word of document.querySelectorAll(".highlight pre span:not([id])")) {
    if (word.childElementCount) continue;
    const style = getComputedStyle(word), behind = getComputedStyle(word.closest(".highlight pre"));
    const block = getComputedStyle(word.closest(".highlight"));
    const look = [style.color, style.backgroundColor, style.fontWeight, style.opacity,
      behind.backgroundColor, block.backgroundColor].join();
    if (looks.has(look)) alike.push(word);
    looks.add(look);
  }
  alike.forEach((word) => word.replaceWith(word.textContent));
  document.querySelectorAll(".highlight pre").forEach((code) => code.normalize());
  const runOnly = colours ? ["color-contrast", "link-in-text-block"] : { type: "tag", values: tags };
  const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"], preload: false });
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, html }) => `${id}: ${target.join(" ")}: ${html.slice(0, 120)}`));
  const wide = document.documentElement.scrollWidth - innerWidth;
  return wide > 0 ? [...found, `scrolls sideways by ${wide} pixels`] : found;
}
