// What must not be on a page, as a list of sentences. A table or a long line may scroll by itself; nothing else
// may be wider than its place. JupyterLab shows warnings and tracebacks in the same red box, and gives a picture
// without a text the text "Image".
async panel => {
  const outputs = [...panel.querySelectorAll('.jp-OutputArea-output')];
  const pictures = [...panel.querySelectorAll('.jp-Notebook img')];
  const notebook = panel.querySelector('.jp-WindowedPanel-outer');

  const report = (fault, elements) =>
    elements.map(e => `${fault}: ${(e.textContent.trim() || e.outerHTML).slice(0, 100)}`);
  const withText = (...patterns) =>
    outputs.filter(output => patterns.some(pattern => pattern.test(output.textContent)));

  await Promise.all(pictures.map(picture => picture.decode().catch(() => null)));
  const isSeeThrough = picture => {
    const size = {width: picture.naturalWidth, height: picture.naturalHeight};
    const context = Object.assign(document.createElement('canvas'), size).getContext('2d');
    context.drawImage(picture, 0, 0);
    return context.getImageData(0, 0, 1, 1).data[3] < 255;
  };

  const places = ['.jp-RenderedMarkdown', '.jp-OutputArea-output'].flatMap(place => [place, place + ' *']);
  const mayScroll = e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX);
  const isTooWide = e => e.clientWidth && e.scrollWidth > e.clientWidth + 1;
  const wide = [...panel.querySelectorAll(places.join(', '))]
    .filter(e => !e.closest('.slider-container'))  // a slider's handle hangs over its end
    .filter(e => isTooWide(e) && !mayScroll(e) && getComputedStyle(e).display !== 'inline');
  const innermost = wide.filter(e => !wide.some(other => other !== e && e.contains(other)));

  const hasText = picture => !['', 'Image'].includes(picture.alt.trim());
  const sideways = element => element.scrollWidth > element.clientWidth ? [element] : [];
  const pageSideways = document.documentElement.scrollWidth > innerWidth ? [document.body] : [];
  const redBoxes = outputs.filter(output => output.dataset.mimeType === 'application/vnd.jupyter.stderr');
  const loaded = pictures.filter(picture => picture.naturalWidth);
  return [
    ...report('traceback', withText(/Traceback \(most recent call last\)/)),
    ...report('red box', redBoxes),
    ...report('raw progress bar', withText(/\d%\|/, /\| *\d+\/\d+ \[/)),
    ...report('widget that is not there', withText(/Error displaying widget|Loading widget/)),
    ...report('picture without a text', pictures.filter(picture => !hasText(picture))),
    ...report('picture that does not load', pictures.filter(picture => !picture.naturalWidth)),
    ...report('picture that the dark theme shines through', loaded.filter(isSeeThrough)),
    ...report('wider than its place', innermost),
    ...report('notebook that scrolls sideways', sideways(notebook)),
    ...report('page that scrolls sideways', pageSideways),
  ];
}
