/** The few ways in which help and messages set words apart; without colour they leave them as they are. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly accent: (text: string) => string;
}

const sgr =
  (open: number, close: number) =>
  (text: string): string =>
    text === "" ? "" : `\u001b[${open}m${text}\u001b[${close}m`;
const same = (text: string): string => text;

export function styleOf(colour: boolean): Style {
  return colour
    ? { bold: sgr(1, 22), dim: sgr(2, 22), accent: sgr(36, 39) }
    : { bold: same, dim: same, accent: same };
}
