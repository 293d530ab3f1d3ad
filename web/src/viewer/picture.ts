/** What is on the screen as one PNG, with a line that says what it is. */

/** All canvases of an element, where they are, with what their `data-said` tells of them, and a line about all below. */
export async function pictureOf(stage: HTMLElement, said: string): Promise<Blob> {
  const box = stage.getBoundingClientRect();
  const ratio = devicePixelRatio || 1;
  const foot = 26;
  const sheet = document.createElement('canvas');
  sheet.width = Math.round(box.width * ratio);
  sheet.height = Math.round((box.height + foot) * ratio);
  const context = sheet.getContext('2d');
  if (!context) throw new Error('The picture could not be made.');
  context.scale(ratio, ratio);
  context.fillStyle = '#000';
  context.fillRect(0, 0, box.width, box.height + foot);
  for (const canvas of stage.querySelectorAll('canvas')) {
    const at = canvas.getBoundingClientRect();
    // What is hidden has no size, and a canvas without one cannot be copied.
    if (at.width && at.height && canvas.width && canvas.height)
      context.drawImage(canvas, at.left - box.left, at.top - box.top, at.width, at.height);
  }
  context.fillStyle = '#d5dce3';
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  context.shadowColor = '#000';
  context.shadowBlur = 3;
  for (const one of stage.querySelectorAll<HTMLElement>('[data-said]')) {
    const at = one.getBoundingClientRect();
    if (at.width) context.fillText(one.dataset.said ?? '', at.left - box.left + 8, at.top - box.top + 10);
  }
  context.fillText(said, 10, box.height + foot / 2, box.width - 20);
  return new Promise((done, fail) =>
    sheet.toBlob((blob) => (blob ? done(blob) : fail(new Error('The picture could not be made.')))),
  );
}
