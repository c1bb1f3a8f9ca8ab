/** Waits at most so long, in milliseconds. */
const patience = 1000;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Resolves when the pictures in sight are there: for what takes a while to draw and is not what people look for first. Without
 * pictures, and when they are late, it resolves too.
 */
export async function afterPictures(): Promise<void> {
  const end = performance.now() + patience;
  // A list knows its height, and so its rows, a moment after it is in the document.
  await pause(50);
  while (performance.now() < end && [...document.images].some(isAwaited)) await pause(25);
}

function isAwaited(img: HTMLImageElement): boolean {
  if (img.complete) return false;
  const { top, bottom } = img.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}
