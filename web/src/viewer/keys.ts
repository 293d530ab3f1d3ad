/** What keys do in the viewer, as `?` tells them. */
export const KEYS = [
  ['t', 'Show or hide the truth'],
  ['p', 'Show or hide the prediction'],
  ['d', 'Show or hide the difference'],
  ['f', 'Flicker between truth and prediction'],
  ['← →', 'Epoch before, epoch after'],
  ['j k', 'Next case, case before'],
  ['↑ ↓', 'Slice up, slice down (in the plane that was clicked; Shift for ten)'],
  ['e', 'To where truth and prediction differ most'],
  ['1 2 3 4 5', 'Planes + 3D, axial, coronal, sagittal, 3D'],
  ['c', 'Next channel'],
  ['w', 'Next window'],
  ['i', 'Black on white'],
  ['n', 'Smooth between voxels, or not'],
  ['x', 'Crosshair on or off'],
  ['m', 'Measure; Escape ends it, Delete takes the last one away'],
  ['o', 'Radiological or neurological'],
  ['0', 'Fit the window'],
  ['s', 'Save a picture'],
  ['?', 'This list'],
] as const;
export const GESTURES = [
  ['Click, drag', 'Look there'],
  ['Wheel', 'Through the slices'],
  ['Right drag', 'Window: to the right wider, upwards brighter'],
  ['Shift drag', 'Move the picture'],
  ['Ctrl wheel', 'Nearer, further'],
  ['Double click', 'Fit the window'],
] as const;

/** Whoever chooses with the mouse goes on with the viewer's keys; whoever chooses with keys stays in the list. */
export function givesBackKeys(select: HTMLSelectElement): void {
  let byMouse = false;
  select.addEventListener('pointerdown', () => (byMouse = true));
  select.addEventListener('keydown', () => (byMouse = false));
  select.addEventListener('change', () => byMouse && select.blur());
}

/** Whether a field has no use for a key: a slider takes arrows, a box to tick only the space bar. */
export function leavesTo({ type }: HTMLInputElement, key: string): boolean {
  return type === 'checkbox' || (type === 'range' && !key.startsWith('Arrow'));
}
